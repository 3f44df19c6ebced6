//! What others do to a repository while objects are on their way to it.

use crate::bed::{Bed, STALE};
use larder_tests::gits::{Spoil, git};
use larder_tests::larder::PASSWORD;
use larder_tests::tools::run;
use larder_tests::{Client, tool};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const TOOL: &str = "/api/v1/repositories/git/up/packages/tool";

/// Does something once, while the upstream's first answer with objects is on its way.
fn meanwhile(act: impl Fn() + Send + Sync + 'static) -> Spoil {
    let done = AtomicBool::new(false);
    Box::new(move |_, body| {
        if !done.swap(true, Ordering::SeqCst) {
            act();
        }
        body
    })
}

/// Objects that were asked for beside what is no more here are asked for again, with all that they need.
#[test]
fn a_mirror_that_is_deleted_meanwhile_is_whole() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    let next = bed.gits.commit("tool", "b.txt", b"two\n");
    let admin = bed.larder.admin();
    bed.gits.spoil(Some(meanwhile(move || {
        admin.send("DELETE", TOOL, &[], b"").expect(204);
    })));
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "second", &[]);
    assert_eq!(bed.head(&at), next);
    bed.run(&at, &["fsck", "--strict"]);
    assert_eq!(
        bed.fetches(),
        3,
        "the first, the one that was late, and again"
    );
}

/// Whoever asked for refs later knows them better, though the objects of another came later.
#[test]
fn refs_never_go_back_to_what_was_asked_for_before() {
    let Some(bed) = Bed::new() else { return };
    let at = bed.gits.make("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    let old = bed.gits.head("tool");
    bed.gits.commit("tool", "b.txt", b"two\n");
    let (admin, back) = (bed.larder.admin(), old.clone());
    bed.gits.spoil(Some(meanwhile(move || {
        let program = tool("git").expect("git");
        for name in ["main", "side"] {
            let name = format!("refs/heads/{name}");
            let mut git = git(&program, &at);
            run(git.current_dir(&at).args(["update-ref", &name, &back]));
        }
        admin
            .send("POST", &format!("{TOOL}/refresh"), &JSON, b"{}")
            .expect(200);
    })));
    bed.turn(STALE);
    let refs = || bed.run(bed.home(), &["ls-remote", "--heads", &bed.url("up/tool")]);
    let newest = format!("{old}\trefs/heads/main\n{old}\trefs/heads/side\n");
    assert_eq!(refs(), newest);
    bed.run(&bed.home().join("first"), &["fetch", "-q"]);
    assert_eq!(refs(), newest);
}

/// The objects that a branch adds, beside what the repository has.
fn pack(bed: &Bed, at: &Path, new: &str, old: &str) -> Vec<u8> {
    let line = format!("{} {new} refs/heads/side\0report-status\n", "0".repeat(40));
    let revisions = format!("{new}\n^{old}\n");
    std::fs::write(bed.home().join("revisions"), revisions).expect("file");
    let input = std::fs::File::open(bed.home().join("revisions")).expect("file");
    let mut git = bed.git(at);
    git.args(["pack-objects", "--revs", "--thin", "--stdout", "-q"]);
    let packed = git.stdin(input).output().expect("git");
    assert!(packed.status.success());
    let mut body = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
    body.extend(packed.stdout);
    body
}

/// Pushes `main`; the commit that comes next, and the body of the push that brings it.
fn next_push(bed: &Bed, work: &Path, url: &str) -> (String, Vec<u8>) {
    bed.run(work, &["push", "-q", url, "main"]);
    let old = bed.head(work);
    let new = bed.commit(work, "b.txt", "two\n");
    let body = pack(bed, work, &new, &old);
    (new, body)
}

/// Begins a push of so many bytes with the first of them.
fn begin(bed: &Bed, first: &[u8], length: usize) -> TcpStream {
    let client = bed.larder.user("admin", PASSWORD);
    let headers = [("content-type", "application/x-git-receive-pack-request")];
    let path = "/git/own/tool/git-receive-pack";
    let mut stream = client.connect().expect("connect");
    let head = client.head("POST", path, &headers, Some(length));
    stream.write_all(&head).expect("head");
    stream.write_all(first).expect("body");
    stream
}

/// Waits until the server takes objects in.
#[track_caller]
fn await_quarantine(bed: &Bed) {
    let folder = bed.larder.data().join("git/quarantine");
    let until = Instant::now() + Duration::from_mins(1);
    while std::fs::read_dir(&folder).expect("folder").next().is_none() {
        assert!(Instant::now() < until, "no objects are taken in");
        std::thread::yield_now();
    }
}

fn delete(client: &Client) {
    let path = "/api/v1/repositories/git/own/packages/tool";
    client.send("DELETE", path, &[], b"").expect(204);
}

/// Objects that were pushed beside what is deleted meanwhile are not taken: others that they need are gone.
#[test]
fn a_push_to_what_is_deleted_meanwhile_is_whole() {
    let Some(bed) = Bed::new() else { return };
    let (work, url) = (bed.work("work"), bed.url_of("admin", "own/tool"));
    let (new, body) = next_push(&bed, &work, &url);
    let (first, rest) = body.split_at(body.len() - 30);
    let mut stream = begin(&bed, first, body.len());
    await_quarantine(&bed);
    delete(&bed.larder.admin());
    stream.write_all(rest).expect("body");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answer");
    assert!(
        answer.contains("deleted or begun anew meanwhile"),
        "{answer}"
    );
    // Whoever pushes all of it begins it anew.
    bed.fails(bed.home(), &["ls-remote", &url]);
    bed.run(&work, &["push", "-q", &url, "main"]);
    let at = bed.clone(&bed.url("own/tool"), "again", &[]);
    bed.run(&at, &["fsck", "--strict"]);
    assert_eq!(bed.head(&at), new);
}

/// However many clients stand still in the middle of a push, others go on.
#[test]
fn pushes_that_stand_still_hold_up_no_other() {
    let Some(bed) = Bed::new() else { return };
    let (work, url) = (bed.work("work"), bed.url_of("admin", "own/tool"));
    let (new, body) = next_push(&bed, &work, &url);
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let (first, rest) = body.split_at(body.len() - 30);
    let stand_still = |_| begin(&bed, first, body.len());
    let mut still: Vec<_> = (0..4 * processors).map(stand_still).collect();
    await_quarantine(&bed);
    let other = bed.url_of("admin", "own/other");
    bed.run(&work, &["push", "-q", &other, "main"]);
    bed.clone(&other, "other", &[]);
    // And whoever goes on after all is served.
    let mut last = still.pop().expect("one");
    last.write_all(rest).expect("body");
    let mut answer = String::new();
    last.read_to_string(&mut answer).expect("answer");
    assert!(answer.contains("unpack ok"), "{answer}");
    let side = bed.run(&work, &["ls-remote", &url, "refs/heads/side"]);
    assert!(side.contains(&new), "{side}");
}
