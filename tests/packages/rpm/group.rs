//! A group of what is published and a mirror is one repository, in which a published name is ours
//! alone.

use super::{Machine, Makers, folder, larder, name_of, save, set_key, small, told, upload};
use larder_tests::engine::is_root;
use larder_tests::shelf::gunzip;
use larder_tests::tools::command;
use larder_tests::{Fault, Larder, Upstream, run, tool};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Makes a repository of packages, at `folder` of an upstream.
pub(super) fn publish_upstream(
    larder: &Larder,
    upstream: &Upstream,
    root: &str,
    packages: &[PathBuf],
) {
    let at = larder
        .folder()
        .join(format!("theirs{}", root.replace('/', "-")));
    drop(std::fs::remove_dir_all(&at)); // what was there before is no more
    let at = folder(larder, &at.display().to_string(), &[("Packages/empty", "")]);
    for package in packages {
        std::fs::copy(package, at.join("Packages").join(name_of(package))).expect("copy");
        let body = std::fs::read(package).expect("package");
        upstream.put(&format!("/linux/{root}Packages/{}", name_of(package)), body);
    }
    run(
        command(&tool("createrepo_c").expect("tool"), larder.folder())
            .args(["-q", "--no-database"])
            .arg(&at),
    );
    for entry in std::fs::read_dir(at.join("repodata")).expect("folder") {
        let path = entry.expect("file").path();
        upstream.put(
            &format!("/linux/{root}repodata/{}", name_of(&path)),
            std::fs::read(&path).expect("file"),
        );
    }
}

pub(super) fn mirror(larder: &Larder, upstream: &Upstream) {
    let url = format!("{}linux/", upstream.url());
    let body = json!({"upstream": {"url": url, "allow_private": true}, "fresh_seconds": 0});
    larder.api("PATCH", "repositories/rpm/upstream", &body.to_string(), 200);
}

pub(super) fn binary(packages: Vec<PathBuf>) -> PathBuf {
    packages
        .into_iter()
        .find(|package| !package.to_string_lossy().ends_with(".src.rpm"))
        .expect("package")
}

/// Packages of these names and versions, kept apart from the next ones that are made.
fn made(makers: &Makers, all: &[(&str, &str)]) -> Vec<PathBuf> {
    let keep = |(name, version): &(&str, &str)| {
        let package = binary(makers.build(&small(name, version)));
        let kept = makers.folder.join(name_of(&package));
        std::fs::copy(&package, &kept).expect("copy");
        kept
    };
    all.iter().map(keep).collect()
}

fn told_of(larder: &Larder, repo: &str) -> String {
    let at = larder
        .folder()
        .join(format!("saved-{}", repo.replace('/', "-")));
    save(larder, repo, &at);
    told(&at)
}

#[test]
fn a_group_is_one_repository_without_the_worlds_packages_of_our_names() {
    let (Some(dnf), Some(_), Some(_), true) =
        (tool("dnf"), tool("createrepo_c"), tool("curl"), is_root())
    else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let upstream = Upstream::start();
    let all = made(
        &makers,
        &[
            ("ours", "1"),
            ("ours", "9"),
            ("theirs", "5"),
            ("both", "2"),
            ("more", "3"),
        ],
    );
    publish_upstream(&larder, &upstream, "", &all[1..3]);
    publish_upstream(&larder, &upstream, "9/os/", &all[1..3]);
    mirror(&larder, &upstream);
    // Nothing is published yet.
    assert_eq!(told_of(&larder, "main"), told_of(&larder, "upstream"));

    for package in [&all[0], &all[3]] {
        assert!(upload(&larder, package, "/rpm/main/mine/").ends_with("201"));
    }
    let machine = Machine::new(&larder, &dnf, "main", "gpgcheck=0\nrepo_gpgcheck=1");
    set_key(
        &larder,
        "main",
        &makers.key(super::SIGNER, "ed25519", "sign"),
    );
    machine.installs(&["ours", "theirs", "both"]);
    assert_eq!(
        ["ours", "theirs", "both"].map(|name| machine.holds(name)),
        ["1", "5", "2"]
    );
    let listed = machine.run(&["list", "--all", "--showduplicates"]);
    assert!(!listed.contains("9-1"), "{listed}");

    // Of two addresses of which one ends as the other does, each is its own.
    let theirs = larder
        .admin()
        .get("/rpm/main/Packages/theirs-5-1.noarch.rpm")
        .expect(200)
        .body;
    let mine = std::fs::read(&all[3]).expect("package");
    super::put(
        &larder,
        "/rpm/main/theirs-5-1.noarch.rpm",
        &std::fs::read(&all[4]).expect("package"),
    )
    .expect(201);
    assert!(
        larder
            .admin()
            .get("/rpm/main/Packages/theirs-5-1.noarch.rpm")
            .expect(200)
            .body
            == theirs
    );
    assert!(
        larder
            .admin()
            .get("/rpm/main/mine/both-2-1.noarch.rpm")
            .expect(200)
            .body
            == mine
    );

    // Below the root of another repository of the same upstream too.
    let machine = Machine::new(&larder, &dnf, "main/9/os", "gpgcheck=0\nrepo_gpgcheck=1");
    machine.installs(&["ours", "theirs"]);
    assert_eq!(
        ["ours", "theirs"].map(|name| machine.holds(name)),
        ["1", "5"]
    );

    the_worlds_stay_hidden(&larder);
    deleted_names_stay_ours(&larder, &upstream, &all);
}

/// Not by its address either, nor for those who may not read what is published here.
fn the_worlds_stay_hidden(larder: &Larder) {
    let hidden = "Packages/ours-9-1.noarch.rpm";
    for path in [
        format!("/rpm/main/{hidden}"),
        format!("/rpm/main/9/os/{hidden}"),
    ] {
        larder.admin().get(&path).expect(404);
        larder.anonymous().get(&path).expect(404);
    }
    larder
        .anonymous()
        .get(&format!("/rpm/upstream/{hidden}"))
        .expect(200);
    larder
        .anonymous()
        .get("/rpm/main/mine/ours-1-1.noarch.rpm")
        .expect(404);
    let strangers = larder
        .anonymous()
        .get("/rpm/main/repodata/repomd.xml")
        .expect(200)
        .text();
    assert_ne!(
        strangers,
        larder
            .admin()
            .get("/rpm/main/repodata/repomd.xml")
            .expect(200)
            .text()
    );
    let primary = strangers
        .split("href=\"")
        .find(|part| part.contains("-primary.xml"))
        .expect("primary");
    let primary = format!("/rpm/main/{}", primary.split('"').next().expect("href"));
    let list = gunzip(&larder.anonymous().get(&primary).expect(200).body);
    assert!(
        list.contains("<name>theirs</name>") && !list.contains("<name>ours</name>"),
        "{list}"
    );
}

/// The group sees what changes in its members.
fn deleted_names_stay_ours(larder: &Larder, upstream: &Upstream, all: &[PathBuf]) {
    larder
        .admin()
        .send("DELETE", "/rpm/main/mine/ours-1-1.noarch.rpm", &[], b"")
        .expect(200);
    let listed = told_of(larder, "main");
    assert!(
        !listed.contains("'ours'") && listed.contains("'theirs'"),
        "{listed}"
    );
    publish_upstream(larder, upstream, "", &all[1..2]);
    let listed = told_of(larder, "main");
    assert!(
        !listed.contains("'theirs'") && listed.contains("'both'"),
        "{listed}"
    );
}

#[test]
fn what_is_published_is_there_when_the_mirror_has_no_upstream() {
    let (Some(dnf), Some(_), true) = (tool("dnf"), tool("curl"), is_root()) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let package: &Path = &binary(makers.build(&small("ours", "1")));
    assert!(upload(&larder, package, "/rpm/main/").ends_with("201"));
    let machine = Machine::new(&larder, &dnf, "main", "gpgcheck=0");
    machine.installs(&["ours"]);
    assert_eq!(machine.holds("ours"), "1");
}

#[test]
fn published_addresses_are_ours_in_whichever_order_members_are() {
    let (Some(_), Some(_)) = (tool("createrepo_c"), tool("curl")) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let upstream = Upstream::start();
    let all = made(&makers, &[("theirs", "5"), ("ours", "1")]);
    publish_upstream(&larder, &upstream, "", &all[..1]);
    mirror(&larder, &upstream);
    larder.api(
        "PATCH",
        "repositories/rpm/main",
        r#"{"members":["upstream","local"]}"#,
        200,
    );
    let path = "/rpm/main/Packages/theirs-5-1.noarch.rpm";
    let ours = std::fs::read(&all[1]).expect("package");
    super::put(&larder, path, &ours).expect(201);
    let listed = told_of(&larder, "main");
    assert!(
        listed.contains("'ours'") && !listed.contains("'theirs'"),
        "{listed}"
    );
    assert!(larder.admin().get(path).expect(200).body == ours);
}

#[test]
fn a_member_without_a_repository_at_a_root_is_passed_over() {
    let (Some(_), Some(_)) = (tool("createrepo_c"), tool("curl")) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let upstream = Upstream::start();
    publish_upstream(
        &larder,
        &upstream,
        "9/os/",
        &made(&makers, &[("theirs", "5")]),
    );
    mirror(&larder, &upstream);
    let other = json!({"url": format!("{}other/", upstream.url()), "allow_private": true});
    let other = json!({"protocol": "rpm", "name": "other", "kind": "mirror", "upstream": other});
    larder.api("POST", "repositories", &other.to_string(), 201);
    larder.api(
        "PATCH",
        "repositories/rpm/main",
        r#"{"members":["local","other","upstream"]}"#,
        200,
    );
    for root in ["9", "8"] {
        upstream.fail(
            &format!("/other/{root}/os/repodata/repomd.xml"),
            Fault::Status(403),
        );
    }
    let get = |root: &str| {
        larder
            .admin()
            .get(&format!("/rpm/main/{root}/os/repodata/repomd.xml"))
    };
    assert!(told_of(&larder, "main/9/os").contains("'theirs'"));
    larder
        .admin()
        .get("/rpm/main/9/os/Packages/theirs-5-1.noarch.rpm")
        .expect(200);
    // Where no other one has one either, its answer is the group's.
    assert!(
        get("8")
            .expect(403)
            .text()
            .contains("the upstream of rpm/other forbids 8/os/repodata/repomd.xml (403)")
    );
    larder.api(
        "PATCH",
        "repositories/rpm/other",
        r#"{"offline":true}"#,
        200,
    );
    assert!(told_of(&larder, "main/9/os").contains("'theirs'"));
    assert!(get("8").expect(403).text().contains("offline"));
    // What is blocked is not passed over.
    larder.api(
        "PATCH",
        "repositories/rpm/upstream",
        r#"{"blocked":[{"package":"theirs"}]}"#,
        200,
    );
    larder
        .admin()
        .get("/rpm/main/9/os/Packages/theirs-5-1.noarch.rpm")
        .expect(403);
}

#[test]
fn a_release_of_two_hosted_members_is_listed_once() {
    let (Some(_), Some(_)) = (tool("createrepo_c"), tool("curl")) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let second = json!({"protocol": "rpm", "name": "second", "kind": "hosted"});
    larder.api("POST", "repositories", &second.to_string(), 201);
    larder.api(
        "PATCH",
        "repositories/rpm/main",
        r#"{"members":["local","second"]}"#,
        200,
    );
    // Two builds of one release, which differ, and one of another.
    let read = |path: PathBuf| std::fs::read(path).expect("package");
    let build = |spec: &str| read(binary(makers.build(spec)));
    let first = build(&small("twin", "1"));
    let other = build(&small("twin", "1").replace("Nothing much", "Something else"));
    let newer = build(&small("twin", "2"));
    assert!(first != other, "two builds");
    super::put(&larder, "/rpm/local/a/twin.rpm", &first).expect(201);
    super::put(&larder, "/rpm/second/b/twin.rpm", &other).expect(201);
    super::put(&larder, "/rpm/second/b/newer.rpm", &newer).expect(201);

    let both = ["local", "second"];
    for members in [both, ["second", "local"]] {
        let body = json!({"members": members}).to_string();
        larder.api("PATCH", "repositories/rpm/main", &body, 200);
        let listed = told_of(&larder, "main");
        let (own, hidden) = if members == both {
            ("a/twin.rpm", "b/twin.rpm")
        } else {
            ("b/twin.rpm", "a/twin.rpm")
        };
        assert!(
            listed.contains(own) && !listed.contains(hidden) && listed.contains("b/newer.rpm"),
            "{listed}"
        );
    }
}
