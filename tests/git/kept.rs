//! What is kept of repositories is under the same rules as all else: quotas, blocks, the collector, retention of
//! mirrors, backups.

use crate::bed::{Bed, STALE};
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::tools::{command, run};
use larder_tests::{Larder, Start};
use serde_json::{Value, json};
use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_larder");

/// Waits for a job's end.
#[track_caller]
fn ended(larder: &Larder, job: &Value) -> Value {
    let job = larder.await_job(job);
    assert_eq!(job["state"], "succeeded", "{job}");
    job
}

/// Has the collector run, which waits for nothing; the bytes that are free then.
#[track_caller]
fn collect(larder: &Larder) -> u64 {
    let job = larder.api("POST", "gc/runs", r#"{"grace":"0s"}"#, 202);
    let told = ended(larder, &job);
    told["result"]["bytes_freed"].as_u64().expect("bytes")
}

/// The folders are lost, and what is kept is served all the same.
#[track_caller]
fn is_had(bed: &Bed, path: &str, name: &str, head: &str) {
    std::fs::remove_dir_all(bed.larder.data().join("git")).expect("folders");
    std::fs::create_dir_all(bed.larder.data().join("git/quarantine")).expect("folder");
    let at = bed.clone(&bed.url(path), name, &[]);
    assert_eq!(bed.head(&at), head);
    bed.run(&at, &["fsck", "--strict"]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    let before = bed.head(&work);
    bed.change("own", &json!({"quota": {"bytes": 100_000}}));
    std::fs::write(work.join("big.bin"), Random::new(3).bytes(200_000)).expect("file");
    let next = bed.commit(&work, "b.txt", "two\n");
    let refused = bed.fails(&work, &["push", &url, "main"]);
    assert!(
        refused.contains("remote: the quota of the repository git/own is 100000 bytes"),
        "{refused}"
    );
    let why = bed.why(&refused);
    assert_eq!(
        (&why["rule"], &why["package"], &why["verb"]),
        (&json!("quota"), &json!("tool"), &json!("write")),
        "{why}"
    );
    is_had(&bed, "own/tool", "before", &before);
    bed.change("own", &json!({"quota": {"bytes": 400_000}}));
    bed.run(&work, &["push", "-q", &url, "main"]);
    is_had(&bed, "own/tool", "after", &next);
}

#[test]
fn what_is_blocked_is_not_served() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("team/tool");
    bed.clone(&bed.url("up/team/tool"), "before", &[]);
    let block = json!({"blocked": [{"package": "team/*", "reason": "it steals passwords"}]});
    for repo in ["all", "up"] {
        bed.change(repo, &block);
        for path in [format!("{repo}/team/tool"), format!("{repo}/team/tool.git")] {
            let refused = bed.fails(bed.home(), &["ls-remote", &bed.url(&path)]);
            assert!(
                refused.contains("403") && refused.contains("it steals passwords"),
                "{refused}"
            );
        }
        bed.change(repo, &json!({"blocked": []}));
    }
    bed.clone(&bed.url("all/team/tool"), "after", &[]);
}

#[test]
fn the_collector_leaves_what_is_kept() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    bed.gits.make("tool");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    collect(&bed.larder);
    is_had(&bed, "own/tool", "own", &bed.head(&work));
    is_had(&bed, "up/tool", "up", &bed.gits.head("tool"));
    assert_eq!(bed.fetches(), 1);
}

/// Of a mirror a repository goes as a whole, frees its bytes, and comes again when it is asked for.
#[test]
fn what_nobody_uses_of_a_mirror_goes() {
    let Some(bed) = Bed::new() else { return };
    for name in ["old", "new"] {
        bed.gits.make(name);
        bed.gits.commit(
            name,
            "big.bin",
            &Random::new(name.len() as u64 + 9).bytes(300_000),
        );
        bed.clone(&bed.url(&format!("up/{name}")), name, &[]);
    }
    bed.change("up", &json!({"offline": false}));
    bed.turn(2 * 24 * 3600);
    bed.clone(&bed.url("up/new"), "again", &[]);
    bed.turn(STALE * 4);
    let path = "repositories/git/up/retention";
    bed.larder.api("PUT", path, r#"{"unused_after":"1d"}"#, 200);
    let preview = bed.larder.api("POST", &format!("{path}/preview"), "", 200);
    let asked = json!({"preview": preview["id"]}).to_string();
    let job = bed.larder.api("POST", &format!("{path}/runs"), &asked, 202);
    let job = ended(&bed.larder, &job);
    assert_eq!(job["result"]["deleted"], 1, "{job}");
    let freed = collect(&bed.larder);
    assert!((300_000..600_000).contains(&freed), "{freed}");
    let packages = bed
        .larder
        .api("GET", "repositories/git/up/packages", "", 200)
        .to_string();
    assert!(
        packages.contains("new") && !packages.contains("old"),
        "{packages}"
    );
    bed.fetches();
    is_had(&bed, "up/new", "new-after", &bed.gits.head("new"));
    assert_eq!(bed.fetches(), 0);
    is_had(&bed, "up/old", "old-after", &bed.gits.head("old"));
    assert_eq!(bed.fetches(), 1);
}

#[test]
fn a_backup_has_all_of_it() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    bed.gits.make("tool");
    let old = bed.gits.commit("tool", "b.txt", b"two\n");
    bed.clone(&bed.url("up/tool"), "first", &[]);
    bed.gits
        .run("tool", &["commit", "-q", "--amend", "-m", "other"]);
    bed.turn(STALE);
    bed.clone(&bed.url("up/tool"), "second", &[]);
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("backup.tar");
    let token = bed.larder.token_of("admin");
    let larder = |words: &[&str]| run(command(Path::new(BINARY), folder.path()).args(words));
    let shown = file.to_string_lossy();
    let server = ["--server", bed.larder.url(), "--token", &token];
    larder(&[&["backup", &*shown, "--blobs", "include"], &server[..]].concat());
    let data = folder.path().join("data");
    larder(&["restore", &shown, "--data", &data.to_string_lossy()]);
    bed.upstream.go();
    let other = Start::of(BINARY).in_folder(&data).start();
    let url = |path: &str| format!("http://admin:{PASSWORD}@{}/git/{path}", other.host());
    let own = bed.clone(&url("own/tool"), "own", &[]);
    assert_eq!(bed.head(&own), bed.head(&work));
    let up = bed.clone(&url("up/tool"), "up", &[]);
    bed.run(&up, &["fetch", "-q", "origin", &old]);
    bed.run(&up, &["fsck", "--strict"]);
}
