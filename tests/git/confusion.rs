//! Groups: what is hosted here is never taken from a mirror, whatever becomes of it; and a mirror that does not
//! answer is not passed over.

use crate::bed::{Bed, STALE};
use larder_tests::gits::Gits;
use larder_tests::{Fault, Upstream};
use serde_json::json;
use std::path::Path;

/// A bed where `tool` is hosted, and the upstream has another of that name; the commits of both.
fn both() -> Option<(Bed, String, String)> {
    let bed = Bed::new()?;
    bed.gits.make("tool");
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    let (ours, theirs) = (bed.head(&work), bed.gits.head("tool"));
    bed.upstream.take_asked();
    Some((bed, ours, theirs))
}

fn spellings() -> [&'static str; 3] {
    ["all/tool", "all/tool.git", "all/tool/"]
}

/// Spellings in which upstreams may know it too, and this server knows nothing.
const FOREIGN: [&str; 4] = ["tool.git.git", "tool.git.git/", "tool.GIT", "tool.Git.git"];

/// Nobody is given what the world has, and the world is not asked.
#[track_caller]
fn nothing_comes(bed: &Bed, theirs: &str) {
    for url in spellings().map(|path| bed.url_of("admin", path)) {
        for version in ["0", "2"] {
            let set = format!("protocol.version={version}");
            let told = bed.fails(bed.home(), &["-c", &set, "ls-remote", &url]);
            assert!(!told.contains(theirs), "{told}");
        }
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn what_is_hosted_hides_the_worlds() {
    let Some((bed, ours, theirs)) = both() else {
        return;
    };
    for path in spellings() {
        let told = bed.run(bed.home(), &["ls-remote", &bed.url(path)]);
        assert!(told.contains(&ours) && !told.contains(&theirs), "{told}");
    }
    let at = bed.clone(&bed.url("all/tool"), "clone", &[]);
    assert_eq!(bed.head(&at), ours);
    // Not by the name of a commit either, which a mirror would ask for.
    bed.fails(&at, &["fetch", "origin", &theirs]);
    // Who may not see it is told what is told of a name that is nowhere, in the group too.
    bed.larder.close_everything();
    bed.larder.make_user("half");
    for repo in ["git/all", "git/up"] {
        bed.larder.grant("user:half", repo, "*", "reader");
    }
    let told = bed.fails(bed.home(), &["ls-remote", &bed.url_of("half", "all/tool")]);
    assert!(told.contains("not found"), "{told}");
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    let told = bed.run(bed.home(), &["ls-remote", &bed.url_of("half", "up/tool")]);
    assert!(told.contains(&theirs), "{told}");
}

/// Neither a name that is hosted nor a block is evaded by another spelling, and the upstream is not asked.
#[test]
fn no_other_spelling_leads_past_names_and_blocks() {
    let Some((bed, ..)) = both() else { return };
    let block = json!({"blocked": [{"package": "tool", "reason": "it steals passwords"}]});
    bed.change("up", &block);
    for repo in ["all", "up", "own"] {
        for path in FOREIGN {
            let url = bed.url_of("admin", &format!("{repo}/{path}"));
            let told = bed.fails(bed.home(), &["ls-remote", &url]);
            let why = "remote: no repository can have this path: it ends in `.git` once at most";
            assert!(told.contains(why), "{repo}/{path}: {told}");
        }
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

#[test]
fn a_name_stays_when_its_repository_is_deleted() {
    let Some((bed, ours, theirs)) = both() else {
        return;
    };
    let path = "repositories/git/own/packages/tool";
    bed.larder.api("DELETE", path, "", 204);
    nothing_comes(&bed, &theirs);
    // It comes back from the trash as it was.
    let trash = bed.larder.api("GET", "repositories/git/own/trash", "", 200);
    let id = trash["items"][0]["id"].as_str().expect("id");
    let restore = format!("repositories/git/own/trash/{id}/restore");
    bed.larder.api("POST", &restore, "", 200);
    let at = bed.clone(&bed.url("all/tool"), "restored", &[]);
    assert_eq!(bed.head(&at), ours);
    // Deleted with its repo, nobody pushes under the name before it is freed.
    bed.larder
        .api("DELETE", "repositories/git/own?force=true", "", 204);
    nothing_comes(&bed, &theirs);
    bed.make("own", "hosted", &json!({}));
    nothing_comes(&bed, &theirs);
    let work = bed.home().join("work");
    let url = bed.url_of("admin", "own/tool");
    let told = bed.fails(&work, &["push", &url, "main"]);
    assert!(told.contains("remote: the name tool is reserved"), "{told}");
    let list = "reservations?repository=git/own";
    let reserved = bed.larder.api("GET", list, "", 200);
    let id = reserved["items"][0]["id"].as_str().expect("id");
    bed.larder
        .api("DELETE", &format!("reservations/{id}"), "", 204);
    bed.run(&work, &["push", "-q", &url, "main"]);
}

/// Removes all files below a folder.
fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            empty(&path);
        } else {
            std::fs::remove_file(path).expect("file");
        }
    }
}

#[test]
fn lost_bytes_are_an_error() {
    let Some((mut bed, _, theirs)) = both() else {
        return;
    };
    // Larger than what lives in rows.
    let work = bed.home().join("work");
    bed.commit(&work, "big.txt", &crate::hosted::noise(5, 300_000));
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    bed.larder.stop();
    empty(&bed.larder.data().join("storage/blobs"));
    std::fs::remove_dir_all(bed.larder.data().join("git")).expect("folders");
    bed.larder.start_again();
    let told = bed.fails(bed.home(), &["clone", &bed.url("all/tool"), "lost"]);
    assert!(!told.contains("not found"), "{told}");
    assert!(!bed.home().join("lost/readme.txt").exists(), "{theirs}");
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
}

/// Of two mirrors the first that has it answers. One that refuses or fails has not said that it has none.
#[test]
fn a_mirror_that_does_not_answer_is_not_passed_over() {
    let Some(bed) = Bed::new() else { return };
    let other = Upstream::start();
    let gits = Gits::start(&other, &larder_tests::tool("git").expect("git"));
    gits.make("tool");
    gits.make("far");
    bed.gits.make("tool");
    let upstream = json!({"url": Gits::url(&other), "allow_private": true});
    bed.make("second", "mirror", &json!({"upstream": upstream}));
    bed.change("all", &json!({"members": ["own", "up", "second"]}));
    let refs = |path: &str| bed.run(bed.home(), &["ls-remote", &bed.url(path)]);
    assert!(refs("all/tool").contains(&bed.gits.head("tool")));
    assert!(refs("all/far").contains(&gits.head("far")));
    let discoveries = ["git", ""].map(|end| {
        let end = if end.is_empty() { "" } else { ".git" };
        format!("/git/third{end}/info/refs?service=git-upload-pack")
    });
    gits.make("third");
    for fault in [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Later(429, 1),
        Fault::Status(500),
        Fault::Closed,
        Fault::Login,
    ] {
        for path in &discoveries {
            bed.upstream.fail(path, fault.clone());
        }
        other.take_asked();
        let told = bed.fails(bed.home(), &["ls-remote", &bed.url("all/third")]);
        assert!(!told.contains("not found"), "{fault:?}: {told}");
        assert_eq!(other.total(), 0, "{fault:?}: {:?}", other.take_asked());
        bed.upstream.heal();
        bed.rest();
    }
    bed.turn(STALE);
    assert!(refs("all/third").contains(&gits.head("third")));
}
