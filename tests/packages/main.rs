//! Real clients of the package protocols: each is told the lines of `larder connect`, publishes
//! what it can, installs through the group `main` that the first start makes, is refused, and tells
//! the person why in the words of `docs/errors.md`; and nobody gets another's package of the same
//! name.

mod accounts;
mod apt;
mod bun;
mod by_name;
mod cargo;
mod composer;
mod composer_project;
mod composer_served;
mod composer_sources;
mod confusion;
mod copied;
mod counted;
mod dnf;
mod failing;
mod found;
mod go;
mod groups;
mod house;
mod limits;
mod node;
mod npm;
mod pip;
mod pnpm;
mod poetry;
mod promoted;
mod python;
mod quota;
mod racing;
mod restored;
mod rpm;
mod spellings;
mod twine;
mod uv;
mod yarn;

use larder_tests::tools::command;
use larder_tests::{Larder, Start, tool};
use std::path::{Path, PathBuf};
use std::process::Command;

fn larder() -> Larder {
    started(start())
}

fn start() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

fn started(start: Start) -> Larder {
    let larder = start.start();
    larder.disable_schedules();
    larder
}

fn token(larder: &Larder) -> String {
    let made = larder.api("POST", "tokens", r#"{"name":"ci"}"#, 201);
    made["secret"].as_str().expect("secret").to_owned()
}

/// A folder of the test with these files in it.
fn folder(larder: &Larder, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = larder.folder().join(name);
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    }
    folder
}

/// The client in a folder, as someone whose home has only what it needs to know of the server.
fn cargo(larder: &Larder, home: &Path, at: &Path, arguments: &[&str]) -> Command {
    let cargo = Path::new(env!("CARGO"));
    let mut command = command(cargo, home);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env(
        "PATH",
        format!("{}:{path}", cargo.parent().expect("folder").display()),
    );
    command
        .env("CARGO_HOME", home)
        .env("CARGO_TARGET_DIR", larder.folder().join("target"));
    command
        .env("CARGO_NET_RETRY", "0")
        .current_dir(at)
        .args(arguments);
    command
}

fn cargo_home(larder: &Larder, name: &str, token: &str) -> PathBuf {
    let index = format!("sparse+{}/cargo/main/", larder.url());
    let config = format!(
        "[registry]\nglobal-credential-providers = [\"cargo:token\"]\n\
         [registries.main]\nindex = \"{index}\"\n{}",
        if token.is_empty() {
            String::new()
        } else {
            format!("token = \"{token}\"\n")
        },
    );
    folder(larder, name, &[("config.toml", &config)])
}

fn npm(home: &Path, at: &Path, arguments: &[&str]) -> Option<Command> {
    let mut command = command(&tool("npm")?, home);
    command
        .env("NPM_CONFIG_USERCONFIG", home.join("npmrc"))
        .env("NPM_CONFIG_CACHE", home.join("cache"));
    command
        .env("NPM_CONFIG_FETCH_RETRIES", "0")
        .current_dir(at)
        .args(arguments);
    Some(command)
}

fn npm_home(larder: &Larder, name: &str, token: &str) -> PathBuf {
    let address = format!("{}/npm/main/", larder.url());
    let bare = address.trim_start_matches("http:");
    let config = format!(
        "registry={address}\n{bare}:_authToken={token}\naudit=false\nfund=false\nupdate-notifier=false\n"
    );
    folder(larder, name, &[("npmrc", &config)])
}

/// Writes a wheel, as small as one can be.
const WHEEL: &str = r"
import sys, zipfile
name, version, text = sys.argv[1:]
info = f'{name}-{version}.dist-info/'
with zipfile.ZipFile(f'{name}-{version}-py3-none-any.whl', 'w') as wheel:
    wheel.writestr(f'{name}.py', text)
    about = ['Metadata-Version: 2.1', f'Name: {name}', f'Version: {version}', 'Requires-Python: >=3.8', '']
    wheel.writestr(info + 'METADATA', '\n'.join(about))
    made = ['Wheel-Version: 1.0', 'Generator: test', 'Root-Is-Purelib: true', 'Tag: py3-none-any', '']
    wheel.writestr(info + 'WHEEL', '\n'.join(made))
    wheel.writestr(info + 'RECORD', '')
";
