//! The lines of `larder connect`, pasted where they say, on a new server that is its own
//! certificate authority: what each client is asked then comes through the groups of a first start.

use crate::bed::{BINARY, Home};
use larder_tests::larder::PASSWORD;
use larder_tests::modules::Modules;
use larder_tests::tools::{command, dnf_arguments, run, tool, tool_in};
use larder_tests::{Larder, Shelf, Start, Upstream, archive};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A new server with TLS, whose mirrors have the package `demo`, and the home of its administrator.
struct Hour {
    larder: Larder,
    home: Home,
    _upstream: Upstream,
}

fn hour() -> Hour {
    let upstream = Upstream::start();
    let larder = Start::of(BINARY)
        .with("LARDER_SERVER__TLS", "self-signed")
        .start();
    let home = Home::new();
    let ca = larder.data().join("tls/ca.crt");
    let ca = ca.to_str().expect("UTF-8");
    let login = [
        "login",
        larder.url(),
        "--username",
        "admin",
        "--password-stdin",
        "--ca-cert",
        ca,
    ];
    home.types(&login, &format!("{PASSWORD}\n")).ends(0);
    let module = "demo.example/demo";
    Modules::default().put_word(&upstream, module, "v1.0.0", "theirs");
    let url = Modules::url(&upstream);
    let line = format!("repo set go/upstream --upstream {url} --allow-private");
    home.run(&line).ends(0);
    for protocol in ["cargo", "npm", "pypi", "rpm", "composer"] {
        let mut shelf = Shelf::new(protocol, &upstream);
        let body = match protocol {
            "cargo" => archive::crate_file("demo", "1.0.0", "theirs"),
            "npm" => archive::tarball("demo", "1.0.0", "theirs"),
            "pypi" => archive::wheel("demo", "1.0.0", "theirs"),
            "composer" => archive::php_package("acme/demo", "1.0.0", "theirs", &json!({})),
            _ => b"rpm".to_vec(),
        };
        shelf.put(&upstream, "1.0.0", &body);
        let url = shelf.url(&upstream);
        let line = format!("repo set {protocol}/upstream --upstream {url} --allow-private");
        home.run(&line).ends(0);
    }
    Hour {
        larder,
        home,
        _upstream: upstream,
    }
}

impl Hour {
    /// Where a file of the machine, or of the person, is in this test.
    fn place(&self, file: &str) -> PathBuf {
        match file.strip_prefix("~/") {
            Some(rest) => self.home.path(rest),
            None => self.home.path("machine").join(file.trim_start_matches('/')),
        }
    }

    /// Pastes the lines for a client and runs a command after those that are for a shell; what was
    /// said.
    #[track_caller]
    fn pasted(&self, connect: &str, programs: &[&Path], command_line: &str) -> String {
        let told = self.home.run(&format!("connect {connect} --json")).ends(0);
        let told: Value = told.json();
        let machine = self.home.path("machine");
        let machine = format!("{}/etc/", machine.display());
        let mut script = String::from("set -e\n");
        for part in told["items"].as_array().expect("items") {
            let lines = part["lines"].as_array().expect("lines").iter();
            let lines = lines.map(|line| line.as_str().expect("line"));
            let text: String = lines.flat_map(|line| [line, "\n"]).collect();
            match part["file"].as_str() {
                None => script += &text,
                Some(file) => {
                    let file = self.place(file);
                    std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
                    std::fs::write(file, text.replace("=/etc/", &format!("={machine}")))
                        .expect("file");
                }
            }
        }
        let bin = self.home.path("bin");
        std::fs::create_dir_all(&bin).expect("folder");
        for program in programs {
            let link = bin.join(program.file_name().expect("name"));
            drop(std::fs::remove_file(&link)); // of the client before
            std::os::unix::fs::symlink(program, link).expect("link");
        }
        let search = std::env::var("PATH").unwrap_or_default();
        let mut shell = command(Path::new("/bin/sh"), self.home.folder());
        let made = self.home.run("token create paste --json").ends(0).json();
        shell
            .env("PATH", format!("{}:{search}", bin.display()))
            .env("TOKEN", made["secret"].as_str().expect("secret"))
            .env("RUSTUP_HOME", rustup())
            .env("YARN_ENABLE_TELEMETRY", "0")
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("COMPOSER_ALLOW_SUPERUSER", "1")
            .args(["-c", &format!("{script}{command_line}")]);
        run(&mut shell)
    }
}

fn rustup() -> String {
    std::env::var("RUSTUP_HOME").unwrap_or_else(|_| {
        let home = std::env::var("HOME").expect("HOME");
        format!("{home}/.rustup")
    })
}

/// Which client of which group is asked how, and what is in its answer.
#[test]
fn lines_work_as_they_are_pasted() {
    let hour = hour();
    let python = tool("python3");
    let npm = tool("npm");
    for (client, group, check, said) in [
        ("npm", "npm/main", "npm view demo version", "1.0.0"),
        ("pnpm", "npm/main", "pnpm view demo version", "1.0.0"),
        ("bun", "npm/main", "bun pm view demo version", "1.0.0"),
        (
            "cargo",
            "cargo/main",
            "cargo info --registry larder demo",
            "version: 1.0.0",
        ),
        (
            "go",
            "go/main",
            "GOTOOLCHAIN=local GOSUMDB=off go list -m -versions demo.example/demo",
            "demo.example/demo v1.0.0",
        ),
        (
            "pip",
            "pypi/main",
            "python3 -m pip download --no-deps --dest got demo",
            "demo-1.0.0",
        ),
        (
            "uv",
            "pypi/main",
            "echo demo | uv pip compile --no-deps --no-header -",
            "demo==1.0.0",
        ),
        (
            "composer",
            "composer/main",
            "composer show --all acme/demo",
            "1.0.0",
        ),
    ] {
        let program = if client == "pip" {
            python.clone()
        } else {
            tool(client)
        };
        let Some(program) = program else { continue };
        let mut programs = vec![&*program];
        programs.extend(npm.as_deref().filter(|_| client == "bun"));
        let told = hour.pasted(&format!("{client} {group}"), &programs, check);
        assert!(told.contains(said), "{client}: {told}");
    }
}

#[test]
fn yarn_and_poetry_work_in_their_projects() {
    let hour = hour();
    if let Some(yarn) = tool_in("yarn-4", "yarn") {
        let check = "mkdir -p y && cd y && echo '{}' > package.json && touch yarn.lock && \
                     yarn npm info demo --fields version";
        let told = hour.pasted("yarn npm/main", &[&yarn], check);
        assert!(told.contains("1.0.0"), "{told}");
    }
    if let (Some(poetry), Some(python)) = (tool("poetry"), tool("python3")) {
        let project = "[project]\\nname = \"user\"\\nversion = \"1\"\\nrequires-python = \">=3.9\"\\n\
                       [tool.poetry]\\npackage-mode = false\\n";
        let check = format!(
            "mkdir -p p && cd p && printf '{project}' > pyproject.toml && \
             cat ../machine/pyproject.toml >> pyproject.toml && \
             poetry add --lock --no-interaction demo"
        );
        let told = hour.pasted("poetry pypi/main", &[&poetry, &python], &check);
        assert!(told.contains("demo"), "{told}");
    }
}

#[test]
fn dnf_works_with_the_file_of_its_repository() {
    let Some(dnf) = tool("dnf") else { return };
    let hour = hour();
    let options = dnf_arguments(hour.home.folder(), "machine/etc/yum.repos.d").join(" ");
    let check =
        format!("dnf {options} --disablerepo='*' --enablerepo=larder-main list --available");
    let told = hour.pasted("dnf rpm/main", &[&dnf], &check);
    assert!(told.contains("demo.noarch"), "{told}");
}

#[test]
fn skopeo_trusts_the_server_and_logs_in() {
    let Some(skopeo) = tool("skopeo") else { return };
    let hour = hour();
    hour.home.run("repo create oci/team").ends(0);
    // As clients of this family look for certificates of a person's own.
    let own = hour.home.path(".config/containers");
    std::fs::create_dir_all(&own).expect("folder");
    let machine = hour.home.path("machine/etc/containers/certs.d");
    std::os::unix::fs::symlink(machine, own.join("certs.d")).expect("link");
    let told = hour.home.run("connect skopeo oci/team").ends(0).out;
    let login = told.lines().find(|line| line.contains("skopeo login"));
    let login = login
        .expect("a login")
        .replace("skopeo login", "skopeo login --authfile auth.json");
    let answer = hour
        .home
        .run("connect skopeo oci/team --file 1")
        .ends(0)
        .out;
    assert!(
        answer.starts_with("-----BEGIN CERTIFICATE-----"),
        "{answer}"
    );
    let file = hour.place(&format!(
        "/etc/containers/certs.d/{}/larder-team.crt",
        hour.larder.host()
    ));
    std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
    std::fs::write(file, answer).expect("file");
    let made = hour.home.run("token create paste --json").ends(0).json();
    let mut shell = command(Path::new("/bin/sh"), hour.home.folder());
    let search = std::env::var("PATH").unwrap_or_default();
    let folder = skopeo.parent().expect("folder").display();
    shell
        .env("PATH", format!("{folder}:{search}"))
        .env("TOKEN", made["secret"].as_str().expect("secret"))
        .args(["-c", &login]);
    assert!(run(&mut shell).contains("Login Succeeded"));
}

#[test]
fn the_lines_of_one_file_stand_alone() {
    let larder = crate::bed::larder();
    let home = Home::of(&larder, "admin");
    let told = home.run("connect npm npm/main --file 1").ends(0).out;
    let lines = format!("registry={}/npm/main/\n", larder.url());
    assert_eq!(told, lines);
    let ran = home.run("connect npm npm/main --file 2").ends(2);
    assert!(
        ran.err.contains("the files are, from 1: ~/.npmrc"),
        "{ran:?}"
    );
    // For those who publish there are lines with a token.
    let told = home.run("connect npm npm/main --with-token").ends(0).out;
    let token = format!("//{}/npm/main/:_authToken=${{TOKEN}}", larder.host());
    assert!(told.contains(&token), "{told}");
    let told = home.run("connect npm npm/main").ends(0).out;
    assert!(
        told.contains("larder connect npm npm/main --with-token"),
        "{told}"
    );
}

#[test]
fn what_this_machine_uses_becomes_the_servers_upstream() {
    let larder = crate::bed::larder();
    let home = Home::of(&larder, "admin");
    let url = "http://127.0.0.1:1/corp/";
    std::fs::write(home.path(".npmrc"), format!("registry={url}\n")).expect("file");
    let apply = |done: &str| {
        let ran = home.run("discover --apply --allow-private --json").ends(0);
        let told = ran.json();
        let items = told["items"].as_array().expect("items").clone();
        let npm = items
            .iter()
            .find(|item| item["repository"] == "npm/upstream");
        assert_eq!(npm.expect("npm")["done"], done, "{told}");
    };
    apply("set");
    let upstream = larder.api("GET", "repositories/npm/upstream", "", 200)["upstream"].clone();
    assert_eq!(
        (&upstream["url"], &upstream["allow_private"]),
        (&url.into(), &true.into())
    );
    apply("left as it is: it has an upstream");
}
