//! Mirrors: what is asked of the upstream, and what is had without it.

use crate::bed::{Bed, STALE, text};
use crate::hosted::parts;
use larder_mirrors::source_path::written;
use larder_tests::Fault;
use larder_tests::tools::{command, run};
use larder_tests::upstream::Asked;
use serde_json::json;
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_mirror_is_cloned() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("team/tool");
    bed.gits
        .run("team/tool", &["tag", "-a", "-m", "first", "v1"]);
    bed.gits
        .run("team/tool", &["update-ref", "refs/pull/1/head", "HEAD"]);
    let head = bed.gits.head("team/tool");
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        for (index, path) in ["up/team/tool", "up/team/tool.git", "all/team/tool"]
            .iter()
            .enumerate()
        {
            let at = bed.clone(&bed.url(path), &format!("{version}-{index}"), &["-c", &set]);
            assert_eq!(bed.head(&at), head);
            assert_eq!(bed.run(&at, &["tag"]), "v1\n");
            bed.run(&at, &["fsck", "--strict"]);
        }
    }
    assert_eq!(bed.fetches(), 1, "once for all");
    // What it tells of requests to merge can be had.
    let at = bed.home().join("0-0");
    bed.run(&at, &["fetch", "-q", "origin", "refs/pull/1/head"]);
    // Nothing can be pushed there.
    let refused = bed.fails(
        &at,
        &["push", &bed.url_of("admin", "up/team/tool"), "HEAD:x"],
    );
    assert!(refused.contains("403"), "{refused}");
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/nowhere")]);
    assert!(refused.contains("not found"), "{refused}");
}

#[test]
fn parts_of_a_mirror_are_had() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let first = bed.gits.head("tool");
    let second = bed.gits.commit("tool", "b.txt", b"two\n");
    bed.gits.commit("tool", "b.txt", b"three\n");
    parts(&bed, "up/tool", (&first, &second));
    assert_eq!(bed.fetches(), 1);
}

/// An upstream whose objects are named by SHA-256 is mirrored, in both versions of the protocol, and followed.
#[test]
fn an_upstream_with_sha256_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    for old in [false, true] {
        if old {
            bed.gits.speak_old();
        }
        let name = format!("tool-{old}");
        bed.gits.make_with(&name, &["--object-format=sha256"]);
        bed.gits.run(&name, &["tag", "-a", "-m", "first", "v1"]);
        for version in ["0", "2"] {
            let set = format!("protocol.version={version}");
            for path in [format!("up/{name}"), format!("all/{name}.git")] {
                let to = format!("{version}-{}", path.replace('/', "-"));
                let at = bed.clone(&bed.url(&path), &to, &["-c", &set]);
                assert_eq!(bed.head(&at), bed.gits.head(&name));
                assert_eq!(bed.head(&at).len(), 64);
                assert_eq!(bed.run(&at, &["tag"]), "v1\n");
                bed.run(&at, &["fsck", "--strict"]);
            }
        }
        let next = bed.gits.commit(&name, "b.txt", b"two\n");
        bed.turn(STALE);
        let at = bed.home().join(format!("2-up-{name}"));
        bed.run(&at, &["pull", "-q"]);
        assert_eq!(bed.head(&at), next);
    }
    assert_eq!(bed.fetches(), 4, "two repositories, each twice");
}

/// A repository that had nothing yet may be made anew with other names of objects.
#[test]
fn an_empty_upstream_may_come_to_have_sha256() {
    let Some(bed) = Bed::new() else { return };
    let at = bed.gits.make("tool");
    bed.gits
        .run("tool", &["update-ref", "-d", "refs/heads/main"]);
    bed.clone(&bed.url("up/tool"), "empty", &[]);
    std::fs::remove_dir_all(at).expect("folder");
    bed.gits.make_with("tool", &["--object-format=sha256"]);
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "full", &[]);
    assert_eq!(bed.head(&at), bed.gits.head("tool"));
}

/// What it has is told at once, and what is new comes once it is asked for again.
#[test]
fn what_is_new_comes_in_time() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let at = bed.clone(&bed.url("up/tool"), "tool", &[]);
    let next = bed.gits.commit("tool", "b.txt", b"two\n");
    bed.upstream.take_asked();
    bed.run(&at, &["pull", "-q"]);
    assert_eq!(bed.upstream.total(), 0, "it is fresh");
    bed.turn(STALE);
    bed.run(&at, &["pull", "-q"]);
    assert_eq!(bed.head(&at), next);
    assert_eq!(bed.fetches(), 1);
    // The same again needs no objects.
    bed.turn(STALE);
    bed.run(&at, &["pull", "-q"]);
    assert_eq!(bed.fetches(), 0);
}

/// A commit that was mirrored stays when the upstream rewrites its history, or deletes its branch.
#[test]
fn what_was_forced_away_stays() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let old = bed.gits.commit("tool", "b.txt", b"two\n");
    bed.gits.run("tool", &["branch", "side"]);
    bed.clone(&bed.url("up/tool"), "first", &[]);
    bed.gits
        .run("tool", &["commit", "-q", "--amend", "-m", "other"]);
    bed.gits.run("tool", &["branch", "-D", "side"]);
    bed.gits
        .run("tool", &["reflog", "expire", "--expire=now", "--all"]);
    bed.gits.run("tool", &["gc", "-q", "--prune=now"]);
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "second", &[]);
    assert_eq!(bed.head(&at), bed.gits.head("tool"));
    assert!(!bed.run(&at, &["ls-remote"]).contains(&old));
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        bed.run(&at, &["-c", &set, "fetch", "-q", "origin", &old]);
    }
    bed.run(&at, &["checkout", "-q", &old]);
    assert_eq!(text(&at, "b.txt"), "two\n");
    let refused = bed.fails(&at, &["fetch", "origin", &"1".repeat(40)]);
    assert!(refused.contains("not our ref"), "{refused}");
}

/// Names with spaces and the like are asked for as they are: encoded once in addresses, and shown as they are.
#[test]
fn names_have_what_hosts_have_in_theirs() {
    let Some(bed) = Bed::new() else { return };
    for name in ["My Project/_git/repo", "me@corp/.profile", "Über/it's"] {
        bed.gits.make(name);
        bed.upstream.take_asked();
        let head = bed.gits.head(name);
        let address = written(name);
        for (index, path) in [format!("up/{address}"), format!("all/{address}.git")]
            .iter()
            .enumerate()
        {
            let to = format!("{index}-{}", name.len());
            let at = bed.clone(&bed.url(path), &to, &[]);
            assert_eq!(bed.head(&at), head, "{path}");
        }
        let asked = bed.upstream.take_asked();
        let is_encoded_once = |asked: &Asked| asked.path.starts_with(&format!("/git/{address}"));
        assert!(asked.iter().all(is_encoded_once), "{asked:?}");
        let list = bed
            .larder
            .api("GET", "repositories/git/up/packages", "", 200);
        let items = list["items"].as_array().expect("items").iter();
        assert!(
            items.clone().any(|item| item["name"] == json!(name)),
            "{list}"
        );
        let path = format!(
            "repositories/git/up/packages/{}",
            address.replace('/', "%2F")
        );
        let told = bed
            .larder
            .api("POST", &format!("{path}/refresh"), "{}", 200);
        assert_eq!(told["documents"][0]["outcome"], "unchanged", "{told}");
        let page = format!("/packages/git/up/{address}");
        let page = bed.larder.anonymous().get(&page).expect(200).text();
        let clone = format!("git clone {}.git", bed.url(&format!("all/{address}")));
        assert!(page.contains(&clone), "{page}");
        // The same where it is published, with its large files.
        let work = bed.home().join(format!("0-{}", name.len()));
        let own = bed.url_of("admin", &format!("own/{address}"));
        bed.run(&work, &["push", "-q", &own, "HEAD:main"]);
        bed.run(&work, &["fetch", "-q", &own]);
        let (oid, lfs) = ("a1".repeat(32), "application/vnd.git-lfs+json");
        let wanted = json!({"operation": "upload", "objects": [{"oid": oid, "size": 1}]});
        let batch = format!("/git/own/{address}.git/info/lfs/objects/batch");
        let headers = [("content-type", lfs), ("accept", lfs)];
        let admin = bed.larder.admin();
        let body = wanted.to_string();
        let told = admin.send("POST", &batch, &headers, body.as_bytes());
        let told = told.expect(200).json();
        let href = told["objects"][0]["actions"]["upload"]["href"].to_string();
        assert!(
            href.contains(&format!("/git/own/{address}.git/info/lfs/")),
            "{told}"
        );
    }
    bed.upstream.take_asked();
    // A slash that is encoded is none, and neither is it a part of a name.
    for path in [
        "up/My%20Project%2F_git%2Frepo",
        "up/me%25corp/tool",
        "up/..%2Ftool",
    ] {
        let told = bed.fails(bed.home(), &["ls-remote", &bed.url(path)]);
        assert!(
            told.contains("remote: no repository can have this path"),
            "{told}"
        );
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

/// Where the upstream is asked for the repository `tool`, in both spellings.
const DISCOVERIES: [&str; 2] = [
    "/git/tool.git/info/refs?service=git-upload-pack",
    "/git/tool/info/refs?service=git-upload-pack",
];

/// Who looks after a mirror has it ask now, and is told what came of it.
#[test]
fn a_refresh_asks_the_upstream_now() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let path = "repositories/git/up/packages/tool/refresh";
    let outcome = || {
        bed.upstream.take_asked();
        let told = bed.larder.api("POST", path, "{}", 200);
        assert!(bed.upstream.total() > 0, "the upstream is asked: {told}");
        let outcome = told["documents"][0]["outcome"].as_str().expect("outcome");
        assert_eq!(told["changed"], json!(outcome != "unchanged"), "{told}");
        outcome.to_owned()
    };
    let refs = || bed.run(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    assert_eq!(outcome(), "new");
    bed.upstream.take_asked();
    bed.clone(&bed.url("up/tool"), "first", &[]);
    assert_eq!(bed.upstream.total(), 0, "all of it is here");
    assert_eq!(outcome(), "unchanged");
    let next = bed.gits.commit("tool", "b.txt", b"two\n");
    assert!(!refs().contains(&next), "it is fresh");
    assert_eq!(outcome(), "changed");
    assert!(refs().contains(&next), "{}", refs());
    // So does the command line.
    let next = bed.gits.commit("tool", "b.txt", b"three\n");
    let token = bed.larder.token_of("admin");
    let mut larder = command(Path::new(env!("CARGO_BIN_EXE_larder")), bed.home());
    larder.args(["--server", bed.larder.url(), "--token", &token]);
    let told = run(larder.args(["package", "refresh", "git/up", "tool"]));
    assert!(told.contains("changed"), "{told}");
    assert!(refs().contains(&next), "{}", refs());
    // What is gone upstream stays for as long as it was fresh.
    for path in DISCOVERIES {
        bed.upstream.fail(path, Fault::Status(404));
    }
    assert_eq!(outcome(), "gone");
    assert!(refs().contains(&next), "{}", refs());
    bed.upstream.heal();
    assert_eq!(outcome(), "unchanged");
}

#[test]
fn a_refresh_that_cannot_be_is_refused() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    let refused = |path: &str, status: u16| {
        let path = format!("repositories/git/{path}");
        bed.larder.api("POST", &path, "{}", status)
    };
    let of_tool = "up/packages/tool/refresh";
    for nowhere in ["nowhere", "tool.git", "%3Atool"] {
        let told = refused(&format!("up/packages/{nowhere}/refresh"), 404);
        assert_eq!(told["code"], "package_not_found", "{told}");
    }
    let told = refused(&format!("{of_tool}?version=main"), 400);
    assert_eq!(told["code"], "version_invalid", "{told}");
    let told = refused("own/packages/tool/refresh", 409);
    assert!(told["detail"].to_string().contains("hosted"), "{told}");
    let told = refused("all/packages/tool/refresh", 409);
    assert!(told["detail"].to_string().contains("git/up"), "{told}");
    bed.upstream.fail_all(Fault::Status(503));
    let told = refused(of_tool, 503);
    assert_eq!(told["code"], "upstream_unreachable", "{told}");
    bed.upstream.heal();
    bed.change("up", &json!({"offline": true}));
    bed.upstream.take_asked();
    let told = refused(of_tool, 403);
    assert_eq!(told["code"], "offline", "{told}");
    assert_eq!(bed.upstream.total(), 0);
    let head = bed.gits.head("tool");
    let refs = bed.run(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    assert!(refs.contains(&head), "what is kept stays: {refs}");
}

#[test]
fn offline_nothing_is_asked() {
    let Some(mut bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.gits.make("other");
    let head = bed.gits.head("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    bed.change("up", &json!({"offline": true}));
    bed.turn(STALE);
    bed.upstream.take_asked();
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        let at = bed.clone(&bed.url("all/tool"), version, &["-c", &set]);
        assert_eq!(bed.head(&at), head);
    }
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/other")]);
    assert!(refused.contains("offline"), "{refused}");
    bed.larder.kill();
    bed.larder.start_again();
    let at = bed.clone(&bed.url("up/tool"), "again", &["--filter=blob:none"]);
    assert_eq!(bed.head(&at), head);
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn what_is_kept_is_served_when_the_upstream_is_down() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let head = bed.gits.head("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    bed.upstream.fail_all(Fault::Status(503));
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "failing", &[]);
    assert_eq!(bed.head(&at), head);
    bed.upstream.go();
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "gone", &[]);
    assert_eq!(bed.head(&at), head);
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("up/other")]);
    assert!(refused.contains("50"), "{refused}");
}

/// Eight clones of what is not there yet are one request.
#[test]
fn a_stampede_is_one_request() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let begin = |index: u32| {
        let mut git = bed.git(bed.home());
        git.args([
            "clone",
            "-q",
            &bed.url("up/tool"),
            &format!("clone-{index}"),
        ]);
        git.stdout(Stdio::null()).spawn().expect("git")
    };
    let clones: Vec<_> = (0..8).map(begin).collect();
    for mut clone in clones {
        assert!(clone.wait().expect("git").success());
    }
    let asked = bed.upstream.take_asked();
    let told: Vec<_> = asked
        .iter()
        .map(|asked| (&asked.method, &asked.path))
        .collect();
    assert_eq!(told.len(), 3, "refs, their names, objects: {told:?}");
}

/// A request that is too large for one piece is preceded by one that asks for nothing.
#[test]
fn much_is_wanted_at_once() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let mut history = String::new();
    for index in 1..=1500 {
        let who = format!("Ann <ann@corp.example> {} +0000", 1_700_000_000 + index);
        history += &format!(
            "commit refs/tags/v{index}\nmark :{index}\nauthor {who}\ncommitter {who}\ndata 1\nx\n\n"
        );
    }
    bed.gits.import("tool", history.as_bytes());
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        let more = ["-c", &*set, "-c", "http.postBuffer=65536"];
        let at = bed.clone(&bed.url("up/tool"), version, &more);
        assert_eq!(bed.run(&at, &["tag"]).lines().count(), 1500);
    }
}
