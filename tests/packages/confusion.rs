//! A name that is published here is never taken from a mirror: whatever version is there, however
//! it is spelled, whoever asks, and when the hosted repo has it no more.

use crate::{cargo, cargo_home, folder, larder, npm, npm_home, token};
use larder_tests::http::read_head;
use larder_tests::parcel::{publish, wheel_name};
use larder_tests::shelf::Shelf;
use larder_tests::tools::command;
use larder_tests::upstream::Upstream;
use larder_tests::{Client, Larder, Response, run, tool};
use serde_json::json;
use std::io::{BufReader, Write as _};

/// A tarball with the package.json of `demo` 1.0.0 alone.
pub(crate) const TARBALL: &str = "\
    H4sIAAAAAAACAytITM5OTE/VL4DQelnF+XkMVAYGQGBmYgKmgQCdNjBAyEHEDQ3NjEwYFAwY6ABKi0sSi4DWM4xMUK2Ul5ibqmSl\
    oJSSmpuvpKOgVJZaVJyZnwcSMtQz0DNQqmUYBaNgFIyCUTDsAAA5ZTgJAAgAAA==";

/// The group `main` over a mirror of an upstream that has `demo` in version 9.
pub(crate) fn with_upstream(larder: &Larder, protocol: &'static str) -> (Upstream, Shelf) {
    let upstream = Upstream::start();
    let mut shelf = Shelf::new(protocol, &upstream);
    shelf.put(&upstream, "9.0.0", b"what the world has");
    let body = json!({"upstream": {"url": shelf.url(&upstream), "allow_private": true}});
    larder.api(
        "PATCH",
        &format!("repositories/{protocol}/upstream"),
        &body.to_string(),
        200,
    );
    (upstream, shelf)
}

pub(crate) fn publish_npm(larder: &Larder) -> Response {
    let body = json!({
        "_id": "demo", "name": "demo", "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {"name": "demo", "version": "1.0.0", "dist": {}}},
        "_attachments": {"demo-1.0.0.tgz": {
            "content_type": "application/octet-stream", "data": TARBALL, "length": 121,
        }},
    });
    larder.admin().send(
        "PUT",
        "/npm/main/demo",
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
}

/// A crate without anything but its manifest.
pub(crate) fn publish_cargo(larder: &Larder, name: &str) -> Response {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    let path = format!("{name}-1.0.0/Cargo.toml");
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", manifest.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(manifest.as_bytes());
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    send_crate(larder, name, &larder_tests::shelf::gzip(&archive))
}

/// Publishes version 1.0.0 of a crate, as its client does.
pub(crate) fn send_crate(larder: &Larder, name: &str, packed: &[u8]) -> Response {
    let words = json!({"name": name, "vers": "1.0.0", "deps": [], "features": {}}).to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    let body = [
        &length(words.len())[..],
        words.as_bytes(),
        &length(packed.len()),
        packed,
    ]
    .concat();
    larder
        .admin()
        .send("PUT", "/cargo/main/api/v1/crates/new", &[], &body)
}

/// Publishes version 1.0.0.
#[track_caller]
pub(crate) fn ours(larder: &Larder, protocol: &str, name: &str, bytes: &[u8]) {
    let answer = publish(&larder.admin(), protocol, name, "1.0.0", bytes);
    assert!(
        matches!(answer.status, 200 | 201),
        "{protocol} {name}: {} {}",
        answer.status,
        answer.text()
    );
}

/// The path of a version's artifact of `demo` in a repo, whose index is `told`.
pub(crate) fn artifact_of(protocol: &str, repo: &str, version: &str, told: &str) -> String {
    match protocol {
        "cargo" => format!("/cargo/{repo}/api/v1/crates/demo/{version}/download"),
        "npm" => format!("/npm/{repo}/demo/-/demo-{version}.tgz"),
        "go" => format!("/go/{repo}/demo.example/@v/v{version}.zip"),
        "composer" => {
            // What tells the archive from others of its version is in its address.
            let begin = format!("/composer/{repo}/dist/acme/demo/{version}/");
            let at = told.find(&begin).expect("an address");
            told[at..].split('"').next().expect("its end").to_owned()
        }
        _ => format!("/pypi/{repo}/packages/demo/{}", wheel_name("demo", version)),
    }
}

/// The index that the group has of a package has our version alone.
#[track_caller]
pub(crate) fn is_ours(told: &str) {
    assert!(told.contains("1.0.0") && !told.contains("9.0.0"), "{told}");
}

#[test]
fn a_published_crate_hides_the_worlds() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "cargo");
    let index = "/cargo/main/de/mo/demo";
    assert!(
        larder
            .anonymous()
            .get(index)
            .expect(200)
            .text()
            .contains("9.0.0"),
        "as long as nothing is published"
    );
    ours(&larder, "cargo", "DEMO", b"");
    is_ours(&larder.admin().get(index).expect(200).text());
    let asked = upstream.total();
    // Nobody who may not read it is given the other instead, not even its bytes.
    larder.anonymous().get(index).expect(404);
    for version in ["1.0.0", "9.0.0"] {
        larder
            .anonymous()
            .get(&format!(
                "/cargo/main/api/v1/crates/demo/{version}/download"
            ))
            .expect(404);
    }
    larder
        .admin()
        .get("/cargo/main/api/v1/crates/demo/9.0.0/download")
        .expect(404);
    larder
        .admin()
        .get("/cargo/main/api/v1/crates/Demo/1.0.0/download")
        .expect(200);
    assert_eq!(upstream.total(), asked, "the upstream is not even asked");
    larder
        .anonymous()
        .get("/cargo/upstream/de/mo/demo")
        .expect(200);
}

#[test]
fn a_published_npm_package_hides_the_worlds_even_when_it_is_gone() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    assert!(
        larder
            .anonymous()
            .get("/npm/main/demo")
            .expect(200)
            .text()
            .contains("9.0.0")
    );
    ours(&larder, "npm", "demo", b"");
    let packument = larder
        .admin()
        .get("/npm/main/demo?write=true")
        .expect(200)
        .json();
    let rev = packument["_rev"].as_str().expect("rev");
    larder
        .admin()
        .send("DELETE", &format!("/npm/main/demo/-rev/{rev}"), &[], b"")
        .expect(200);
    let asked = upstream.total();
    larder.admin().get("/npm/main/demo").expect(404);
    larder
        .admin()
        .get("/npm/main/demo/-/demo-9.0.0.tgz")
        .expect(404);
    // Nor under a name that differs in case alone, as old packages of the world have it.
    larder.admin().get("/npm/main/Demo").expect(404);
    larder
        .anonymous()
        .get("/npm/main/DEMO/-/DEMO-9.0.0.tgz")
        .expect(404);
    assert_eq!(
        upstream.total(),
        asked,
        "a name that was published stays ours"
    );
}

/// Clients that take the highest version they are shown get ours, however their user spells it.
#[test]
fn clients_take_ours() {
    let larder = larder();
    let secret = token(&larder);
    let worlds: Vec<Upstream> = ["cargo", "npm", "pypi", "composer"]
        .map(|protocol| with_upstream(&larder, protocol).0)
        .into();
    for protocol in ["cargo", "npm", "pypi", "composer"] {
        ours(&larder, protocol, "demo", b"");
    }
    for world in &worlds {
        world.take_asked();
    }

    let manifest = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
        demo = { version = \"*\", registry = \"main\" }\n";
    let user = folder(
        &larder,
        "crate",
        &[
            ("Cargo.toml", manifest),
            ("src/main.rs", "fn main() { demo::OURS; }"),
        ],
    );
    run(&mut cargo(
        &larder,
        &cargo_home(&larder, "cargo", &secret),
        &user,
        &["fetch"],
    ));
    is_ours(&std::fs::read_to_string(user.join("Cargo.lock")).expect("lock"));

    if let Some(python) = tool("python3") {
        let home = folder(&larder, "python", &[("x", "")]);
        for (at, spelling) in ["demo", "DEMO", "demo>=0"].into_iter().enumerate() {
            let index = format!("http://x:{secret}@{}/pypi/main/simple/", larder.host());
            let mut pip = command(&python, &home);
            pip.args([
                "-m",
                "pip",
                "--isolated",
                "--disable-pip-version-check",
                "install",
                "--no-cache-dir",
            ]);
            pip.args([
                "--retries",
                "0",
                "--index-url",
                &index,
                "--target",
                &at.to_string(),
                spelling,
            ]);
            assert!(run(&mut pip).contains("demo-1.0.0"), "{spelling}");
        }
    }

    let manifest = r#"{"name":"user","version":"1.0.0","dependencies":{"demo":"*"}}"#;
    let user = folder(&larder, "npm", &[("package.json", manifest)]);
    if let Some(mut npm) = npm(&npm_home(&larder, "npm-home", &secret), &user, &["install"]) {
        run(&mut npm);
        let index =
            std::fs::read_to_string(user.join("node_modules/demo/index.js")).expect("installed");
        assert_eq!(index, "module.exports = 'ours'");
    }

    if let Some(composer) = tool("composer") {
        let base = format!("{}/composer/main/", larder.url());
        let manifest = json!({
            "repositories": [{"type": "composer", "url": base}, {"packagist": false}],
            "config": {"secure-http": false},
            "require": {"acme/demo": "*"},
        });
        let login = json!({"http-basic": {larder.host(): {"username": "x", "password": secret}}});
        let (manifest, login) = (manifest.to_string(), login.to_string());
        let files = [("composer.json", &*manifest), ("auth.json", &*login)];
        let user = folder(&larder, "php", &files);
        let mut composer = command(&composer, &user);
        composer.env("COMPOSER_ALLOW_SUPERUSER", "1");
        run(composer.args(["update", "--no-interaction", "--no-progress"]));
        is_ours(&std::fs::read_to_string(user.join("composer.lock")).expect("lock"));
    }
    for world in worlds {
        assert_eq!(world.total(), 0, "{:?}", world.take_asked());
    }
}

/// What a group's address tells of a package is for those who may read the member that has it.
#[test]
fn questions_to_a_group_are_for_readers_of_its_member() {
    let larder = larder();
    publish_npm(&larder).expect(201);
    publish(&larder.admin(), "cargo", "demo", "1.0.0", b"ours").expect(200);
    for path in [
        "/cargo/main/api/v1/crates/demo/owners",
        "/npm/main/-/package/demo/visibility",
    ] {
        larder.admin().get(path).expect(200);
        let stranger = larder.anonymous().get(path);
        assert!(
            matches!(stranger.status, 401 | 404),
            "{path}: {} {}",
            stranger.status,
            stranger.text()
        );
    }
}

/// A browser sends the password that it remembers with a form of any site.
#[test]
fn another_sites_page_publishes_nothing() {
    let larder = larder();
    let upload = |headers: &[(&str, &str)]| {
        let all = [
            &[("content-type", "multipart/form-data; boundary=x")],
            headers,
        ]
        .concat();
        larder
            .admin()
            .send("POST", "/pypi/main/legacy/", &all, b"--x--\r\n")
    };
    let refused = upload(&[("sec-fetch-site", "cross-site")]).expect(403);
    assert!(
        refused.text().contains("another site"),
        "{}",
        refused.text()
    );
    upload(&[("origin", "https://evil.example")]).expect(403);
    upload(&[]).expect(400); // no browser; the form is empty
    upload(&[("sec-fetch-site", "same-origin")]).expect(400);
}

/// Whoever may publish nothing at all is told so before the body is taken in.
#[test]
fn uploads_are_refused_before_their_bodies_come() {
    let larder = larder();
    let reader = larder.make_user("reader");
    let writer = larder.make_user("writer");
    larder.grant("user:reader", "*", "*", "reader");
    larder.grant("user:writer", "rpm/local", "tool", "writer");
    let begin = |client: &Client, path: &str| {
        let mut stream = client.connect().expect("connect");
        let head = client.head("PUT", path, &[("expect", "100-continue")], Some(1 << 20));
        stream.write_all(&head).expect("head");
        read_head(&mut BufReader::new(stream))
            .expect("answer")
            .status
    };
    for path in [
        "/rpm/local/a.rpm",
        "/npm/local/demo",
        "/cargo/local/api/v1/crates/new",
        "/composer/local/upload",
    ] {
        assert!(matches!(begin(&reader, path), 401 | 403 | 404), "{path}");
    }
    let refused = writer
        .send("PUT", "/rpm/local/a.rpm", &[], b"no package")
        .expect(400);
    assert!(
        refused.text().contains("rpm"),
        "what package it is stands in the body: {}",
        refused.text()
    );
}
