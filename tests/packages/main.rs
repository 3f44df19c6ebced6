//! What is published here, by real clients, through the group `main` that the first start makes; and that nobody gets
//! another's package of the same name.

mod accounts;
mod by_name;
mod confusion;
mod failing;
mod found;

use larder_tests::tools::{command, fails};
use larder_tests::{Larder, Start, run, tool};
use std::path::{Path, PathBuf};
use std::process::Command;

fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
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
    command.env("PATH", format!("{}:{path}", cargo.parent().expect("folder").display()));
    command.env("CARGO_HOME", home).env("CARGO_TARGET_DIR", larder.folder().join("target"));
    command.env("CARGO_NET_RETRY", "0").current_dir(at).args(arguments);
    command
}

fn cargo_home(larder: &Larder, name: &str, token: &str) -> PathBuf {
    let index = format!("sparse+{}/cargo/main/", larder.url());
    let config = format!(
        "[registry]\nglobal-credential-providers = [\"cargo:token\"]\n\
         [registries.main]\nindex = \"{index}\"\n{}",
        if token.is_empty() { String::new() } else { format!("token = \"{token}\"\n") },
    );
    folder(larder, name, &[("config.toml", &config)])
}

#[test]
fn crates_are_published_found_used_and_yanked() {
    let larder = larder();
    let home = cargo_home(&larder, "maker", &token(&larder));
    let manifest = "[package]\nname = \"Probe_One\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
        description = \"a probe\"\nlicense = \"MIT\"\n[features]\nloud = []\n";
    let probe = folder(&larder, "probe", &[("Cargo.toml", manifest), ("src/lib.rs", "pub fn one() -> u8 { 1 }")]);
    let publish = ["publish", "--registry", "main", "--allow-dirty", "--no-verify"];
    let told = run(&mut cargo(&larder, &home, &probe, &publish));
    assert!(told.contains("Published Probe_One v0.1.0"), "{told}");
    let told = fails(&mut cargo(&larder, &home, &probe, &publish));
    assert!(told.contains("already exists"), "{told}");
    let told = run(&mut cargo(&larder, &home, &probe, &["search", "--registry", "main", "probe"]));
    assert!(told.contains("Probe_One = \"0.1.0\"") && told.contains("a probe"), "{told}");
    let told = run(&mut cargo(&larder, &home, &probe, &["owner", "--list", "--registry", "main", "Probe_One"]));
    assert!(told.contains("admin"), "{told}");

    let manifest = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
        Probe_One = { version = \"0.1\", registry = \"main\", features = [\"loud\"] }\n";
    let source = "fn main() { println!(\"got {}\", Probe_One::one()); }";
    let user = folder(&larder, "user", &[("Cargo.toml", manifest), ("src/main.rs", source)]);
    let told = run(&mut cargo(&larder, &home, &user, &["run"]));
    assert!(told.contains("got 1"), "{told}");

    let yank = ["yank", "--registry", "main", "Probe_One@0.1.0"];
    run(&mut cargo(&larder, &home, &probe, &yank));
    let other = cargo_home(&larder, "other", &token(&larder));
    run(&mut cargo(&larder, &other, &user, &["fetch", "--locked"]));
    std::fs::remove_file(user.join("Cargo.lock")).expect("lock");
    let told = fails(&mut cargo(&larder, &other, &user, &["fetch"]));
    assert!(told.contains("yanked") || told.contains("failed to select a version"), "{told}");
    run(&mut cargo(&larder, &home, &probe, &[&yank[..], &["--undo"]].concat()));
    run(&mut cargo(&larder, &other, &user, &["fetch"]));

    // Someone without a right, and nobody.
    let stranger = larder.make_user("stranger");
    let made = stranger.send("POST", "/api/v1/tokens", &[("content-type", "application/json")], br#"{"name":"t"}"#);
    let secret = made.expect(201).json()["secret"].as_str().expect("secret").to_owned();
    let home = cargo_home(&larder, "stranger", &secret);
    let next = manifest_of("Probe_One", "0.2.0");
    let probe = folder(&larder, "next", &[("Cargo.toml", &next), ("src/lib.rs", "")]);
    let told = fails(&mut cargo(&larder, &home, &probe, &publish));
    assert!(told.contains("no such name") || told.contains("403") || told.contains("404"), "{told}");
    let home = cargo_home(&larder, "nobody", "");
    let told = fails(&mut cargo(&larder, &home, &user, &["fetch"]));
    assert!(told.contains("cargo login") || told.contains("token"), "{told}");
}

fn manifest_of(name: &str, version: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n\
         description = \"a probe\"\nlicense = \"MIT\"\n"
    )
}

fn npm(home: &Path, at: &Path, arguments: &[&str]) -> Option<Command> {
    let mut command = command(&tool("npm")?, home);
    command.env("NPM_CONFIG_USERCONFIG", home.join("npmrc")).env("NPM_CONFIG_CACHE", home.join("cache"));
    command.env("NPM_CONFIG_FETCH_RETRIES", "0").current_dir(at).args(arguments);
    Some(command)
}

fn npm_home(larder: &Larder, name: &str, token: &str) -> PathBuf {
    let address = format!("{}/npm/main/", larder.url());
    let bare = address.trim_start_matches("http:");
    let config =
        format!("registry={address}\n{bare}:_authToken={token}\naudit=false\nfund=false\nupdate-notifier=false\n");
    folder(larder, name, &[("npmrc", &config)])
}

#[test]
fn npm_packages_are_published_tagged_deprecated_and_taken_back() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    let home = npm_home(&larder, "maker", &token(&larder));
    let package =
        |version: &str| format!("{{\"name\":\"@acme/probe\",\"version\":\"{version}\",\"main\":\"index.js\"}}");
    let publish = |version: &str, tag: &str| {
        let files = [("package.json", &*package(version)), ("index.js", "module.exports = 1")];
        let at = folder(&larder, &format!("probe-{version}"), &files);
        npm(&home, &at, &["publish", "--tag", tag]).expect("npm")
    };
    let told = run(&mut publish("1.0.0", "latest"));
    assert!(told.contains("+ @acme/probe@1.0.0"), "{told}");
    let told = fails(&mut publish("1.0.0", "latest"));
    assert!(told.contains("cannot publish over"), "{told}");
    run(&mut publish("1.1.0", "next"));
    let ask = |arguments: &[&str]| run(&mut npm(&home, &home, arguments).expect("npm"));
    let told = ask(&["dist-tag", "ls", "@acme/probe"]);
    assert!(told.contains("latest: 1.0.0") && told.contains("next: 1.1.0"), "{told}");
    ask(&["dist-tag", "add", "@acme/probe@1.1.0", "beta"]);
    ask(&["dist-tag", "rm", "@acme/probe", "next"]);
    ask(&["deprecate", "@acme/probe@1.0.0", "too old"]);
    let told = ask(&["view", "@acme/probe", "dist-tags", "versions", "deprecated", "--json"]);
    assert!(told.contains("beta") && !told.contains("next") && told.contains("too old"), "{told}");

    let manifest = r#"{"name":"user","version":"1.0.0","dependencies":{"@acme/probe":"1.0.0"}}"#;
    let user = folder(&larder, "user", &[("package.json", manifest)]);
    let told = run(&mut npm(&home, &user, &["install"]).expect("npm"));
    assert!(told.contains("too old"), "{told}");
    let index = std::fs::read_to_string(user.join("node_modules/@acme/probe/index.js")).expect("installed");
    assert_eq!(index, "module.exports = 1");
    std::fs::remove_dir_all(user.join("node_modules")).expect("modules");
    run(&mut npm(&npm_home(&larder, "other", &token(&larder)), &user, &["ci"]).expect("npm"));

    ask(&["unpublish", "@acme/probe@1.1.0", "--force"]);
    let told = ask(&["view", "@acme/probe", "versions", "--json"]);
    assert!(told.contains("1.0.0") && !told.contains("1.1.0"), "{told}");
    let told = fails(&mut publish("1.1.0", "latest"));
    assert!(told.contains("1.1.0"), "a version stays reserved: {told}");

    let nobody = npm_home(&larder, "nobody", "wrong");
    let fresh = folder(&larder, "fresh", &[("package.json", manifest)]);
    let told = fails(&mut npm(&nobody, &fresh, &["install"]).expect("npm"));
    assert!(told.contains("E401"), "{told}");
    let reader = larder.make_user("reader");
    larder.grant("user:reader", "npm/local", "*", "reader");
    let body = br#"{"name":"t"}"#;
    let made = reader.send("POST", "/api/v1/tokens", &[("content-type", "application/json")], body).expect(201);
    let home = npm_home(&larder, "reader", made.json()["secret"].as_str().expect("secret"));
    let at = folder(&larder, "probe-2", &[("package.json", &*package("2.0.0")), ("index.js", "")]);
    let told = fails(&mut npm(&home, &at, &["publish"]).expect("npm"));
    assert!(told.contains("E403") && told.contains("ask its admin for a grant"), "{told}");
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

#[test]
fn python_packages_are_uploaded_and_installed() {
    let (Some(python), Some(twine), Some(uv)) = (tool("python3"), tool("twine"), tool("uv")) else { return };
    let larder = larder();
    let secret = token(&larder);
    let home = folder(&larder, "home", &[("wheel.py", WHEEL)]);
    let wheel = |version: &str, text: &str| {
        run(command(&python, &home).args(["wheel.py", "larder_probe", version, text]));
        format!("larder_probe-{version}-py3-none-any.whl")
    };
    let address = format!("{}/pypi/main/legacy/", larder.url());
    let twine = |file: &str, secret: &str| {
        let mut command = command(&twine, &home);
        command.args(["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", &address]);
        command.args(["-u", "__token__", "-p", secret, file]).env("COLUMNS", "300").env("NO_COLOR", "1");
        command
    };
    let first = wheel("1.0", "one = 1");
    run(&mut twine(&first, &secret));
    run(&mut twine(&first, &secret)); // the same bytes again, as after a lost answer
    let other = wheel("1.0", "one = 2");
    let told = fails(&mut twine(&other, &secret));
    assert!(told.contains("already exists"), "{told}");
    let told = fails(&mut twine(&other, "wrong"));
    assert!(told.contains("401"), "{told}");
    let second = wheel("1.1", "one = 11");
    run(command(&uv, &home).args(["publish", "--publish-url", &address, "--token", &secret, &second]));

    let index = |who: &str| format!("http://{who}{}/pypi/main/simple/", larder.host());
    let pip = |who: &str, target: &str, what: &str| {
        let mut command = command(&python, &home);
        command.args(["-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--no-cache-dir"]);
        command.args(["--retries", "0", "--index-url", &index(who), "--target", target, what]);
        command
    };
    run(&mut pip(&format!("x:{secret}@"), "new", "Larder.Probe"));
    let text = |target: &str| std::fs::read_to_string(home.join(target).join("larder_probe.py")).expect("installed");
    assert_eq!(text("new"), "one = 11");
    run(&mut pip(&format!("x:{secret}@"), "old", "larder-probe==1.0"));
    assert_eq!(text("old"), "one = 1");
    let mut install = command(&uv, &home);
    install.args(["pip", "install", "--no-config", "--python"]).arg(&python).args([
        "--target",
        "uv",
        "--default-index",
    ]);
    run(install.arg(index(&format!("x:{secret}@"))).arg("larder-probe"));
    assert_eq!(text("uv"), "one = 11");
    fails(&mut pip("", "nobody", "larder-probe"));
}
