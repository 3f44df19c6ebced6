//! A server, a module proxy that it mirrors, a checksum database over that, and homes of the client.

use larder_tests::checksums::{Checksums, KEY};
use larder_tests::modules::Modules;
use larder_tests::tools::{command, fails, run};
use larder_tests::{Larder, Upstream, tool};
use serde_json::{Value, json};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The modules of the upstream.
pub(super) const DEMO: &str = "demo.example/demo";
pub(super) const DEP: &str = "demo.example/Dep/v2";
pub(super) const TOOL: &str = "tool.example/hello";

pub(super) struct Bed {
    pub(super) larder: Larder,
    pub(super) upstream: Upstream,
    pub(super) modules: Modules,
    pub(super) database: Option<Checksums>,
    go: PathBuf,
    homes: Cell<u32>,
}

/// Files of a version: its `go.mod` and others.
pub(super) fn with_need(module: &str, need: &str, version: &str) -> String {
    format!("module {module}\n\ngo 1.21\n\nrequire {need} {version}\n")
}

impl Bed {
    /// One whose mirror has a database that has so many records already; `None` if the client or the
    /// database cannot be had here.
    pub(super) fn with_database(fill: u32) -> Option<Self> {
        let mut bed = Self::without()?;
        let database = Checksums::start(&Modules::url(&bed.upstream), fill, "")?;
        bed.set(&json!({"checksum_database": KEY, "checksum_database_url": database.url()}));
        bed.database = Some(database);
        Some(bed)
    }

    /// One whose mirror has no database.
    pub(super) fn without() -> Option<Self> {
        let go = tool("go")?;
        let larder = crate::larder();
        let bed = Self {
            larder,
            upstream: Upstream::start(),
            modules: Modules::default(),
            database: None,
            go,
            homes: Cell::new(0),
        };
        bed.fill();
        bed.set(&json!({"url": Modules::url(&bed.upstream), "allow_private": true}));
        Some(bed)
    }

    /// Changes settings of the mirror's upstream.
    #[track_caller]
    pub(super) fn set(&self, upstream: &Value) {
        self.change("upstream", &json!({"upstream": upstream}));
    }

    /// Changes a repository.
    #[track_caller]
    pub(super) fn change(&self, name: &str, settings: &Value) {
        let path = format!("repositories/go/{name}");
        self.larder.api("PATCH", &path, &settings.to_string(), 200);
    }

    fn fill(&self) {
        let (modules, upstream) = (&self.modules, &self.upstream);
        modules.put_word(upstream, DEP, "v2.0.1", "theirs");
        let uses = format!(
            "package demo\n\nimport word \"{DEP}\"\n\nconst Word = \"demo of \" + word.Word\n"
        );
        for version in ["v1.0.0", "v1.1.0"] {
            let go_mod = with_need(DEMO, DEP, "v2.0.1");
            modules.put(
                upstream,
                DEMO,
                version,
                &[("go.mod", &go_mod), ("demo.go", &uses)],
            );
        }
        // It takes back the one before.
        let go_mod = format!(
            "{}\nretract v1.1.0 // it leaks\n",
            with_need(DEMO, DEP, "v2.0.1")
        );
        modules.put(
            upstream,
            DEMO,
            "v1.2.0",
            &[("go.mod", &go_mod), ("demo.go", &uses)],
        );
        let hello = "package main\n\nfunc main() { println(\"hello from a tool\") }\n";
        let go_mod = format!("module {TOOL}\n\ngo 1.21\n");
        modules.put(
            upstream,
            TOOL,
            "v0.3.0",
            &[("go.mod", &go_mod), ("main.go", hello)],
        );
    }

    /// A new home whose client asks a repository of this server alone.
    pub(super) fn home(&self, repository: &str) -> GoHome {
        self.home_at(&self.proxy(repository))
    }

    /// The address of a repository.
    pub(super) fn proxy(&self, repository: &str) -> String {
        let url = self.larder.url().trim_end_matches('/');
        format!("{url}/go/{repository}")
    }

    /// A new home whose client asks this address alone.
    pub(super) fn home_at(&self, proxy: &str) -> GoHome {
        let number = self.homes.get();
        self.homes.set(number + 1);
        let folder = self.larder.folder().join(format!("go-{number}"));
        std::fs::create_dir_all(&folder).expect("home");
        GoHome {
            folder,
            go: self.go.clone(),
            variables: vec![
                ("GOPROXY".to_owned(), proxy.to_owned()),
                ("GOSUMDB".to_owned(), KEY.to_owned()),
            ],
        }
    }

    /// What the mirror's upstream, and the database behind it, were asked since the last time.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = self.upstream.take_asked();
        asked.into_iter().map(|asked| asked.path).collect()
    }
}

/// A home of the client.
pub(super) struct GoHome {
    folder: PathBuf,
    go: PathBuf,
    variables: Vec<(String, String)>,
}

impl GoHome {
    /// With another variable.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new program that needs these modules and says their words.
    pub(super) fn program(&self, name: &str, requires: &[(&str, &str)], source: &str) -> PathBuf {
        let requires = requires.iter();
        let needs = requires.map(|(module, version)| format!("require {module} {version}\n"));
        let needs = needs.collect::<Vec<_>>().concat();
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a program");
        let go_mod = format!("module user.example/{name}\n\ngo 1.21\n\n{needs}");
        std::fs::write(folder.join("go.mod"), go_mod).expect("go.mod");
        std::fs::write(folder.join("main.go"), source).expect("main.go");
        folder
    }

    /// The client with these words, in a folder.
    pub(super) fn command(&self, at: &Path, words: &[&str]) -> Command {
        let mut command = command(&self.go, &self.folder);
        command
            .args(words)
            .current_dir(at)
            .env("GOPATH", self.folder.join("path"))
            .env("GOCACHE", self.folder.join("cache"))
            .env("GOENV", self.folder.join("env"))
            .env("GOFLAGS", "-modcacherw -mod=mod")
            .env("GOTOOLCHAIN", "local")
            .env("GOTELEMETRY", "off")
            .env("GOVCS", "*:off")
            .env("CGO_ENABLED", "0")
            .env_remove("GONOSUMDB")
            .env_remove("GOPRIVATE");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    pub(super) fn run(&self, at: &Path, words: &[&str]) -> String {
        run(&mut self.command(at, words))
    }

    #[track_caller]
    pub(super) fn fails(&self, at: &Path, words: &[&str]) -> String {
        fails(&mut self.command(at, words))
    }
}

/// The source of a program that says the word of `demo`.
pub(super) const SAYS: &str =
    "package main\n\nimport \"demo.example/demo\"\n\nfunc main() { println(demo.Word) }\n";
