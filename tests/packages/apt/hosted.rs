//! Packages that are published here.

use super::client::{apt, begin, has, keys, prepare};
use crate::house::Who;
use larder_tests::debs::{Deb, Keys};
use larder_tests::home::Home;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{fails, run};
use larder_tests::{Larder, Response, tool};
use serde_json::json;
use std::process::Command;

/// A server whose hosted repository signs with these keys, and users.
pub(super) fn larder(keys: &Keys) -> Larder {
    let larder = crate::larder();
    larder.close_everything();
    for name in ["maker", "reader", "stranger"] {
        larder.make_user(name);
    }
    larder.grant("user:maker", "deb/*", "*", "maintainer");
    larder.grant("user:reader", "deb/*", "*", "reader");
    for repository in ["deb/local", "deb/main"] {
        let key = json!({"signing_key": keys.secret()});
        let path = format!("repositories/{repository}");
        larder.api("PATCH", &path, &key.to_string(), 200);
    }
    larder
}

/// Publishes a package in a suite.
pub(super) fn put(larder: &Larder, place: &str, deb: &Deb) -> Response {
    let path = format!("/deb/local/pool/{place}/{}", deb.file().replace('+', "%2b"));
    larder.admin().send("PUT", &path, &[], &deb.bytes())
}

#[test]
fn apt_installs_what_is_published() {
    let Some((program, folder, keys)) = begin() else {
        return;
    };
    let larder = larder(&keys);
    put(
        &larder,
        "stable/main",
        &Deb::new("demo", "1.0~rc1").needs("words"),
    )
    .expect(201);
    put(
        &larder,
        "stable/main",
        &Deb::new("words", "1:2+b1").of("amd64"),
    )
    .expect(201);
    put(&larder, "stable/extra", &Deb::new("more", "1")).expect(201);
    put(&larder, "testing/main", &Deb::new("demo", "2.0")).expect(201);
    let home = Home::of(
        &larder,
        Who::Reader,
        ("apt", "deb/local"),
        std::slice::from_ref(&program),
    );
    prepare(&home, "stable");
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install demo",
    ));
    assert!(has(&home, "demo_1.0~rc1_all.deb"));
    assert!(has(&home, "words_1%3a2+b1_amd64.deb"));
    let policy = run(&mut apt(&home, "apt-cache policy demo"));
    assert!(!policy.contains("2.0"), "of another suite: {policy}");
    // A new version is there at once, and one that is deleted is gone.
    put(
        &larder,
        "stable/main",
        &Deb::new("demo", "1.0").needs("words"),
    )
    .expect(201);
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install demo",
    ));
    assert!(has(&home, "demo_1.0_all.deb"));
    let path = "/deb/local/pool/stable/main/demo_1.0_all.deb";
    larder.admin().send("DELETE", path, &[], b"").expect(200);
    let told = fails(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install demo=1.0",
    ));
    assert!(told.contains("was not found"), "{told}");
    put(
        &larder,
        "stable/main",
        &Deb::new("demo", "1.0").needs("words"),
    )
    .expect(409);
    // Lists of files, for apt-file and the like.
    let contents = larder
        .admin()
        .get("/deb/local/dists/stable/main/Contents-amd64.gz")
        .expect(200);
    let text = larder_tests::archive::gunzip(&contents.body);
    assert!(
        text.contains("usr/share/words/version    tests/words"),
        "{text}"
    );
    // Whoever has another key does not take it.
    let Some(others) = Keys::make(&folder.path().join("others"), "never") else {
        return;
    };
    let keyring = home.folder().join("etc/apt/keyrings/larder-local.asc");
    std::fs::write(keyring, others.public()).expect("keyring");
    let told = fails(&mut apt(&home, "apt-get update"));
    assert!(told.contains("NO_PUBKEY"), "{told}");
}

#[test]
fn what_is_published_is_read_by_whoever_may() {
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let larder = larder(&keys);
    put(&larder, "stable/main", &Deb::new("demo", "1.0")).expect(201);
    let path = "/deb/local/pool/stable/main/demo_1.0_all.deb";
    let list = "/deb/local/dists/stable/InRelease";
    let stranger = larder.user("stranger", PASSWORD);
    for path in [
        path,
        list,
        "/deb/local/key.asc",
        "/deb/main/dists/stable/InRelease",
    ] {
        larder.user("reader", PASSWORD).get(path).expect(200);
        stranger.get(path).expect(404);
        larder.anonymous().get(path).expect(401);
    }
    let reader = larder.user("reader", PASSWORD);
    let body = Deb::new("demo", "2.0").bytes();
    let at = "/deb/local/pool/stable/main/demo_2.0_all.deb";
    reader.send("PUT", at, &[], &body).expect(403);
    reader.send("DELETE", path, &[], b"").expect(403);
    let told = larder
        .admin()
        .send("PUT", at, &[], b"no package")
        .expect(400)
        .text();
    assert!(told.contains("ar archive"), "{told}");
    // What people are told of it.
    let about = larder
        .admin()
        .get("/api/v1/repositories/deb/local/packages/demo/versions/1.0/about")
        .expect(200)
        .text();
    assert!(about.contains("Words of it."), "{about}");
    let found = larder.api("GET", "search?q=demo&protocol=deb", "", 200);
    assert_eq!(found["items"][0]["package"], "demo", "{found}");
}

#[test]
fn versions_are_copied_to_other_repositories() {
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let larder = larder(&keys);
    let body = json!({"protocol": "deb", "name": "released", "kind": "hosted"});
    larder.api("POST", "repositories", &body.to_string(), 201);
    let deb = Deb::new("demo", "1.0");
    put(&larder, "testing/main", &deb).expect(201);
    let to = json!({"to": {"repository": "deb/released"}});
    let path = "repositories/deb/local/packages/demo/versions/1.0/copy";
    larder.api("POST", path, &to.to_string(), 200);
    let at = "/deb/released/pool/testing/main/demo_1.0_all.deb";
    assert_eq!(larder.admin().get(at).expect(200).body, deb.bytes());
    larder
        .admin()
        .get("/deb/released/dists/testing/Release")
        .expect(200);
    larder
        .admin()
        .get("/deb/released/dists/testing/InRelease")
        .expect(404);
}

/// dput, which sends what a file in a home names.
pub(super) fn send(larder: &Larder, home: &Home, changes: &str) -> Command {
    send_as(larder, home, ("deb/local", "maker", PASSWORD), changes)
}

/// The same to a repository, by someone with a password.
pub(super) fn send_as(
    larder: &Larder,
    home: &Home,
    (repository, login, password): (&str, &str, &str),
    changes: &str,
) -> Command {
    let host = larder.url().replace("http://", "");
    let config = format!(
        "[larder]\nfqdn = {host}\nincoming = /{repository}/pool/stable/main\nmethod = http\n\
         login = {login}\nallow_unsigned_uploads = 1\nallow_dcut = 0\nrun_dinstall = 0\n"
    );
    std::fs::write(home.folder().join("dput.cf"), config).expect("configuration");
    // It asks for the password on a terminal, or reads it if there is none.
    let script = format!("echo \"$PASSWORD\" | setsid -w dput -f -U -c dput.cf larder {changes}");
    let mut sends = home.shell(home.folder(), &script);
    sends.env("PASSWORD", password);
    sends
}

/// Leaves a package in a home with what a build says of it; the name of the file to send.
pub(super) fn built(home: &Home, deb: &Deb, body: &[u8]) -> String {
    let (file, version) = (deb.file(), &deb.version);
    let stem = file.strip_suffix(".deb").expect("a package");
    std::fs::write(home.folder().join(&file), body).expect("package");
    let told = format!("{stem}.buildinfo");
    std::fs::write(home.folder().join(&told), "Source: demo\n").expect("what it was built of");
    let script = format!(
        "printf 'Format: 1.8\\nDate: Thu, 01 Jan 2026 00:00:00 +0000\\nSource: demo\\nBinary: demo\\n\
         Architecture: all\\nVersion: {version}\\nDistribution: stable\\nUrgency: low\\n\
         Maintainer: A <a@registry.example>\\nChanged-By: A <a@registry.example>\\n\
         Description:\\n demo - words\\nChanges:\\n demo ({version}) stable; urgency=low\\nFiles:\\n' \
         > {stem}.changes\n\
         for file in {told} {file}; do\n\
         echo \" $(md5sum < $file | cut -d' ' -f1) $(stat -c %s $file) tests optional $file\" >> {stem}.changes\n\
         done"
    );
    run(&mut home.shell(home.folder(), &script));
    format!("{stem}.changes")
}

#[test]
fn dput_sends_what_was_built() {
    let Some(dput) = tool("dput") else { return };
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let larder = larder(&keys);
    let home = Home::of(&larder, Who::Reader, ("apt", "deb/local"), &[dput]);
    let deb = Deb::new("demo", "1.0");
    let changes = built(&home, &deb, &deb.bytes());
    run(&mut send(&larder, &home, &changes));
    let path = "/deb/local/pool/stable/main/demo_1.0_all.deb";
    let there = larder.admin().get(path).expect(200).body;
    assert_eq!(there, deb.bytes());
    let told = larder.api("GET", "repositories/deb/local/packages", "", 200);
    assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "{told}");
}
