//! Packages that are published by the API and by the command line.

use super::client::{apt, begin, has, keys, prepare};
use super::hosted::larder;
use crate::house::Who;
use larder_tests::debs::Deb;
use larder_tests::home::Home;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{command, fails, run};
use std::path::Path;

const FILES: &str = "/api/v1/repositories/deb/local/files";

#[test]
fn a_package_comes_by_the_api_as_by_a_client() {
    let Some((_folder, keys)) = keys() else {
        return;
    };
    let larder = larder(&keys);
    let admin = larder.admin();
    // More than all else that the API takes.
    let zeros = larder_tests::random::Random::seeded().bytes(3 << 20);
    let body = Deb::new("demo", "1.0").with(&[("usr/share/demo/words", &zeros)]);
    let at = format!("{FILES}/demo_1.0_all.deb");
    let put = |path: &str, body: &[u8]| admin.send("PUT", path, &[], body);
    let told = put(&format!("{at}?suite=testing&component=extra"), &body).expect(200);
    let told = told.json();
    assert_eq!(told["repository"], "deb/local", "{told}");
    assert_eq!(told["file"], "demo_1.0_all.deb", "{told}");
    assert_eq!(told["outcome"], "published", "{told}");
    let there = "/deb/local/pool/testing/extra/demo_1.0_all.deb";
    assert_eq!(admin.get(there).expect(200).body, body);
    // The usual place; the same again changes nothing, and other bytes are refused.
    put(&at, &body).expect(200);
    put(&at, &body).expect(200);
    let there = "/deb/local/pool/stable/main/demo_1.0_all.deb";
    assert_eq!(admin.get(there).expect(200).body, body);
    let other = Deb::new("demo", "1.0").with(&[("usr/share/demo/words", b"x")]);
    let told = put(&at, &other).expect(409).json();
    assert_eq!(told["code"], "conflict", "{told}");
    for (path, body, status, words) in [
        (at.clone(), &b"no package"[..], 400, "ar archive"),
        (
            format!("{FILES}/other_1.0_all.deb"),
            &body,
            400,
            "this package is demo_1.0_all.deb",
        ),
        (
            format!("{FILES}/demo.zip"),
            &body,
            400,
            "pool/SUITE/COMPONENT",
        ),
        (format!("{at}?suite=-x"), &body, 400, "pool/SUITE/COMPONENT"),
        (
            format!("{at}?distribution=stable"),
            &body,
            400,
            "distribution",
        ),
        (
            at.replace("deb/local", "deb/upstream"),
            &body,
            405,
            "mirror",
        ),
        (
            at.replace("deb/local", "npm/local"),
            &body,
            405,
            "own clients",
        ),
        (
            at.replace("deb/local", "deb/nothing"),
            &body,
            404,
            "no such",
        ),
    ] {
        let told = put(&path, body).expect(status).json();
        let detail = told["detail"].as_str().expect("a sentence");
        assert!(detail.contains(words), "{path}: {told}");
    }
    // By whoever may publish the package, and nobody else.
    larder.make_user("demos");
    larder.grant("user:demos", "deb/local", "demo", "writer");
    let third = Deb::new("demo", "3.0").bytes();
    let path = format!("{FILES}/demo_3.0_all.deb");
    for (name, status) in [("reader", 403), ("stranger", 403), ("demos", 200)] {
        let user = larder.user(name, PASSWORD);
        user.send("PUT", &path, &[], &third).expect(status);
    }
    larder
        .anonymous()
        .send("PUT", &path, &[], &third)
        .expect(401);
    let path = format!("{FILES}/other_3.0_all.deb");
    let other = Deb::new("other", "3.0").bytes();
    let demos = larder.user("demos", PASSWORD);
    demos.send("PUT", &path, &[], &other).expect(403);
    // The group takes it for its hosted member.
    put(&path.replace("deb/local", "deb/main"), &other).expect(200);
    admin
        .get("/deb/local/pool/stable/main/other_3.0_all.deb")
        .expect(200);
}

#[test]
fn apt_installs_what_the_command_line_publishes() {
    let Some((program, folder, keys)) = begin() else {
        return;
    };
    let larder = larder(&keys);
    let debs = [Deb::new("demo", "1.0"), Deb::new("words", "2.0")];
    for deb in &debs {
        std::fs::write(folder.path().join(deb.file()), deb.bytes()).expect("package");
    }
    let token = larder.token_of("maker");
    let publish = |words: &[&str]| {
        let mut larder_command = command(Path::new(env!("CARGO_BIN_EXE_larder")), folder.path());
        larder_command
            .current_dir(folder.path())
            .env("LARDER_SERVER", larder.url())
            .env("LARDER_TOKEN", &token)
            .args(["package", "publish", "deb/local"])
            .args(words);
        larder_command
    };
    let files = debs.each_ref().map(Deb::file);
    let told = run(&mut publish(&[&files[0], &files[1], "--suite", "testing"]));
    assert!(
        told.contains(&files[0]) && told.contains(&files[1]),
        "{told}"
    );
    let told = fails(&mut publish(&["nothing_1_all.deb"]));
    assert!(told.contains("nothing_1_all.deb"), "{told}");
    std::fs::write(folder.path().join("no_1_all.deb"), "no package").expect("file");
    let told = fails(&mut publish(&["no_1_all.deb"]));
    assert!(told.contains("package_invalid"), "{told}");
    let home = Home::of(&larder, Who::Reader, ("apt", "deb/local"), &[program]);
    prepare(&home, "testing");
    let source = home
        .folder()
        .join("etc/apt/sources.list.d/larder-local.sources");
    let text = crate::house::read(&source).replace("Suites: stable", "Suites: testing");
    std::fs::write(&source, text).expect("source");
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install demo words",
    ));
    assert!(has(&home, &files[0]) && has(&home, &files[1]));
}

#[test]
fn what_is_published_has_no_past_and_apt_says_so() {
    let Some((program, _folder, keys)) = begin() else {
        return;
    };
    let larder = larder(&keys);
    let deb = Deb::new("demo", "1.0");
    super::hosted::put(&larder, "stable/main", &deb).expect(201);
    for (repository, is) in [("deb/local", "hosted"), ("deb/main", "a group")] {
        let programs = std::slice::from_ref(&program);
        let home = Home::of(&larder, Who::Reader, ("apt", repository), programs);
        prepare(&home, "stable");
        let name = repository.replace("deb/", "larder-");
        let source = home
            .folder()
            .join(format!("etc/apt/sources.list.d/{name}.sources"));
        let text = crate::house::read(&source);
        let at = format!("/{repository}@2026-11-28/");
        let text = text.replace(&format!("/{repository}/"), &at);
        assert!(text.contains(&at), "{text}");
        std::fs::write(&source, text).expect("source");
        let auth = home
            .folder()
            .join(format!("etc/apt/auth.conf.d/{name}.conf"));
        let text = crate::house::read(&auth).replace(&format!("/{repository}/"), "/deb/");
        std::fs::write(&auth, text).expect("credentials");
        let told = fails(&mut apt(&home, "apt-get update"));
        let why = format!(
            "405  {repository} is {is}, and the past of mirrors alone is kept: use {repository}"
        );
        assert!(told.contains(&why), "{told}");
    }
    // Whatever it is, and whether it is there: nobody publishes into the past, nor deletes there.
    for repository in ["deb/local", "deb/main", "deb/upstream", "deb/nothing"] {
        for method in ["PUT", "DELETE"] {
            let path = format!("/{repository}@2026-11-28/pool/stable/main/{}", deb.file());
            let refused = larder.admin().send(method, &path, &[], b"");
            let told = refused.expect(405).text();
            let why = format!(
                "as it was at 2026-11-28T23:59:59.999999Z: it is read only; use {repository}"
            );
            assert!(told.contains(&why), "{told}");
        }
    }
}
