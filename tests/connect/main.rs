//! The lines of `larder connect`, given to real clients word for word: each gets a package through a mirror, first with a
//! token, then as anybody.

use larder_tests::tools::{command, fails};
use larder_tests::{Larder, Start, run, tool};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A registry of one package, stopped when it is dropped.
struct Upstream {
    child: Child,
    url: String,
}

impl Upstream {
    fn start(python: &Path, folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/connect/upstream.py");
        let mut command = Command::new(python);
        command.arg(script).arg(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("upstream");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("line");
        let port = line.trim().strip_prefix("port ").expect("port");
        let url = format!("http://127.0.0.1:{port}");
        Self { child, url }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        drop(self.child.wait());
    }
}

/// A server with a mirror of the upstream.
struct House {
    larder: Larder,
    _upstream: Upstream,
    repository: String,
    token: String,
}

impl House {
    /// `None`: there is no python.
    fn open(protocol: &str, path: &str) -> Option<Self> {
        let python = tool("python3")?;
        let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
        let upstream = Upstream::start(&python, &larder.folder().join("upstream"));
        let repository = format!("{protocol}/upstream");
        let body = serde_json::json!({"upstream": {"url": format!("{}/{path}/", upstream.url), "allow_private": true}});
        larder.api("PATCH", &format!("repositories/{repository}"), &body.to_string(), 200);
        for grant in larder.api("GET", "grants", "", 200)["items"].as_array().expect("grants") {
            larder.api("DELETE", &format!("grants/{}", grant["id"].as_str().expect("id")), "", 204);
        }
        let token =
            larder.api("POST", "tokens", r#"{"name":"ci"}"#, 201)["secret"].as_str().expect("secret").to_owned();
        Some(Self { larder, _upstream: upstream, repository, token })
    }

    fn publish(&self) {
        self.larder.grant("anonymous", &self.repository, "*", "reader");
    }

    /// A home where a client has been told its lines, and what is to run in its shell.
    fn home(&self, client: &str, name: &str) -> (PathBuf, String) {
        let home = self.larder.folder().join(name);
        std::fs::create_dir(&home).expect("home");
        let told = self.larder.api("GET", &format!("connect/{client}/{}", self.repository), "", 200);
        let mut shell = String::new();
        for part in told["items"].as_array().expect("items") {
            let lines: Vec<&str> =
                part["lines"].as_array().expect("lines").iter().map(|line| line.as_str().expect("line")).collect();
            let text = lines.join("\n").replace("$TOKEN", &self.token);
            match part["file"].as_str() {
                None => shell.push_str(&format!("{text}\n")),
                Some(file) => {
                    let file = home.join(file.strip_prefix("~/").expect("a file in the home"));
                    std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
                    std::fs::write(file, text).expect("file");
                }
            }
        }
        (home, shell)
    }

    /// A shell in the home, after what was to run in it.
    fn shell(&self, home: &Path, before: &str, line: &str) -> Command {
        let mut shell = command(Path::new("/bin/sh"), home);
        shell.env("TOKEN", &self.token).arg("-c").arg(format!("{before}\n{line}"));
        shell
    }
}

#[test]
fn cargo() {
    let Some(house) = House::open("cargo", "cargo") else { return };
    let cargo = Path::new(env!("CARGO"));
    let folder = cargo.parent().expect("folder").display().to_string();
    let fetch = |home: &Path, before: &str| {
        std::fs::create_dir_all(home.join("src")).expect("src");
        std::fs::write(home.join("src/lib.rs"), "").expect("source");
        let manifest = "[package]\nname = \"user\"\nedition = \"2021\"\n[dependencies]\nkept = \"1\"\n";
        std::fs::write(home.join("Cargo.toml"), manifest).expect("manifest");
        let mut shell = house.shell(home, before, "cargo fetch && cat Cargo.lock");
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{folder}:{path}"));
        shell
    };
    let (home, before) = house.home("cargo", "private");
    let told = run(&mut fetch(&home, &before));
    assert!(told.contains("name = \"kept\"") && !told.contains("source = \"sparse"), "{told}");
    house.publish();
    let (home, before) = house.home("cargo", "public");
    assert_eq!(before, "");
    run(&mut fetch(&home, &before));
}

#[test]
fn npm() {
    if tool("npm").is_none() {
        return;
    }
    let Some(house) = House::open("npm", "npm") else { return };
    let install = "npm install --no-audit --no-fund kept && cat node_modules/kept/package.json";
    let (home, before) = house.home("npm", "private");
    let told = run(&mut house.shell(&home, &before, install));
    assert!(told.contains("1.0.0"), "{told}");
    fails(house.shell(&home, &before, install).env("TOKEN", "wrong").env("npm_config_cache", home.join("other")));
    house.publish();
    let (home, before) = house.home("npm", "public");
    run(&mut house.shell(&home, &before, install));
}

#[test]
fn pip() {
    let Some(python) = tool("python3") else { return };
    let Some(house) = House::open("pypi", "simple") else { return };
    let venv = house.larder.folder().join("venv");
    run(Command::new(python).args(["-m", "venv"]).arg(&venv));
    let download = format!("{}/bin/pip download --disable-pip-version-check --dest . kept && ls", venv.display());
    let (home, before) = house.home("pip", "private");
    let told = run(&mut house.shell(&home, &before, &download));
    assert!(told.contains("kept-1.0-py3-none-any.whl"), "{told}");
    house.publish();
    let (home, before) = house.home("pip", "public");
    run(&mut house.shell(&home, &before, &download));
}
