//! `larder connect --write` and `--undo` with the real clients, in homes of their own.

use crate::bed::{Home, larder};
use larder_tests::tools::{command, fails, run};
use larder_tests::{Client, Larder, tool};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// All files of a home but larder's own: their bytes and modes. Folders too.
fn all(home: &Home) -> BTreeMap<String, (Vec<u8>, u32)> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, (Vec<u8>, u32)>) {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.ends_with(".config/larder") {
                continue;
            }
            let mode = path
                .symlink_metadata()
                .expect("metadata")
                .permissions()
                .mode();
            let bytes = if path.is_dir() {
                walk(&path, found);
                Vec::new()
            } else {
                std::fs::read(&path).expect("file")
            };
            found.insert(path.display().to_string(), (bytes, mode));
        }
    }
    let mut found = BTreeMap::new();
    walk(home.folder(), &mut found);
    found
}

fn put(home: &Home, file: &str, text: &str, mode: u32) {
    let path = home.path(file);
    std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
    std::fs::write(&path, text).expect("file");
    std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("mode");
}

/// Writes the lines of a client, twice, has `check` look, and takes them out: all is as it was.
#[track_caller]
fn there_and_back(home: &Home, line: &str, check: impl Fn()) {
    let before = all(home);
    let ran = home.run(&format!("connect {line} --write --json")).ends(0);
    let done = |ran: &crate::bed::Ran| ran.json()["items"][0]["done"].as_str().map(str::to_owned);
    assert_eq!(done(&ran).as_deref(), Some("written"), "{ran:?}");
    let written = all(home);
    assert_ne!(before, written);
    let again = home.run(&format!("connect {line} --write --json")).ends(0);
    assert_eq!(done(&again).as_deref(), Some("unchanged"), "{again:?}");
    assert_eq!(all(home), written, "twice is once");
    check();
    home.run(&format!("connect {line} --undo")).ends(0);
    assert_eq!(all(home), before, "{line}");
    home.run(&format!("connect {line} --undo")).ends(3);
}

fn text(home: &Home, file: &str) -> String {
    std::fs::read_to_string(home.path(file)).expect("file")
}

fn mode(home: &Home, file: &str) -> u32 {
    let metadata = home.path(file).metadata().expect("metadata");
    metadata.permissions().mode() & 0o777
}

/// A project that needs a crate.
const PROJECT: &str = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
                       [dependencies]\nnowhere = \"1\"\n";

/// Someone who is logged in to a server of whose repositories everyone may read some.
fn at_home() -> (Larder, Home) {
    let larder = larder();
    let home = Home::of(&larder, "admin");
    (larder, home)
}

#[test]
fn npm_reads_what_was_written() {
    let Some(npm) = tool("npm") else { return };
    let (larder, home) = at_home();
    let cache = Home::new();
    let registry = || {
        let mut asked = command(&npm, home.folder());
        asked.args(["config", "get", "registry"]);
        asked.env("npm_config_cache", cache.folder());
        run(&mut asked).trim().to_owned()
    };
    let ours = format!("{}/npm/main/", larder.url());
    there_and_back(&home, "npm npm/main", || assert_eq!(registry(), ours));
    let mine =
        "; mine\nregistry = https://old.example/\n@acme:registry=https://acme.example/\nfund=false";
    put(&home, ".npmrc", mine, 0o640);
    there_and_back(&home, "npm npm/main", || {
        assert_eq!(registry(), ours);
        assert!(text(&home, ".npmrc").contains("@acme:registry=https://acme.example/\n"));
        assert_eq!(mode(&home, ".npmrc"), 0o640);
    });
    assert_eq!(registry(), "https://old.example/");
}

#[test]
fn go_reads_what_was_written() {
    let Some(go) = tool("go") else { return };
    let (larder, home) = at_home();
    let cache = Home::new(); // it notes how it is used beside its settings
    let proxy = || {
        let mut asked = command(&go, cache.folder());
        asked.env("GOENV", home.path(".config/go/env"));
        asked.env("GOTOOLCHAIN", "local");
        run(asked.args(["env", "GOPROXY"])).trim().to_owned()
    };
    let ours = format!("{}/go/main", larder.url());
    there_and_back(&home, "go go/main", || assert_eq!(proxy(), ours));
    let mine = "GOFLAGS=-mod=mod\nGOPROXY=https://old.example,direct\n";
    put(&home, ".config/go/env", mine, 0o640);
    there_and_back(&home, "go go/main", || {
        assert_eq!(proxy(), ours);
        assert!(text(&home, ".config/go/env").contains("GOFLAGS=-mod=mod\n"));
    });
    assert_eq!(proxy(), "https://old.example,direct");
}

#[test]
fn cargo_reads_what_was_written() {
    let (larder, home) = at_home();
    larder.api("PATCH", "repositories/cargo/local", r#"{"open":true}"#, 200);
    let mine = "# mine\n[build]\njobs = 1\n\n[source.crates-io]\nreplace-with = 'corp'\n\n\
                [source.corp]\nregistry = 'sparse+https://corp.example/'\n";
    put(&home, ".cargo/config.toml", mine, 0o644);
    let Some(cargo) = tool("cargo") else { return };
    put(&home, "project/Cargo.toml", PROJECT, 0o644);
    put(&home, "project/src/lib.rs", "", 0o644);
    there_and_back(&home, "cargo cargo/main", || {
        // It asks the index that was written, where the crate is not.
        let project = home.path("project");
        let rustup = std::env::var("RUSTUP_HOME").unwrap_or_else(|_| {
            let home = std::env::var("HOME").expect("HOME");
            format!("{home}/.rustup")
        });
        let mut fetch = command(&cargo, home.folder());
        fetch
            .args(["fetch"])
            .current_dir(&project)
            .env("RUSTUP_HOME", rustup);
        fetch
            .env("CARGO_HOME", home.path("cargo-home"))
            .env("CARGO_NET_RETRY", "0");
        let told = fails(&mut fetch);
        let place = "`larder` index (which is replacing registry `crates-io`)";
        assert!(told.contains(place), "{told}");
        let index = format!("index = \"sparse+{}/cargo/main/\"", larder.url());
        assert!(text(&home, ".cargo/config.toml").contains(&index));
        std::fs::remove_dir_all(home.path("cargo-home")).expect("remove");
    });
}

#[test]
fn pip_gets_a_token_of_its_own_in_a_file_of_its_own() {
    let Some(python) = tool("python3") else {
        return;
    };
    let (larder, home) = at_home();
    larder.api("PATCH", "repositories/pypi/main", r#"{"open":false}"#, 200);
    let tokens = || home.run("token list -o name").ends(0).out.lines().count();
    let before = tokens();
    let mine = "[install]\nno-compile = true\n[global]\nindex-url = https://old.example/simple\n";
    put(&home, ".config/pip/pip.conf", mine, 0o644);
    there_and_back(&home, "pip pypi/main", || {
        let file = ".config/pip/pip.conf";
        assert_eq!(mode(&home, file), 0o600);
        assert_eq!(mode(&home, ".config/larder/connected.json"), 0o600);
        let program = "import configparser,sys; c=configparser.RawConfigParser(); c.read(sys.argv[1]); \
                       print(c['global']['index-url'], c['install']['no-compile'])";
        let told = run(command(&python, home.folder())
            .args(["-c", program])
            .arg(home.path(file)));
        let (url, rest) = told.trim().split_once(' ').expect("two values");
        assert_eq!(rest, "true");
        let secret = url
            .strip_prefix("http://token:")
            .and_then(|url| url.split_once('@'));
        let (secret, place) = secret.expect("secret");
        assert_eq!(place, format!("{}/pypi/main/simple/", larder.host()));
        // It opens this repository, and no other door.
        let whoami = home.run(&format!("whoami --json --token {secret}")).ends(0);
        assert_eq!(whoami.json()["limited"], true);
        home.run(&format!("repo show pypi/main --token {secret}"))
            .ends(0);
        home.run(&format!("user list --token {secret}")).ends(4);
        let client = Client::with_password(larder.address(), "token", secret);
        let told = client.get("/pypi/main/simple/demo/").expect(404).text();
        assert!(
            told.contains("this mirror has no upstream yet"),
            "it gets as far: {told}"
        );
        larder
            .anonymous()
            .get("/pypi/main/simple/demo/")
            .expect(401);
        assert_eq!(tokens(), before + 1);
    });
    assert_eq!(tokens(), before, "the token went with the lines");
}

#[test]
fn a_token_can_be_given() {
    let (larder, home) = at_home();
    larder.api("PATCH", "repositories/pypi/main", r#"{"open":false}"#, 200);
    let words = [
        "connect",
        "pip",
        "pypi/main",
        "--write",
        "--client-token-stdin",
    ];
    home.types(&words, "lrd_given\n").ends(0);
    assert!(text(&home, ".config/pip/pip.conf").contains("token:lrd_given@"));
    home.types(&words, "no token\n").ends(2);
}

#[test]
fn containers_files_are_below_the_root() {
    let (_larder, home) = at_home();
    let create = "repo create oci/docker.io --upstream https://registry.example/";
    home.run(create).ends(0);
    let root = home.path("image");
    std::fs::create_dir(&root).expect("root");
    let root = root.display();
    put(
        &home,
        "image/etc/docker/daemon.json",
        "{\"debug\":true}",
        0o644,
    );
    for (client, file, part) in [
        (
            "docker",
            "docker/daemon.json",
            "{\n  \"registry-mirrors\": [",
        ),
        (
            "podman",
            "containers/registries.conf.d/larder-docker.io.conf",
            "prefix = \"docker.io\"",
        ),
        (
            "containerd",
            "containerd/certs.d/docker.io/hosts.toml",
            "override_path = true",
        ),
        ("buildkit", "buildkit/buildkitd.toml", "mirrors = ["),
    ] {
        let line = format!("{client} oci/docker.io");
        let before = all(&home);
        home.run(&format!("connect {line} --write --root {root}"))
            .ends(0);
        let text = text(&home, &format!("image/etc/{file}"));
        assert!(text.contains(part), "{text}");
        home.run(&format!("connect {line} --undo")).ends(0);
        assert_eq!(all(&home), before, "{line}");
    }
}

#[test]
fn edits_since_then_stay() {
    let (_larder, home) = at_home();
    put(&home, ".npmrc", "registry=https://old.example/\n", 0o600);
    home.run("connect npm npm/main --write").ends(0);
    let written = text(&home, ".npmrc");
    put(&home, ".npmrc", &format!("{written}fund=false\n"), 0o600);
    home.run("connect npm npm/main --undo").ends(0);
    assert_eq!(
        text(&home, ".npmrc"),
        "registry=https://old.example/\nfund=false\n"
    );
}

#[test]
fn another_repository_takes_the_place_of_the_first() {
    let (larder, home) = at_home();
    put(&home, ".npmrc", "registry=https://old.example/\n", 0o644);
    let before = all(&home);
    home.run("connect npm npm/main --write").ends(0);
    home.run("connect npm npm/upstream --write").ends(0);
    let text = text(&home, ".npmrc");
    let ours = format!("\nregistry={}/npm/upstream/\n", larder.url());
    assert!(text.contains(&ours) && !text.contains("npm/main"), "{text}");
    home.run("connect npm npm/main --undo").ends(3);
    // The same lines for another client change nothing; others are refused.
    home.run("connect pnpm npm/upstream --write").ends(0);
    let ran = home.run("connect pnpm npm/main --write").ends(6);
    assert!(
        ran.err.contains("larder connect npm npm/upstream"),
        "{ran:?}"
    );
    home.run("connect npm npm/upstream --undo").ends(0);
    assert_eq!(all(&home), before);
}

#[test]
fn what_cannot_be_edited_safely_is_refused_and_left_alone() {
    let (larder, home) = at_home();
    larder.api("PATCH", "repositories/cargo/local", r#"{"open":true}"#, 200);
    for (file, text, line) in [
        (".cargo/config.toml", "[source\n", "cargo cargo/main"),
        (
            ".cargo/config.toml",
            "source.crates-io = {}\n",
            "cargo cargo/main",
        ),
        (".npmrc", "\u{feff}registry=x\n", "npm npm/main"),
        (
            ".yarnrc.yml",
            "unsafeHttpWhitelist:\n  - \"mine.example\"\n",
            "yarn npm/main",
        ),
    ] {
        put(&home, file, text, 0o644);
        let before = all(&home);
        let ran = home.run(&format!("connect {line} --write")).ends(6);
        assert!(ran.err.contains("cannot be edited safely"), "{ran:?}");
        assert_eq!(all(&home), before);
        std::fs::remove_file(home.path(file)).expect("remove");
    }
    home.run("connect poetry pypi/main --write").ends(6);
    put(&home, ".cargo/config", "", 0o644);
    let ran = home.run("connect cargo cargo/main --write").ends(6);
    assert!(ran.err.contains(".cargo/config instead"), "{ran:?}");
}

#[test]
fn a_link_leads_out_of_no_root() {
    let (_larder, home) = at_home();
    put(&home, "image/etc/x", "", 0o644);
    put(&home, "outside/y", "", 0o644);
    let away = home.path("image/etc/yum.repos.d");
    std::os::unix::fs::symlink(home.path("outside"), away).expect("link");
    let before = all(&home);
    let root = home.path("image");
    let line = format!("connect dnf rpm/main --write --root {}", root.display());
    let ran = home.run(&line).ends(6);
    assert!(ran.err.contains("a link leads out of the root"), "{ran:?}");
    assert_eq!(all(&home), before);
}

#[test]
fn mirrors_side_by_side_go_in_any_order() {
    let (_larder, home) = at_home();
    for name in ["docker.io", "quay.io"] {
        let create = format!("repo create oci/{name} --upstream https://registry.example/");
        home.run(&create).ends(0);
    }
    let root = home.path("image");
    std::fs::create_dir(&root).expect("root");
    // The files of containerd stand in folders of mirrors; those of buildkit are one.
    let file = "image/etc/buildkit/buildkitd.toml";
    let write = |name: &str| {
        let line = format!(
            "connect buildkit oci/{name} --write --root {}",
            root.display()
        );
        home.run(&line).ends(0);
    };
    let undo = |name: &str| {
        home.run(&format!("connect buildkit oci/{name} --undo"))
            .ends(0);
    };
    let before = all(&home);
    for order in [["docker.io", "quay.io"], ["quay.io", "docker.io"]] {
        write("docker.io");
        write("quay.io");
        let both = text(&home, file);
        assert!(both.contains("\"docker.io\"") && both.contains("\"quay.io\""));
        undo(order[0]);
        let one = text(&home, file);
        assert!(one.contains(order[1]) && !one.contains(order[0]), "{one}");
        undo(order[1]);
        assert_eq!(all(&home), before, "{order:?}");
    }
}
