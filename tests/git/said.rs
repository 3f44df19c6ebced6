//! What git tells the person before the screen, in each situation.

use crate::bed::{Bed, STALE};
use larder_tests::Fault;
use larder_tests::said::said;
use serde_json::json;
use std::path::Path;

/// What it complains of.
fn why(text: &str) -> String {
    let begins = ["remote:", "fatal:", "error:", "!"];
    let lines = text.lines().map(str::trim);
    let told: Vec<&str> = lines
        .filter(|line| begins.iter().any(|begin| line.starts_with(begin)))
        .collect();
    assert!(!told.is_empty(), "it does not tell why: {text}");
    told.join("\n")
}

#[track_caller]
fn says(bed: &Bed, situation: &str, at: &Path, arguments: &[&str]) {
    said("git", situation, &why(&bed.fails(at, arguments)));
}

#[test]
fn readers_are_told_why() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    bed.gits.make("other");
    bed.clone(&bed.url("up/tool"), "kept", &[]);
    let at = bed.home();
    let reads = |situation: &str, url: &str| says(&bed, situation, at, &["ls-remote", url]);
    reads("not found", &bed.url("up/nowhere"));
    bed.change(
        "up",
        &json!({"blocked": [{"package": "tool", "reason": "it steals passwords"}]}),
    );
    reads("blocked by a rule", &bed.url("up/tool"));
    bed.change("up", &json!({"blocked": [], "offline": true}));
    bed.turn(STALE);
    reads("offline, not kept", &bed.url("up/other"));
    bed.change("up", &json!({"offline": false}));
    bed.upstream.fail_all(Fault::Status(503));
    reads("upstream down, not kept", &bed.url("up/other"));
    bed.larder.close_everything();
    bed.larder.make_user("stranger");
    reads("without a login", &bed.url("up/tool"));
    let liar = bed.url_of("admin", "up/tool");
    let liar = liar.replace(larder_tests::larder::PASSWORD, "wrong");
    reads("wrong token", &liar);
    reads("without the right", &bed.url_of("stranger", "up/tool"));
}

#[test]
fn writers_are_told_why() {
    let Some(bed) = Bed::new() else { return };
    for name in ["reader", "writer"] {
        bed.larder.make_user(name);
        bed.larder
            .grant(&format!("user:{name}"), "git/*", "*", name);
    }
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("writer", "own/tool"), "main"],
    );
    let pushes = |situation: &str, url: &str, more: &[&str]| {
        let arguments = [&["push", url], more].concat();
        says(&bed, situation, &work, &arguments);
    };
    pushes("push without a login", &bed.url("own/tool"), &["main:x"]);
    pushes(
        "push without the right",
        &bed.url_of("reader", "own/tool"),
        &["main:x"],
    );
    pushes(
        "push to a mirror",
        &bed.url_of("admin", "up/tool"),
        &["main:x"],
    );
    bed.run(&work, &["commit", "-q", "--amend", "-m", "other"]);
    pushes(
        "branch moved aside without the right to delete",
        &bed.url_of("writer", "own/tool"),
        &["--force", "main"],
    );
    pushes(
        "branch deleted without the right",
        &bed.url_of("writer", "own/tool"),
        &[":main"],
    );
    bed.change("own", &json!({"quota": {"bytes": 10}}));
    // How many bytes a commit has depends on its time.
    let told = bed.fails(
        &work,
        &["push", &bed.url_of("writer", "own/tool"), "main:x"],
    );
    let is_number = |text: &str| {
        let text = text.trim().trim_start_matches('(');
        text.parse::<f64>().is_ok()
    };
    let why = why(&told);
    let words = why.split_inclusive(' ');
    let told: String = words
        .map(|text| match text.strip_prefix('(') {
            _ if !is_number(text) => text,
            Some(_) => "(… ",
            None => "… ",
        })
        .collect();
    said("git", "push of more than the quota leaves", &told);
}

/// The first push makes a repository whose objects are named by SHA-1: a client does not say by what its own are
/// named before it is told of those here.
#[test]
fn who_pushes_objects_with_sha256_is_told_so() {
    let Some(bed) = Bed::new() else { return };
    bed.run(bed.home(), &["init", "-q", "--object-format=sha256", "new"]);
    let new = bed.home().join("new");
    bed.commit(&new, "a.txt", "one\n");
    let url = bed.url_of("admin", "own/tool");
    let push = ["push", &url, "main"];
    says(&bed, "first push of a repository with SHA-256", &new, &push);
    bed.larder
        .api("GET", "repositories/git/own/packages/tool", "", 404);
    bed.run(&bed.work("work"), &push);
    says(&bed, "push of a repository with SHA-256", &new, &push);
}

#[test]
fn who_pushes_from_a_shallow_clone_is_told_what_lacks() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.commit(&work, "b.txt", "two\n");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    let shallow = bed.clone(&url, "shallow", &["--depth", "1"]);
    let elsewhere = bed.url_of("admin", "own/other");
    let push = ["push", &elsewhere, "main"];
    says(
        &bed,
        "push of a shallow clone's history that is not here",
        &shallow,
        &push,
    );
}

#[test]
fn who_pushes_a_ref_below_another_is_told_which() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main", "main:dev"]);
    says(
        &bed,
        "push of a ref below another",
        &work,
        &["push", &url, "main:dev/one"],
    );
}
