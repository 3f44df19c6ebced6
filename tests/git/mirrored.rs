//! Mirrors: what is asked of the upstream, and what is had without it.

use crate::bed::{Bed, STALE, text};
use crate::hosted::parts;
use larder_tests::Fault;
use serde_json::json;
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
