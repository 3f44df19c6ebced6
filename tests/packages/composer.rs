//! Composer, and curl, which publishes for it.

use crate::house::{House, Who, read, why};
use larder_tests::archive::{php_class, php_package};
use larder_tests::home::Home;
use larder_tests::tool;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what `composer.json` says, and writes a lock.
const UPDATE: &str = "composer update --no-progress";
/// Installs what the lock says, and nothing else.
const INSTALL: &str = "composer install --no-progress";
/// How the lines begin in which the two tell why something went wrong.
const WHYS: [&str; 7] = [
    "Warning from",
    "- Root composer.json requires",
    "The \"",
    "The '",
    "curl: ",
    "{\"",
    "Invalid credentials",
];

fn tell(text: &str) -> String {
    why(text, &WHYS)
}

/// A line that publishes a package of this word.
fn publish(home: &Home, address: &str, version: &str, word: &str) -> Command {
    let body = php_package("acme/probe", version, word, &json!({}));
    let file = home.folder().join(format!("probe-{version}-{word}.zip"));
    std::fs::write(&file, body).expect("file");
    let (file, token) = (file.display(), home.token());
    let login = if token.is_empty() {
        String::new()
    } else {
        format!("--user token:{token} ")
    };
    let line = format!(
        "curl --silent --show-error --fail-with-body {login}--upload-file {file} {address}upload"
    );
    home.shell_without(home.folder(), &line)
}

/// A project that needs these packages.
fn project(home: &Home, name: &str, needs: &Value) -> PathBuf {
    let manifest = json!({"name": "acme/user", "require": needs});
    home.project(name, &[("composer.json", &manifest.to_string())])
}

#[track_caller]
fn installed(project: &Path, words: &[(&str, &str)]) {
    for (package, word) in words {
        let class = php_class(package);
        let file = format!("vendor/{package}/src/{class}.php");
        let expected = format!("<?php\nclass {class} {{ const WORD = \"{word}\"; }}\n");
        assert_eq!(read(&project.join(file)), expected, "{package}");
    }
}

#[test]
fn composer() {
    let (Some(program), Some(_), Some(_)) = (tool("composer"), tool("php"), tool("curl")) else {
        return;
    };
    let house = House::open("composer", "composer", "composer", &[&program]);
    let address = format!("{}/composer/main/", house.larder.url());
    let maker = house.home(Who::Maker);
    let told = larder_tests::run(&mut publish(&maker, &address, "1.0.0", "ours"));
    assert!(told.contains("success"), "{told}");
    let told = larder_tests::tools::fails(&mut publish(&maker, &address, "1.0.0", "another"));
    house.says("publish of a version that is there", &tell(&told));
    larder_tests::run(&mut publish(&maker, &address, "1.1.0-beta1", "ours"));

    let needs = json!({"acme/probe": "^1.0", "acme/demo": "^1.0"});
    let user = project(&maker, "user", &needs);
    maker.run(&user, UPDATE);
    let words = [("acme/probe", "ours"), ("acme/demo", "theirs")];
    installed(&user, &words);
    let lock = read(&user.join("composer.lock"));
    assert!(
        !lock.contains("1.1.0") && !lock.contains(&house.upstream.url()),
        "{lock}"
    );
    assert_eq!(
        lock.matches(&format!("{address}dist/")).count(),
        2,
        "{lock}"
    );

    house.upstream.go();
    let reader = house.home(Who::Reader);
    let again = project(&reader, "user", &needs);
    std::fs::write(again.join("composer.lock"), &lock).expect("lock");
    reader.run(&again, INSTALL);
    installed(&again, &words);
    assert_eq!(read(&again.join("composer.lock")), lock);
    house.upstream.come_back();

    // A token may be shown as a bearer's too.
    let bearer = house.home(Who::Reader);
    let third = project(&bearer, "user", &needs);
    let host = house.larder.host();
    let line = format!(
        "composer config --global repositories.larder composer {address}\n\
         composer config --global repositories.packagist false\n\
         composer config --global secure-http false\n\
         composer config --global --auth bearer.{host} $TOKEN\n{UPDATE}"
    );
    larder_tests::run(&mut bearer.shell_without(&third, &line));
    installed(&third, &words);

    let told = maker.run(&user, "composer show --all acme/probe");
    assert!(
        told.contains("A probe") && told.contains("1.1.0-beta1"),
        "{told}"
    );
    let told = maker.run(&user, "composer search probe");
    assert!(told.contains("acme/probe"), "{told}");
    let told = maker.run(&user, "composer search --only-vendor ac");
    assert!(told.contains("acme"), "{told}");

    let publishes = |home: &Home| publish(home, &address, "2.0.0", "ours");
    house.refuses_to_publish(publishes, tell);
    let install = |home: &Home, package: &str| {
        home.shell(&project(home, "user", &json!({package: "^1.0"})), UPDATE)
    };
    house.installs(install, tell);
}
