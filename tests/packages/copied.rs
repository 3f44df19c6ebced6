//! Versions that are published here are copied to another repository, and outlive theirs.

use crate::by_name::{FILE, publish_pypi};
use crate::confusion::{publish_npm, send_crate};
use crate::{cargo, cargo_home, folder, larder, npm, npm_home, token};
use larder_tests::tools::command;
use larder_tests::{Larder, archive, run, tool};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Copies a version from the hosted repository of a protocol to a new one, `prod`, and deletes where
/// it was.
pub fn promote(larder: &Larder, protocol: &str, package: &str, version: &str) {
    let prod = json!({"protocol": protocol, "name": "prod", "kind": "hosted"});
    larder.api("POST", "repositories", &prod.to_string(), 201);
    let copied = copy(larder, protocol, package, version, 200);
    assert_eq!(
        (&copied["repository"], &copied["package"], &copied["digest"]),
        (
            &json!(format!("{protocol}/prod")),
            &json!(package),
            &Value::Null
        )
    );
    // Again it is the same.
    assert_eq!(copy(larder, protocol, package, version, 200), copied);
    let none = copy(larder, protocol, package, "9.9.9", 404);
    assert_eq!(none["code"], json!("version_not_found"));
    let local = format!("repositories/{protocol}/local?force=true");
    larder.api("DELETE", &local, "", 204);
}

/// Copies a version as it is.
fn copy(larder: &Larder, protocol: &str, package: &str, version: &str, status: u16) -> Value {
    copy_from(larder, (protocol, "local"), (package, version), status)
}

/// Copies a version of a repository to `prod`.
pub fn copy_from(
    larder: &Larder,
    (protocol, repo): (&str, &str),
    (package, version): (&str, &str),
    status: u16,
) -> Value {
    let path = format!("repositories/{protocol}/{repo}/packages/{package}/versions/{version}/copy");
    let to = json!({"to": {"repository": format!("{protocol}/prod")}});
    larder.api("POST", &path, &to.to_string(), status)
}

/// npm, as someone who asks `prod` alone.
pub fn npm_of_prod(larder: &Larder, arguments: &[&str]) -> Option<Command> {
    let home = npm_home(larder, "npm-home", &token(larder));
    let config = home.join("npmrc");
    let text = std::fs::read_to_string(&config).expect("npmrc");
    std::fs::write(&config, text.replace("/npm/main/", "/npm/prod/")).expect("npmrc");
    let user = folder(
        larder,
        "npm-user",
        &[("package.json", r#"{"name":"user"}"#)],
    );
    npm(&home, &user, arguments)
}

/// Has cargo build with a crate of `prod`, and use its `WORD`.
pub fn cargo_builds_with(larder: &Larder, dependency: &str, source: &str) {
    let home = cargo_home(larder, "cargo-home", &format!("Bearer {}", token(larder)));
    let config = home.join("config.toml");
    let text = std::fs::read_to_string(&config).expect("config");
    std::fs::write(&config, text.replace("/cargo/main/", "/cargo/prod/")).expect("config");
    let manifest = format!(
        "[package]\nname = \"user\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\
        [dependencies]\n{dependency}\n"
    );
    let user = folder(
        larder,
        "user",
        &[("Cargo.toml", &manifest), ("src/lib.rs", source)],
    );
    run(&mut cargo(larder, &home, &user, &["build"]));
}

/// pip, as someone who asks `prod` alone.
pub fn pip_of_prod(larder: &Larder, python: &Path, home: &Path, arguments: &[&str]) -> Command {
    let (token, host) = (token(larder), larder.host());
    let index = format!("http://x:{token}@{host}/pypi/prod/simple/");
    let mut install = command(python, home);
    install.args(["-m", "pip", "--isolated", "--disable-pip-version-check"]);
    install.args(["install", "--no-cache-dir", "--retries", "0", "--index-url"]);
    install.arg(&index).args(arguments);
    install
}

#[test]
fn npm_installs_a_copy() {
    let larder = larder();
    assert!([200, 201].contains(&publish_npm(&larder).status));
    let tarball = larder.admin().get("/npm/main/demo/-/demo-1.0.0.tgz");
    let tarball = tarball.expect(200).body;
    promote(&larder, "npm", "demo", "1.0.0");
    let admin = larder.admin();
    let packument = admin.get("/npm/prod/demo").expect(200).json();
    assert_eq!(packument["dist-tags"], json!({"latest": "1.0.0"}));
    let copied = admin.get("/npm/prod/demo/-/demo-1.0.0.tgz").expect(200);
    assert!(copied.body == tarball);
    let Some(mut install) = npm_of_prod(&larder, &["install", "demo"]) else {
        return;
    };
    run(&mut install);
    let installed = "npm-user/node_modules/demo/package.json";
    assert!(larder.folder().join(installed).exists());
}

#[test]
fn cargo_builds_with_a_copy() {
    let larder = larder();
    let packed = archive::crate_file("left-pad", "1.0.0", "ours");
    send_crate(&larder, "left-pad", &packed).expect(200);
    // The line of the index is the same, but for when it was published here.
    let line = |repo: &str| {
        let path = format!("/cargo/{repo}/le/ft/left-pad");
        let mut line = larder.admin().get(&path).expect(200).json();
        line.as_object_mut().expect("object").remove("pubtime");
        line
    };
    let before = line("main");
    promote(&larder, "cargo", "left-pad", "1.0.0");
    assert_eq!(line("prod"), before);
    let dependency = "left-pad = { version = \"1\", registry = \"main\" }";
    cargo_builds_with(&larder, dependency, "");
}

#[test]
fn pip_installs_a_copy() {
    let Some(python) = tool("python3") else {
        return;
    };
    let larder = larder();
    let home = publish_pypi(&larder, &python);
    // What is yanked stays yanked.
    let yanked = "repositories/pypi/local/packages/larder-probe/versions/1.1";
    larder.api("PATCH", yanked, r#"{"yanked":"broken"}"#, 200);
    promote(&larder, "pypi", "larder-probe", "1.1");
    let path = "/pypi/prod/simple/larder-probe/";
    let page = larder.admin().get(path).expect(200).text();
    assert!(page.contains(FILE[1]) && page.contains("broken"), "{page}");
    let arguments = ["--target", "copied", "larder-probe==1.1"];
    run(&mut pip_of_prod(&larder, &python, &home, &arguments));
    let module = home.join("copied").join("larder_probe.py");
    assert_eq!(
        std::fs::read_to_string(module).expect("module"),
        "one = 1.1"
    );
}

#[test]
fn what_is_published_is_never_replaced_by_a_copy() {
    let larder = larder();
    assert!([200, 201].contains(&publish_npm(&larder).status));
    let prod = json!({"protocol": "npm", "name": "prod", "kind": "hosted"});
    larder.api("POST", "repositories", &prod.to_string(), 201);
    copy(&larder, "npm", "demo", "1.0.0", 200);
    let version = "repositories/npm/prod/packages/demo/versions/1.0.0";
    larder.api("DELETE", version, "", 204);
    let told = copy(&larder, "npm", "demo", "1.0.0", 409);
    assert_eq!(told["code"], json!("conflict"));
    let detail = told["detail"].as_str().expect("detail");
    assert!(detail.contains("stays reserved"), "{detail}");
    // A version keeps its name, and nothing is copied to a mirror.
    let path = "repositories/npm/local/packages/demo/versions/1.0.0/copy";
    let to = r#"{"to":{"repository":"npm/prod","version":"2.0.0"}}"#;
    assert_eq!(
        larder.api("POST", path, to, 400)["code"],
        json!("version_invalid")
    );
    let to = r#"{"to":{"repository":"npm/upstream"}}"#;
    assert_eq!(
        larder.api("POST", path, to, 405)["code"],
        json!("unsupported")
    );
}
