//! An upstream with a long history.

use crate::bed::{Bed, STALE};
use larder_tests::Fault;
use larder_tests::random::Random;
use serde_json::json;
use std::fmt::Write as _;
use std::process::Stdio;

const COMMITS: u32 = 10_000;
const FETCH: &str = "/git/tool.git/git-upload-pack";

/// A history of many commits in some hundred files, with a tag now and then (git-fast-import).
fn history() -> Vec<u8> {
    let (mut lines, mut random) = (String::new(), Random::new(11));
    for index in 1..=COMMITS {
        let who = format!("Ann <ann@corp.example> {} +0000", 1_700_000_000 + index);
        let message = format!("change {index}");
        let noise: Vec<String> = random.bytes(64).iter().map(u8::to_string).collect();
        let noise = noise.join("\n");
        write!(
            lines,
            "commit refs/heads/main\nmark :{index}\nauthor {who}\ncommitter {who}\n\
             data {}\n{message}\nM 100644 inline d{}/f{}.txt\ndata {}\n{noise}\n",
            message.len(),
            index % 7,
            index % 131,
            noise.len()
        )
        .expect("text");
        if index % 500 == 0 {
            write!(lines, "reset refs/tags/v{index}\nfrom :{index}\n\n").expect("text");
        }
    }
    lines.into_bytes()
}

/// Is had whole, in part and anew; a server that is killed while it fetches has lost nothing but time.
#[test]
fn a_long_history_is_mirrored() {
    let Some(mut bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.gits.import("tool", &history());
    let count = |bed: &Bed, at: &std::path::Path| {
        let told = bed.run(at, &["rev-list", "--count", "HEAD"]);
        told.trim().parse::<u32>().expect("a number")
    };
    // The second is the one for objects.
    bed.upstream.fail(FETCH, Fault::Held(200_000));
    let mut first = bed.git(bed.home());
    first.args(["clone", "-q", &bed.url("up/tool"), "killed"]);
    let mut first = first.stderr(Stdio::null()).spawn().expect("git");
    bed.upstream.await_count(FETCH, 2);
    bed.larder.kill();
    bed.upstream.heal();
    assert!(!first.wait().expect("git").success());
    bed.larder.start_again();
    bed.upstream.take_asked();
    let at = bed.clone(&bed.url("up/tool"), "whole", &[]);
    assert_eq!(count(&bed, &at), COMMITS);
    assert_eq!(bed.run(&at, &["tag"]).lines().count(), 20);
    bed.run(&at, &["fsck", "--strict"]);
    assert_eq!(bed.fetches(), 1);
    // What is new is little.
    let next = bed.gits.commit("tool", "new.txt", b"new\n");
    bed.turn(STALE);
    bed.run(&at, &["pull", "-q"]);
    assert_eq!(bed.head(&at), next);
    bed.change("up", &json!({"offline": true}));
    bed.larder.kill();
    bed.larder.start_again();
    bed.upstream.take_asked();
    let shallow = bed.clone(&bed.url("up/tool"), "shallow", &["--depth", "1"]);
    assert_eq!(count(&bed, &shallow), 1);
    bed.run(&shallow, &["fetch", "-q", "--deepen", "100"]);
    assert_eq!(count(&bed, &shallow), 101);
    let partial = bed.clone(&bed.url("all/tool"), "partial", &["--filter=blob:none"]);
    assert_eq!(count(&bed, &partial), COMMITS + 1);
    assert_eq!(bed.head(&partial), next);
    assert_eq!(bed.upstream.total(), 0);
}
