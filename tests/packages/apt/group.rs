//! A group of what is published here and of an upstream's archive.

use super::client::{apt, begin, has, prepare};
use super::hosted::{larder, put};
use crate::house::{Who, read};
use larder_tests::debs::{Archive, Deb, Keys, sum_and_size};
use larder_tests::home::Home;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::run;
use larder_tests::{Fault, Larder, Upstream, archive, tool};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_mins(1);

/// The keys of what is published here and of an upstream, in a folder; `None` without gpg.
fn both_keys() -> Option<(TempDir, Keys, Keys)> {
    let folder = tempfile::tempdir().expect("folder");
    let make = |name: &str| Keys::make(&folder.path().join(name), "never");
    let (keys, theirs) = (make("keys")?, make("theirs")?);
    Some((folder, keys, theirs))
}

/// How an archive is an upstream whose key is trusted.
fn upstream_of(archive: &Archive<'_>, keys: &Keys) -> Value {
    json!({"url": archive.url(), "allow_private": true, "trusted_keys": keys.public()})
}

/// Has the mirror of the group ask an archive.
fn mirror(larder: &Larder, archive: &Archive<'_>, keys: &Keys) {
    let settings = json!({"upstream": upstream_of(archive, keys)});
    let path = "repositories/deb/upstream";
    larder.api("PATCH", path, &settings.to_string(), 200);
}

#[test]
fn suites_of_one_member_are_as_they_are_and_those_of_several_merged() {
    let Some(program) = tool("apt-get") else {
        return;
    };
    let Some((_folder, keys, theirs)) = both_keys() else {
        return;
    };
    let larder = larder(&keys);
    let upstream = Upstream::start();
    let archive = Archive::new(&upstream);
    let debs = [
        Deb::new("demo", "1.0"),
        Deb::new("secret", "9.0"),
        Deb::new("theirs", "1.0").of("amd64").needs("demo"),
    ];
    archive.put("stable", &debs, &theirs);
    mirror(&larder, &archive, &theirs);
    // One member has it: byte for byte, with its signature.
    let reader = larder.user("reader", PASSWORD);
    let list = "/deb/main/dists/stable/InRelease";
    let there = upstream.body("/debian/dists/stable/InRelease");
    assert_eq!(reader.get(list).expect(200).body, there);
    reader
        .get("/deb/main/pool/main/demo_1.0_all.deb")
        .expect(200);
    put(&larder, "unstable/main", &Deb::new("secret", "1.0")).expect(201);
    let own = "/dists/unstable/InRelease";
    let served = reader.get(&format!("/deb/main{own}")).expect(200).body;
    assert_eq!(
        served,
        reader.get(&format!("/deb/local{own}")).expect(200).body
    );
    // A name that is published here is nobody else's, though the list tells of it.
    upstream.take_asked();
    reader
        .get("/deb/main/pool/main/secret_9.0_all.deb")
        .expect(404);
    assert_eq!(upstream.take_asked().len(), 0, "nobody is asked for it");
    reader
        .get("/deb/main/pool/unstable/main/secret_1.0_all.deb")
        .expect(200);
    // Two members have it: merged, and signed with the group's key.
    put(
        &larder,
        "stable/main",
        &Deb::new("ours", "1.0").of("amd64").needs("theirs"),
    )
    .expect(201);
    let home = Home::of(&larder, Who::Reader, ("apt", "deb/main"), &[program]);
    prepare(&home, "stable");
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install ours",
    ));
    for deb in [
        "ours_1.0_amd64.deb",
        "theirs_1.0_amd64.deb",
        "demo_1.0_all.deb",
    ] {
        assert!(has(&home, deb), "{deb}");
    }
    let policy = run(&mut apt(&home, "apt-cache policy secret"));
    assert!(!policy.contains("9.0"), "{policy}");
    let merged = reader.get(list).expect(200).text();
    assert!(
        merged.contains("Origin: Tests") && merged.as_bytes() != there,
        "{merged}"
    );
    // With the upstream away all of it is there.
    upstream.go();
    let other = Home::of(
        &larder,
        Who::Reader,
        ("apt", "deb/main"),
        &[tool("apt-get").expect("apt")],
    );
    prepare(&other, "stable");
    run(&mut apt(
        &other,
        "apt-get update && apt-get -y -d install ours",
    ));
    // A package that is blocked in the group is refused, with the reason in the status line.
    let blocked = json!({"blocked": [{"package": "theirs", "reason": "it steals passwords"}]});
    larder.api("PATCH", "repositories/deb/main", &blocked.to_string(), 200);
    let told = reader
        .get("/deb/main/pool/main/theirs_1.0_amd64.deb")
        .expect(403)
        .text();
    assert!(told.contains("it steals passwords"), "{told}");
}

/// A group whose mirror has the published name `secret` in lists that nothing published is in: of
/// another component, for all architectures, for another one, and of source packages.
fn offered_elsewhere(keys: &Keys, theirs: &Keys, upstream: &Upstream) -> Larder {
    let larder = larder(keys);
    let mut archive = Archive::new(upstream);
    "all amd64 arm64".clone_into(&mut archive.architectures);
    let debs = [
        Deb::new("secret", "9.0").within("contrib"),
        Deb::new("theirs", "1.0").within("contrib"),
        Deb::new("plain", "1.0").within("free"),
    ];
    let source = "Package: secret\nFormat: 3.0 (native)\nBinary: secret\nArchitecture: all\n\
                  Version: 9.3\nDirectory: pool/contrib\n\n";
    for (path, text) in [
        (
            "main/binary-all/Packages",
            Deb::new("secret", "9.1").stanza("pool/main/secret_9.1_all.deb"),
        ),
        (
            "main/binary-arm64/Packages",
            Deb::new("secret", "9.2")
                .of("arm64")
                .stanza("pool/main/secret_9.2_arm64.deb"),
        ),
        ("contrib/source/Sources", source.to_owned()),
        ("main/binary-s390x/Packages", "it is named and lacks".into()),
    ] {
        archive.extra.insert(path.to_owned(), text.into_bytes());
    }
    archive.put("stable", &debs, theirs);
    let lacks = upstream.paths().into_iter();
    for path in lacks.filter(|path| path.contains("binary-s390x")) {
        upstream.remove(&path);
    }
    mirror(&larder, &archive, theirs);
    put(
        &larder,
        "stable/main",
        &Deb::new("secret", "1.0").of("amd64"),
    )
    .expect(201);
    larder
}

#[test]
fn no_list_of_a_merged_suite_offers_a_published_name() {
    let Some(program) = tool("apt-get") else {
        return;
    };
    let Some((_folder, keys, theirs)) = both_keys() else {
        return;
    };
    let upstream = Upstream::start();
    let larder = offered_elsewhere(&keys, &theirs, &upstream);
    let installs = || {
        let programs = std::slice::from_ref(&program);
        let home = Home::of(&larder, Who::Reader, ("apt", "deb/main"), programs);
        prepare(&home, "stable");
        let path = home
            .folder()
            .join("etc/apt/sources.list.d/larder-main.sources");
        let text = read(&path)
            .replace("Components: main", "Components: main contrib free")
            .replace("Types: deb", "Types: deb deb-src");
        std::fs::write(&path, text).expect("source");
        let line = "echo 'APT::Architectures:: \"arm64\";' >> apt.conf && apt-get update && \
                    apt-get -y -d install secret theirs plain";
        run(&mut apt(&home, line));
        for deb in [
            "secret_1.0_amd64.deb",
            "theirs_1.0_all.deb",
            "plain_1.0_all.deb",
        ] {
            assert!(has(&home, deb), "{deb}");
        }
        let known = run(&mut apt(&home, "apt-cache madison secret secret:arm64"));
        assert!(known.contains("1.0") && !known.contains("| 9."), "{known}");
    };
    installs();
    // A list without such a name is the upstream's, and is not made again.
    let reader = larder.user("reader", PASSWORD);
    let merged = reader.get("/deb/main/dists/stable/InRelease").expect(200);
    let theirs =
        String::from_utf8_lossy(&upstream.body("/debian/dists/stable/Release")).into_owned();
    for (path, is_theirs) in [
        ("free/binary-amd64/Packages.gz", true),
        ("contrib/binary-amd64/Packages.gz", false),
        ("contrib/source/Sources", false),
    ] {
        let line = theirs
            .lines()
            .find(|line| line.ends_with(path))
            .expect("a line");
        assert_eq!(merged.text().contains(line), is_theirs, "{path}");
    }
    // A new version of it leaves these lists as they were made.
    let list = "/deb/main/dists/stable/contrib/binary-amd64/Packages";
    let contrib = reader.get(list).expect(200).body;
    put(
        &larder,
        "stable/main",
        &Deb::new("secret", "0.9").of("amd64"),
    )
    .expect(201);
    let again = reader.get("/deb/main/dists/stable/InRelease").expect(200);
    assert_ne!(again.body, merged.body);
    assert!(again.text().contains(&sum_and_size(&contrib)));
    assert_eq!(reader.get(list).expect(200).body, contrib);
    // With the upstream away, and offline.
    upstream.go();
    installs();
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    installs();
}

/// What `apt-file` has apt fetch.
const CONTENTS: &str = r#"Acquire::IndexTargets::deb::Contents-deb {
    MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)";
    ShortDescription "Contents-$(ARCHITECTURE)";
    Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents (deb)";
    PDiffs "true";
    DefaultEnabled "true";
};
"#;

/// Lists of contents are compared as clients unpack them.
#[test]
fn apt_takes_the_contents_of_hosted_and_of_merged_suites() {
    let Some(program) = tool("apt-get") else {
        return;
    };
    let Some((_folder, keys, theirs)) = both_keys() else {
        return;
    };
    let (larder, upstream) = (larder(&keys), Upstream::start());
    let mut archive = Archive::new(&upstream);
    let text = "usr/bin/theirs    tests/theirs\n";
    for (path, bytes) in [
        ("main/Contents-amd64", text.as_bytes().to_vec()),
        ("main/Contents-amd64.gz", archive::gzip(text.as_bytes())),
    ] {
        archive.extra.insert(path.to_owned(), bytes);
    }
    archive.put("stable", &[Deb::new("theirs", "1.0")], &theirs);
    mirror(&larder, &archive, &theirs);
    put(&larder, "stable/main", &Deb::new("ours", "1.0").of("amd64")).expect(201);
    for (repository, has_theirs) in [("deb/local", false), ("deb/main", true)] {
        let programs = std::slice::from_ref(&program);
        let home = Home::of(&larder, Who::Reader, ("apt", repository), programs);
        prepare(&home, "stable");
        std::fs::write(home.folder().join("contents.conf"), CONTENTS).expect("settings");
        let line = "cat contents.conf >> apt.conf && apt-get update && \
                    cat state/lists/*_Contents-amd64*";
        let told = run(&mut apt(&home, line));
        assert!(told.contains("ours"), "{repository}: {told}");
        assert_eq!(
            told.contains("tests/theirs"),
            has_theirs,
            "{repository}: {told}"
        );
    }
}

/// One mirror that is away takes none of the others along.
#[test]
fn of_two_mirrors_one_may_be_away() {
    let Some((_folder, keys, theirs)) = both_keys() else {
        return;
    };
    let (larder, first, second) = (larder(&keys), Upstream::start(), Upstream::start());
    let deb = Deb::new("demo", "1.0");
    let (one, other) = (Archive::new(&first), Archive::new(&second));
    one.put("one", &[Deb::new("words", "1.0")], &theirs);
    other.put("two", &[deb.clone(), Deb::new("late", "1.0")], &theirs);
    mirror(&larder, &one, &theirs);
    let far = json!({"protocol": "deb", "name": "far", "kind": "mirror",
        "upstream": upstream_of(&other, &theirs)});
    larder.api("POST", "repositories", &far.to_string(), 201);
    let members = json!({"members": ["local", "upstream", "far"]}).to_string();
    larder.api("PATCH", "repositories/deb/main", &members, 200);
    let reader = larder.user("reader", PASSWORD);
    let get = |path: &str| reader.get(&format!("/deb/main/{path}"));
    let suite = "dists/two/InRelease";
    let there = second.body(&format!("/debian/{suite}"));
    assert_eq!(get(suite).expect(200).body, there);
    first.go();
    let list = "dists/two/main/binary-amd64/Packages.gz";
    get(list).expect(200);
    assert_eq!(get(&deb.path()).expect(200).body, deb.bytes());
    // What neither tells of may be of the one that is away.
    get("pool/main/nobody_1.0_all.deb").expect(503);
    // What is kept of the second is there whatever becomes of both.
    second.go();
    assert_eq!(get(&deb.path()).expect(200).body, deb.bytes());
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    for path in [suite, list] {
        get(path).expect(200);
    }
    assert_eq!(get(&deb.path()).expect(200).body, deb.bytes());
    get(&Deb::new("late", "1.0").path()).expect(403);
}

/// Two suites are being merged when something is published: each still needs lists of the hosted
/// member, which are made anew.
#[test]
fn merges_do_not_stand_in_the_way_of_the_lists_that_they_need() {
    let Some((_folder, keys, theirs)) = both_keys() else {
        return;
    };
    let (larder, upstream) = (larder(&keys), Upstream::start());
    let archive = Archive::new(&upstream);
    let suites = ["one", "two"];
    let there = ["contrib", "main"].map(|it| Deb::new("theirs", "1.0").within(it));
    for suite in suites {
        archive.put(suite, &there, &theirs);
        for component in ["contrib", "main"] {
            let deb = Deb::new(&format!("{suite}-{component}"), "1.0");
            put(&larder, &format!("{suite}/{component}"), &deb).expect(201);
        }
    }
    mirror(&larder, &archive, &theirs);
    let held: Vec<String> = upstream.paths();
    let held: Vec<&String> = held
        .iter()
        .filter(|it| it.contains("contrib/binary-amd64"))
        .collect();
    for path in &held {
        upstream.fail(path, Fault::Silent);
    }
    let reader = larder.user("reader", PASSWORD);
    std::thread::scope(|scope| {
        let ask = |suite: &str| {
            let path = format!("/deb/main/dists/{suite}/InRelease");
            reader.get(&path).expect(200).text()
        };
        let answers = suites.map(|suite| scope.spawn(move || ask(suite)));
        for suite in suites {
            let of_suite = |it: &&&String| it.contains(&format!("/{suite}/"));
            let begun = Instant::now();
            while !held
                .iter()
                .filter(of_suite)
                .any(|path| upstream.count(path) > 0)
            {
                assert!(begun.elapsed() < DEADLINE, "{suite} is not merged");
                std::thread::yield_now();
            }
        }
        put(&larder, "one/main", &Deb::new("late", "1.0")).expect(201);
        upstream.release();
        for answer in answers {
            assert!(
                answer
                    .join()
                    .expect("an answer")
                    .contains("contrib/binary-amd64")
            );
        }
    });
}

#[test]
fn lists_that_cannot_be_had_are_looked_through_later() {
    let Some((_program, folder, keys)) = begin() else {
        return;
    };
    let Some(theirs) = Keys::make(&folder.path().join("theirs"), "never") else {
        return;
    };
    let upstream = Upstream::start();
    let larder = offered_elsewhere(&keys, &theirs, &upstream);
    let (reader, list) = (larder.user("reader", PASSWORD), "/dists/stable/InRelease");
    let path = "contrib/binary-amd64/Packages.gz";
    let theirs = upstream.body("/debian/dists/stable/Release");
    let theirs = String::from_utf8_lossy(&theirs).into_owned();
    let line = theirs.lines().find(|line| line.ends_with(path));
    let line = line.expect("the mirror's list");
    let offline = |is_so: bool| {
        let body = json!({"offline": is_so}).to_string();
        larder.api("PATCH", "settings", &body, 200);
    };
    // Of the suite the mirror has only the list that a published one is joined with.
    reader.get(&format!("/deb/upstream{list}")).expect(200);
    let joined = "/deb/upstream/dists/stable/main/binary-amd64/Packages.gz";
    reader.get(joined).expect(200);
    offline(true);
    for _ in 0..2 {
        let merged = reader.get(&format!("/deb/main{list}")).expect(200).text();
        assert!(merged.contains(line), "{merged}");
    }
    reader
        .get(&format!("/deb/main/dists/stable/{path}"))
        .expect(403);
    offline(false);
    let begun = Instant::now();
    while reader
        .get(&format!("/deb/main{list}"))
        .expect(200)
        .text()
        .contains(line)
    {
        assert!(begun.elapsed() < DEADLINE, "it is still the mirror's");
        std::thread::yield_now();
    }
    let made = reader
        .get(&format!("/deb/main/dists/stable/{path}"))
        .expect(200);
    let made = archive::gunzip(&made.body);
    assert!(
        made.contains("theirs") && !made.contains("secret"),
        "{made}"
    );
}
