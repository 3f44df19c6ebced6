//! The first hour of a new server, as its pages and the README lead through it: set up in a browser,
//! an image pushed, a client connected, offline, rules, collection, a backup that is restored.

use crate::bed::{BINARY, Home};
use larder_tests::larder::PASSWORD;
use larder_tests::pages::Pages;
use larder_tests::tools::{command, docker_login, run, tool};
use larder_tests::{Larder, Shelf, Start, Upstream, layout};
use std::path::Path;

/// A project that needs the crate of the upstream.
const PROJECT: &str = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                       [dependencies]\ndemo = \"1\"\n";

/// Runs cargo in the project of a home, with a cargo folder of that name, which is new or not.
fn cargo(program: &Path, home: &Home, folder: &str, words: &[&str]) -> String {
    let rustup = std::env::var("RUSTUP_HOME").unwrap_or_else(|_| {
        let home = std::env::var("HOME").expect("HOME");
        format!("{home}/.rustup")
    });
    let cargo_home = home.path(folder);
    std::fs::create_dir_all(&cargo_home).expect("folder");
    for file in ["config.toml", "credentials.toml"] {
        let from = home.path(".cargo").join(file);
        if from.exists() {
            std::fs::copy(&from, cargo_home.join(file)).expect("copy");
        }
    }
    let mut cargo = command(program, home.folder());
    cargo
        .args(words)
        .current_dir(home.path("project"))
        .env("RUSTUP_HOME", rustup)
        .env("CARGO_HOME", cargo_home);
    run(&mut cargo)
}

/// Sets up the server by its pages: where crates come from, and the first user.
fn set_up(larder: &Larder, admin: &Pages, url: &str) {
    assert!(
        admin
            .get("/")
            .expect(200)
            .text()
            .contains("href=\"/setup\"")
    );
    let mirror = [
        ("protocol", "cargo"),
        ("name", "crates"),
        ("url", url),
        ("allow_private", "on"),
    ];
    admin.post("/setup", "/setup/mirrors", &mirror).expect(303);
    let (local, group) = ("/repositories/cargo/local", "/repositories/cargo/main");
    let open = [("readers", "everyone")];
    admin.post(local, local, &open).expect(303);
    let members = [("members", "local\ncrates"), ("readers", "everyone")];
    admin.post(group, group, &members).expect(303);
    let user = [("name", "mei"), ("password", PASSWORD), ("may", "publish")];
    admin.post("/setup", "/setup/users", &user).expect(303);
    let team = [("kind", "hosted"), ("protocol", "oci"), ("name", "app")];
    let new = "/repositories/new";
    admin.post(new, new, &team).expect(303);
    larder.api("GET", "repositories/oci/app", "", 200);
}

/// Pushes three images with the client, the last of which the repository shows.
fn push(crane: &Path, larder: &Larder, home: &Home, admin: &Pages) {
    let settings = home.path("docker");
    docker_login(&settings, larder.host(), "mei", PASSWORD);
    for tag in ["1", "2", "3"] {
        let folder = format!("image-{tag}");
        let image = layout::runnable(tag.as_bytes(), "amd64");
        layout::write(&home.path(&folder), &image, tag);
        let name = format!("{}/app/web:{tag}", larder.host());
        let mut push = command(crane, home.folder());
        push.env("DOCKER_CONFIG", &settings)
            .args(["push", &folder, &name]);
        run(push.current_dir(home.folder()));
    }
    let page = admin.get("/images/app/web").expect(200).text();
    let line = format!("docker pull {}/app/web:3", larder.host());
    assert!(page.contains(&line), "{page}");
}

/// Connects cargo by the page and by the command; its project is fetched, then once more offline.
fn fetch(cargo_at: &Path, home: &Home, (admin, mei): (&Pages, &Pages), upstream: &Upstream) {
    let page = mei.get("/connect/cargo?repository=main").expect(200).text();
    assert!(
        page.contains("larder connect cargo cargo/main --write"),
        "{page}"
    );
    home.run("connect cargo cargo/main --write").ends(0);
    let project = home.path("project/src");
    std::fs::create_dir_all(&project).expect("folder");
    std::fs::write(project.join("lib.rs"), "").expect("source");
    std::fs::write(home.path("project/Cargo.toml"), PROJECT).expect("manifest");
    cargo(cargo_at, home, "cargo-1", &["fetch"]);
    assert!(upstream.total() > 0, "it came through the mirror");
    let page = mei.get("/packages/cargo/crates").expect(200).text();
    assert!(page.contains("/packages/cargo/crates/demo"), "{page}");
    let offline = [("offline", "true")];
    admin
        .post("/upstreams", "/upstreams/offline", &offline)
        .expect(303);
    upstream.take_asked();
    cargo(cargo_at, home, "cargo-2", &["build", "--locked"]);
    let asked = upstream.take_asked();
    assert!(asked.is_empty(), "offline, yet it asked {}", asked.len());
}

/// A rule that keeps one tag, seen before it is armed; then the collector frees the bytes.
fn collect(larder: &Larder, home: &Home, admin: &Pages) {
    let page = "/policies/retention/oci/app";
    let rule = |act| {
        let mut fields = vec![("packages", "*"), ("versions", "*"), ("newest", "1")];
        fields.extend([("trash", "0s"), ("enabled", "on"), ("do", act)]);
        fields
    };
    let seen = admin.post(page, page, &rule("preview")).expect(200).text();
    assert!(seen.contains("Would delete 2 versions"), "{seen}");
    admin.post(page, page, &rule("save")).expect(303);
    let preview = home.run("retention preview oci/app --json").ends(0).json();
    let id = preview["id"].as_str().expect("an id");
    home.run(&format!("retention run oci/app --preview {id} --yes"))
        .ends(0);
    let plan = home
        .run("gc run --dry-run --grace 0s --json")
        .ends(0)
        .json();
    let would = plan["result"]["bytes_freed"].as_u64().expect("bytes");
    assert!(would > 0, "{plan}");
    let ran = home.run("gc run --grace 0s --yes --json").ends(0).json();
    assert_eq!(ran["result"]["bytes_freed"], would, "{ran}");
    let history = admin.get("/cleanup").expect(200).text();
    assert!(history.contains("/jobs/"), "{history}");
    let tags = larder.admin().get("/v2/app/web/tags/list").expect(200);
    assert_eq!(tags.json()["tags"], serde_json::json!(["3"]));
}

#[test]
fn the_first_hour() {
    let (Some(crane), Some(cargo)) = (tool("crane"), tool("cargo")) else {
        return;
    };
    let upstream = Upstream::start();
    let mut shelf = Shelf::new("cargo", &upstream);
    shelf.put_index(&upstream);
    let mut larder = Start::of(BINARY).start();
    let demo = larder_tests::archive::crate_file("demo", "1.0.0", "kept");
    shelf.put(&upstream, "1.0.0", &demo);
    let admin = Pages::of(&larder, "admin");
    set_up(&larder, &admin, &shelf.url(&upstream));
    let (home, operator) = (Home::of(&larder, "mei"), Home::of(&larder, "admin"));
    let mei = Pages::of(&larder, "mei");
    push(&crane, &larder, &home, &admin);
    fetch(&cargo, &home, (&admin, &mei), &upstream);
    collect(&larder, &operator, &admin);
    // All of it into a file, and back on a machine with nothing else.
    let file = operator.path("larder.backup");
    let name = file.to_str().expect("UTF-8");
    operator.run(&format!("backup {name}")).ends(0);
    home.run("doctor cargo").ends(0);
    larder.stop();
    let folder = operator.path("restored");
    let to = folder.to_str().expect("UTF-8");
    operator.run(&format!("restore {name} --data {to}")).ends(0);
    let again = Start::of(BINARY).in_folder(folder).start();
    let tags = again.admin().get("/v2/app/web/tags/list").expect(200);
    assert_eq!(tags.json()["tags"], serde_json::json!(["3"]));
}
