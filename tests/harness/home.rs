//! Homes of clients that were told the lines of `larder connect`, word for word.

use crate::Larder;
use crate::engine::alone;
use crate::tools::{command, fails, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// What makes clients say what they say at once, and the same each time.
const MANNERS: [(&str, &str); 34] = [
    ("CARGO_NET_RETRY", "0"),
    ("CARGO_TERM_COLOR", "never"),
    ("npm_config_fetch_retries", "0"),
    ("npm_config_audit", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_progress", "false"),
    ("COREPACK_ENABLE_STRICT", "0"),
    ("YARN_HTTP_RETRY", "0"),
    ("YARN_ENABLE_TELEMETRY", "0"),
    ("YARN_ENABLE_TIMERS", "false"),
    ("YARN_ENABLE_PROGRESS_BARS", "false"),
    ("YARN_ENABLE_COLORS", "false"),
    ("YARN_ENABLE_HYPERLINKS", "false"),
    ("YARN_NODE_LINKER", "node-modules"),
    ("YARN_NETWORK_CONCURRENCY", "1"),
    ("YARN_NPM_PREAPPROVED_PACKAGES", "@acme/*,demo"),
    ("BUN_CONFIG_HTTP_RETRY_COUNT", "0"),
    ("DO_NOT_TRACK", "1"),
    ("PIP_RETRIES", "0"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_NO_INPUT", "1"),
    ("UV_HTTP_RETRIES", "0"),
    ("UV_PYTHON_DOWNLOADS", "never"),
    ("UV_NO_PROGRESS", "1"),
    ("POETRY_REQUESTS_MAX_RETRIES", "0"),
    ("POETRY_VIRTUALENVS_IN_PROJECT", "true"),
    ("POETRY_NO_INTERACTION", "1"),
    ("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring"),
    ("COMPOSER_ALLOW_SUPERUSER", "1"),
    ("COMPOSER_NO_INTERACTION", "1"),
    ("NO_COLOR", "1"),
    ("COLUMNS", "2000"),
    ("LC_ALL", "C.UTF-8"),
];

/// How many there were.
static HOMES: AtomicU32 = AtomicU32::new(0);

/// Who the person before the client is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// Someone who may do everything.
    Maker,
    /// Someone who may read everything.
    Reader,
    /// Someone who may do nothing.
    Stranger,
    /// Someone whose token is none.
    Liar,
    /// Someone without a token, who was told the lines of a repository that everyone may read.
    Nobody,
}

/// A client's home: what the lines of `larder connect` say stands in its files.
pub struct Home {
    folder: PathBuf,
    token: String,
    /// What is to be run in the shell beforehand.
    before: String,
    /// What is to stand in a file of each project.
    in_project: Vec<(String, String)>,
}

impl Home {
    /// A new one of this person with these programs, told the lines for a client and a repository.
    /// `maker`, `reader` and `stranger` are users of the server.
    #[track_caller]
    pub fn of(larder: &Larder, who: Who, connect: (&str, &str), programs: &[PathBuf]) -> Self {
        let folder = larder
            .folder()
            .join(format!("home-{}", HOMES.fetch_add(1, Ordering::Relaxed)));
        let bin = folder.join("bin");
        std::fs::create_dir_all(&bin).expect("home");
        for program in programs {
            std::os::unix::fs::symlink(program, bin.join(program.file_name().expect("name")))
                .expect("program");
        }
        let token = match who {
            Who::Maker => larder.token_of("maker"),
            Who::Reader => larder.token_of("reader"),
            Who::Stranger => larder.token_of("stranger"),
            Who::Liar => "wrong".to_owned(),
            Who::Nobody => String::new(),
        };
        let mut home = Self {
            folder,
            token,
            before: String::new(),
            in_project: Vec::new(),
        };
        home.be_told(larder, who, connect);
        home
    }

    #[track_caller]
    fn be_told(&mut self, larder: &Larder, who: Who, (client, repository): (&str, &str)) {
        let path = format!("/api/v1/connect/{client}/{repository}");
        let mut granted = None;
        if who == Who::Nobody {
            let body = json!({"subject": "anonymous", "repository": repository, "package": "*", "role": "reader"});
            let headers = [("content-type", "application/json")];
            let made = larder.admin().send(
                "POST",
                "/api/v1/grants",
                &headers,
                body.to_string().as_bytes(),
            );
            // It may be there already.
            granted =
                (made.status == 201).then(|| made.json()["id"].as_str().expect("id").to_owned());
        }
        let told = larder.admin().get(&path).expect(200).json();
        if let Some(grant) = granted {
            larder.api("DELETE", &format!("grants/{grant}"), "", 204);
        }
        told["items"]
            .as_array()
            .expect("items")
            .iter()
            .for_each(|part| self.take(part));
    }

    /// Does what a part of the answer of `connect` says: writes a file, or keeps what is to be run.
    #[track_caller]
    fn take(&mut self, part: &Value) {
        let lines = part["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line.as_str().expect("line"));
        let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let note = part["note"].as_str().unwrap_or_default();
        if note.contains("replace $TOKEN") {
            text = text.replace("$TOKEN", &self.token);
        }
        match part["file"].as_str() {
            None => self.before.push_str(&text),
            Some(file) if file.starts_with(['~', '/']) => {
                write(
                    &self
                        .folder
                        .join(file.trim_start_matches('~').trim_start_matches('/')),
                    &text,
                );
            }
            Some(file) => self.in_project.push((file.to_owned(), text)),
        }
    }

    /// The person's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What is to be run in the shell beforehand.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The home's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new project with these files, and what `larder connect` wants there.
    pub fn project(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let project = self.folder.join(name);
        for (file, text) in files {
            let more = self
                .in_project
                .iter()
                .filter(|(wanted, _)| wanted == file)
                .map(|(_, text)| text.as_str());
            write(
                &project.join(file),
                &format!("{text}{}", more.collect::<String>()),
            );
        }
        project
    }

    /// A line for the shell in a folder, after what is to be run beforehand.
    pub fn shell(&self, at: &Path, line: &str) -> Command {
        self.shell_without(at, &format!("{}{line}", self.before))
    }

    /// The same without that.
    pub fn shell_without(&self, at: &Path, line: &str) -> Command {
        let mut shell = command(Path::new("/bin/sh"), &self.folder);
        let path = std::env::var("PATH").unwrap_or_default();
        shell
            .env(
                "PATH",
                format!("{}:{path}", self.folder.join("bin").display()),
            )
            .env("TOKEN", &self.token);
        shell.envs(MANNERS).current_dir(at);
        alone(&mut shell);
        for name in [
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            shell.env_remove(name); // the lines are for homes without
        }
        shell.arg("-c").arg(format!("set -e\n{line}"));
        shell
    }

    /// Runs a line that must succeed; what was written.
    #[track_caller]
    pub fn run(&self, at: &Path, line: &str) -> String {
        run(&mut self.shell(at, line))
    }

    /// Runs a line that must fail; what was written.
    #[track_caller]
    pub fn fails(&self, at: &Path, line: &str) -> String {
        fails(&mut self.shell(at, line))
    }
}

/// A text in which the homes below a server's folder have one name.
pub fn without_homes(text: &str, larder: &Larder) -> String {
    let home = larder.folder().join("home-").display().to_string();
    let mut parts = text.split(&home);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "HOME" + part.trim_start_matches(|char: char| char.is_ascii_digit())
    })
}

/// Writes a file and the folders above it.
fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().expect("parent")).expect("folder");
    std::fs::write(file, text).expect("file");
}

/// Reads a text file.
#[track_caller]
pub fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
