//! What is published here and cannot be read just now is an error: never the world's package of
//! that name.

use crate::confusion::{artifact_of, is_ours, ours, with_upstream};
use crate::{cargo, cargo_home, folder, larder, npm, npm_home, token};
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::tools::{command, fails};
use larder_tests::upstream::Upstream;
use larder_tests::{Larder, Postgres, Start, tool};
use std::path::Path;

const PROTOCOLS: [&str; 5] = ["cargo", "npm", "pypi", "go", "composer"];

/// In the group: the index of `demo`.
fn index(protocol: &str) -> &'static str {
    match protocol {
        "cargo" => "/cargo/main/de/mo/demo",
        "npm" => "/npm/main/demo",
        "go" => "/go/main/demo.example/@v/list",
        "composer" => "/composer/main/p2/acme/demo.json",
        _ => "/pypi/main/simple/demo/",
    }
}

/// A package that is published here, and has another version at an upstream.
struct World {
    protocol: &'static str,
    upstream: Upstream,
    /// In the group: the artifacts of our version, and of theirs.
    ours: String,
    theirs: String,
}

/// Groups of all protocols in which `demo` is published, with an upstream each that has it in
/// version 9 and has been asked.
fn groups(larder: &Larder, bytes: &[u8]) -> Vec<World> {
    let world = |protocol| {
        let (upstream, shelf) = with_upstream(larder, protocol);
        assert!(
            larder
                .admin()
                .get(index(protocol))
                .expect(200)
                .text()
                .contains("9.0.0")
        );
        let theirs = shelf.artifact_here("9.0.0").replacen("/up/", "/main/", 1);
        larder.admin().get(&theirs).expect(200);
        ours(larder, protocol, "demo", bytes);
        let told = larder.admin().get(index(protocol)).expect(200).text();
        is_ours(&told);
        upstream.take_asked();
        World {
            protocol,
            upstream,
            ours: artifact_of(protocol, "main", "1.0.0", &told),
            theirs,
        }
    };
    PROTOCOLS.map(world).into()
}

/// All files of a folder that are blobs.
fn blobs(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                blobs(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Neither an index nor an artifact comes, and the upstreams are not asked.
#[track_caller]
fn nothing_comes(larder: &Larder, worlds: &[World]) {
    for world in worlds {
        for client in [larder.admin(), larder.anonymous()] {
            for path in [index(world.protocol), &world.ours, &world.theirs] {
                let answer = client.get(path);
                assert!(
                    answer.status >= 500,
                    "{path}: {} {}",
                    answer.status,
                    answer.text()
                );
                assert!(
                    !answer.text().contains("9.0.0"),
                    "{path}: {}",
                    answer.text()
                );
            }
        }
        assert_eq!(
            world.upstream.total(),
            0,
            "{:?}",
            world.upstream.take_asked()
        );
    }
}

#[test]
fn a_package_whose_bytes_are_lost_is_an_error() {
    let mut larder = larder();
    let worlds = groups(&larder, &Random::seeded().bytes(200_000));
    let kept = blobs(&larder.data().join("storage/blobs"));
    assert!(kept.len() >= PROTOCOLS.len(), "{kept:?}");
    for path in kept {
        std::fs::remove_file(path).expect("blob");
    }
    for _ in ["as it runs", "after a start"] {
        for world in &worlds {
            let protocol = world.protocol;
            let admin = larder.admin();
            // If an answer begins at all.
            if let Ok((answer, whole)) = admin.take(&world.ours, &[]) {
                assert!(
                    answer.status >= 500 || !whole,
                    "{protocol}: {}",
                    answer.status
                );
            }
            is_ours(&admin.get(index(protocol)).expect(200).text());
            admin.get(&world.theirs).expect(404);
            assert_eq!(
                world.upstream.total(),
                0,
                "{:?}",
                world.upstream.take_asked()
            );
        }
        assert_eq!(larder.stop(), Some(0));
        larder.start_again();
    }
}

fn on_postgres(postgres: &Postgres, name: &str) -> Larder {
    let start = Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_DATABASE__URL", &postgres.database(name));
    start.start()
}

#[test]
fn a_database_that_is_gone_is_an_error() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let mut larder = on_postgres(&postgres, "gone");
    let worlds = groups(&larder, b"");
    // Nothing of it is in memory.
    assert_eq!(larder.stop(), Some(0));
    larder.start_again();
    larder.admin().get("/v2/").expect(200);
    postgres.crash();
    nothing_comes(&larder, &worlds);
    postgres.start_again();
    for world in &worlds {
        let protocol = world.protocol;
        is_ours(&larder.admin().get(index(protocol)).expect(200).text());
        larder.admin().get(&world.ours).expect(200);
        assert_eq!(
            world.upstream.total(),
            0,
            "{:?}",
            world.upstream.take_asked()
        );
    }
}

/// Rows of hosted repos alone cannot be read; those of mirrors can.
const BREAK: &str = "alter table files rename to all_files;
    create function broken() returns boolean language plpgsql volatile as $$ begin raise 'this row is broken'; end $$;
    create view files as select f.* from all_files f
        where f.repo not in (select id from repos where kind = 'hosted') or broken();";
const MEND: &str =
    "drop view files; alter table all_files rename to files; drop function broken();";

#[test]
fn a_hosted_repo_that_cannot_be_read_is_an_error() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let mut larder = on_postgres(&postgres, "broken");
    let worlds = groups(&larder, b"");
    let secret = token(&larder);
    assert_eq!(larder.stop(), Some(0));
    postgres.tell("broken", BREAK);
    larder.start_again();
    for world in &worlds {
        let protocol = world.protocol;
        let from_the_mirror = index(protocol).replacen("/main/", "/upstream/", 1);
        let told = larder.admin().get(&from_the_mirror).expect(200).text();
        assert!(
            told.contains("9.0.0"),
            "the mirror's own rows are well: {told}"
        );
        world.upstream.take_asked();
    }
    nothing_comes(&larder, &worlds);
    clients_fail(&larder, &secret);
    for protocol in PROTOCOLS {
        let refused = publish(&larder.admin(), protocol, "demo", "1.0.1", b"");
        assert!(
            refused.status >= 500,
            "{protocol}: {} {}",
            refused.status,
            refused.text()
        );
    }
    for world in &worlds {
        assert_eq!(
            world.upstream.total(),
            0,
            "{:?}",
            world.upstream.take_asked()
        );
    }
    assert_eq!(larder.stop(), Some(0));
    postgres.tell("broken", MEND);
    larder.start_again();
    for world in &worlds {
        let protocol = world.protocol;
        is_ours(&larder.admin().get(index(protocol)).expect(200).text());
        larder.admin().get(&world.ours).expect(200);
    }
}

/// No client installs anything.
fn clients_fail(larder: &Larder, secret: &str) {
    let manifest = "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
        demo = { version = \"*\", registry = \"main\" }\n";
    let user = folder(
        larder,
        "crate",
        &[("Cargo.toml", manifest), ("src/main.rs", "fn main() {}")],
    );
    fails(&mut cargo(
        larder,
        &cargo_home(larder, "cargo", secret),
        &user,
        &["fetch"],
    ));
    assert!(!user.join("Cargo.lock").exists());
    if let Some(python) = tool("python3") {
        let home = folder(larder, "python", &[("x", "")]);
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
        fails(pip.args([
            "--retries",
            "0",
            "--index-url",
            &index,
            "--target",
            "to",
            "demo",
        ]));
        assert!(!home.join("to").exists());
    }
    let manifest = r#"{"name":"user","version":"1.0.0","dependencies":{"demo":"*"}}"#;
    let user = folder(larder, "npm", &[("package.json", manifest)]);
    if let Some(mut npm) = npm(&npm_home(larder, "npm-home", secret), &user, &["install"]) {
        fails(&mut npm);
        assert!(!user.join("node_modules/demo").exists());
    }
}
