//! A project of forty packages with Composer: of a mirror and of a hosted repository, releases and a
//! branch; cold, warm, after the server was killed, and without the upstream.

use crate::house::{House, Who, read};
use larder_tests::archive::{php_class, php_package};
use larder_tests::home::Home;
use larder_tests::tools::fails;
use larder_tests::{Upstream, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Packages of the upstream, and of the hosted repository.
const THEIRS: usize = 30;
const OURS: usize = 8;
/// The commits of a branch before and after it moves.
const COMMITS: [&str; 2] = [
    "1111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222",
];

fn sha1(bytes: &[u8]) -> String {
    larder_tests::shelf::sha1_of(bytes)
}

/// A version of a package at the upstream, with its archive; with a checksum or without.
fn version(upstream: &Upstream, name: &str, version: &str, more: &Value, has_sum: bool) -> Value {
    let body = php_package(name, version, version, more);
    let path = format!("/php/files/{name}/{version}.zip");
    upstream.put(&path, body.clone());
    let url = format!("{}{}", upstream.url(), &path[1..]);
    let shasum = if has_sum { sha1(&body) } else { String::new() };
    let mut entry = json!({"name": name, "version": version, "type": "library",
        "source": {"type": "git", "url": "https://git.example/x.git", "reference": sha1(&body)},
        "dist": {"type": "zip", "url": url, "reference": sha1(&body), "shasum": shasum},
        "autoload": {"classmap": ["src/"]}, "notification-url": "https://up.example/downloads/"});
    for (key, value) in more.as_object().into_iter().flatten() {
        entry[key] = value.clone();
    }
    entry
}

fn put(upstream: &Upstream, file: &str, name: &str, versions: &[Value]) {
    // As upstreams do it: what is told in full at another address.
    let advisory = json!({"advisoryId": "TEST-1", "affectedVersions": "<1.5"});
    let advisories = if name == "dep/p3" {
        json!([advisory])
    } else {
        json!([])
    };
    let body = json!({"packages": {name: versions}, "security-advisories": advisories});
    upstream.put(&format!("/php/p2/{file}.json"), body.to_string());
}

/// The branch at one of its commits.
fn put_branch(upstream: &Upstream, commit: &str) {
    let more = json!({"extra": {"branch-alias": {"dev-main": "2.x-dev"}}});
    let body = php_package("dep/branch", "dev-main", commit, &more);
    let path = format!("/php/zipball/{commit}");
    upstream.put(&path, body);
    let url = format!("{}{}", upstream.url(), &path[1..]);
    let entry = json!({"name": "dep/branch", "version": "dev-main", "extra": more["extra"],
        "version_normalized": "dev-main", "autoload": {"classmap": ["src/"]},
        "dist": {"type": "zip", "url": url, "reference": commit, "shasum": ""}});
    put(upstream, "dep/branch~dev", "dep/branch", &[entry]);
}

fn upstream() -> Upstream {
    let upstream = Upstream::start();
    let api = format!("{}php/api/security-advisories/", upstream.url());
    let root = json!({"packages": [], "metadata-url": "/php/p2/%package%.json",
        "notify-batch": "https://up.example/downloads/",
        "security-advisories": {"metadata": true, "api-url": api}});
    upstream.put("/php/packages.json", root.to_string());
    let advisory = json!({"advisoryId": "TEST-1", "packageName": "dep/p3", "remoteId": "1",
        "title": "It leaked words", "link": "https://advice.example/1", "cve": "CVE-2026-1",
        "affectedVersions": "<1.5", "source": "tests", "reportedAt": "2026-01-01 00:00:00",
        "sources": [{"name": "tests", "remoteId": "1"}], "composerRepository": "x"});
    let answer = json!({"advisories": {"dep/p3": [advisory]}});
    upstream.put("/php/api/security-advisories/", answer.to_string());
    for at in 0..THEIRS {
        let name = format!("dep/p{at}");
        let next = format!("dep/p{}", at + 1);
        let needs = if at + 1 < THEIRS {
            json!({"require": {next: "^1.0"}})
        } else {
            json!({})
        };
        let has_sum = at % 2 == 0;
        let versions = ["2.0.0-RC1", "1.1.0", "1.0.0"]
            .map(|number| version(&upstream, &name, number, &needs, has_sum));
        put(&upstream, &name, &name, &versions);
    }
    let tool = version(&upstream, "dep/testing", "3.0.0", &json!({}), true);
    put(&upstream, "dep/testing", "dep/testing", &[tool]);
    put(&upstream, "dep/branch", "dep/branch", &[]);
    put_branch(&upstream, COMMITS[0]);
    upstream
}

fn project(home: &Home, name: &str) -> PathBuf {
    let mut needs = json!({"dep/p0": "^1.0", "dep/branch": "2.x-dev"});
    for at in 0..OURS {
        needs[format!("acme/h{at}")] = json!("*");
    }
    let manifest = json!({"name": "acme/user", "require": needs,
        "require-dev": {"dep/testing": "*"}});
    home.project(name, &[("composer.json", &manifest.to_string())])
}

/// Compares what is installed with the lock, and the lock with what was published.
#[track_caller]
fn check(house: &House, project: &Path, with_dev: bool) {
    let lock: Value = serde_json::from_str(&read(&project.join("composer.lock"))).expect("JSON");
    let packages = lock["packages"].as_array().expect("packages");
    assert_eq!(packages.len(), THEIRS + OURS + 1);
    for package in packages {
        let (name, dist) = (package["name"].as_str().expect("name"), &package["dist"]);
        let url = dist["url"].as_str().expect("address");
        assert!(url.starts_with(&format!(
            "{}/composer/main/dist/{name}/",
            house.larder.url()
        )));
        assert!(
            package.get("source").is_none(),
            "{name} has a source elsewhere"
        );
        let class = php_class(name);
        let source = read(&project.join(format!("vendor/{name}/src/{class}.php")));
        let word = match name {
            "dep/branch" => COMMITS[0],
            _ if name.starts_with("acme/") => "ours",
            _ => "1.1.0",
        };
        assert!(source.contains(&format!("\"{word}\"")), "{name}: {source}");
        let body = house.larder.user("reader", larder_tests::larder::PASSWORD);
        let path = url
            .strip_prefix(house.larder.url())
            .expect("an address here");
        let body = body.get(path).expect(200).body;
        let sum = dist["shasum"].as_str().expect("checksum");
        assert!(sum.is_empty() || sum == sha1(&body), "{name}");
    }
    let has_dev = project.join("vendor/dep/testing").exists();
    assert_eq!(has_dev, with_dev);
}

#[test]
fn a_project_of_forty_packages() {
    let (Some(program), Some(_)) = (tool("composer"), tool("php")) else {
        return;
    };
    let upstream = upstream();
    let url = format!("{}php/", upstream.url());
    let name = ("composer", "composer", "composer/main");
    let mut house = House::over(name.0, name.1, name.2, &[&program], upstream, &url);
    let maker = house.larder.user("maker", larder_tests::larder::PASSWORD);
    for at in 0..OURS {
        let body = php_package(&format!("acme/h{at}"), "1.0.0", "ours", &json!({}));
        maker
            .send("POST", "/composer/main/upload", &[], &body)
            .expect(201);
    }

    // Cold, then warm from a lock: nobody asks the upstream for what is kept.
    let home = house.home(Who::Reader);
    let first = project(&home, "first");
    let told = home.run(&first, "composer update --no-progress");
    assert!(told.contains("1 security vulnerability advisory"), "{told}");
    check(&house, &first, true);
    let lock = read(&first.join("composer.lock"));
    let asked = house.upstream.total();
    let other = house.home(Who::Reader);
    let second = project(&other, "second");
    std::fs::write(second.join("composer.lock"), &lock).expect("lock");
    other.run(&second, "composer install --no-progress --no-dev");
    check(&house, &second, false);
    assert_eq!(
        house.upstream.total(),
        asked,
        "{:?}",
        house.upstream.take_asked()
    );
    // What did not change is not sent again.
    let told = home.run(&first, "composer update --no-progress --no-audit -vvv");
    let url = format!("[304] {}/composer/main/p2/dep/p0.json", house.larder.url());
    assert!(told.contains(&url), "{told}");
    assert_eq!(read(&first.join("composer.lock")), lock);

    let told = fails(&mut home.shell(&first, "composer audit"));
    assert!(
        told.contains("CVE-2026-1") && told.contains("It leaked words"),
        "{told}"
    );
    let told = home.run(&first, "composer show --all dep/branch");
    assert!(
        told.contains("dev-main") && told.contains("2.x-dev"),
        "{told}"
    );

    // The branch moves on: who has locked it gets what was locked.
    put_branch(&house.upstream, COMMITS[1]);
    house.larder.api(
        "POST",
        "repositories/composer/upstream/packages/dep%2Fbranch/refresh",
        "{}",
        200,
    );
    let moved = house.home(Who::Reader);
    let third = project(&moved, "third");
    std::fs::write(third.join("composer.lock"), &lock).expect("lock");
    moved.run(&third, "composer install --no-progress");
    check(&house, &third, true);
    let told = moved.run(&third, "composer update --no-progress dep/branch");
    assert!(told.contains("Upgrading dep/branch"), "{told}");
    let now = read(&third.join("composer.lock"));
    assert!(now.contains(COMMITS[1]) && !now.contains(COMMITS[0]));

    // Killed, and without the upstream.
    let before = house.larder.url().to_owned();
    house.larder.kill();
    house.upstream.go();
    house.larder.start_again();
    house
        .larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let asked = house.upstream.total();
    let here = |text: &str| text.replace(&before, house.larder.url());
    let lonely = house.home(Who::Reader);
    let fourth = project(&lonely, "fourth");
    std::fs::write(fourth.join("composer.lock"), here(&lock)).expect("lock");
    lonely.run(&fourth, "composer install --no-progress");
    check(&house, &fourth, true);
    let fifth = project(&lonely, "fifth");
    lonely.run(&fifth, "composer update --no-progress --no-audit");
    assert_eq!(read(&fifth.join("composer.lock")), here(&now));
    assert_eq!(house.upstream.total(), asked, "offline nobody is asked");
}
