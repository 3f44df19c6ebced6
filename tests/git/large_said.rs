//! What git-lfs tells the person before the screen, in each situation.

use crate::bed::Bed;
use crate::hosted::noise;
use crate::large::{allow, bed, with_large};
use larder_tests::Fault;
use larder_tests::Upstream;
use larder_tests::said::said;
use larder_tests::tools::{fails, run};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Lines of its progress, and of what it did not do then.
const PROGRESS: [&str; 9] = [
    "fetch: Fetching",
    "warning: current Git remote",
    "error: failed to fetch",
    "Downloading LFS objects",
    "Uploading LFS objects",
    "Locking support",
    "Unable to find source",
    "Remote \"",
    "hint:",
];

/// What it complains of.
fn why(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim);
    let is_said = |line: &&str| {
        let is_command = line.starts_with("cd \"");
        !line.is_empty() && !is_command && !PROGRESS.iter().any(|begin| line.starts_with(begin))
    };
    let told: Vec<&str> = lines.filter(is_said).collect();
    assert!(!told.is_empty(), "it does not tell why: {text}");
    told.join("\n")
}

fn lfs(bed: &Bed, at: &Path, url: &str, arguments: &[&str]) -> Command {
    run(bed.git(at).args(["remote", "set-url", "origin", url]));
    let mut git = bed.git(at);
    git.args(["-c", "lfs.transfer.maxretries=1"])
        .args(["-c", "lfs.locksverify=false"])
        .args(arguments);
    git
}

#[test]
fn readers_of_large_files_are_told_why() {
    let Some(bed) = bed() else { return };
    let other = Upstream::start();
    with_large(&bed, &other, &noise(8, 70_000));
    allow(&bed, &[&other]);
    let mut clone = bed.git(bed.home());
    clone.env("GIT_LFS_SKIP_SMUDGE", "1");
    run(clone.args(["clone", "-q", &bed.url("up/tool"), "kept"]));
    let at = bed.home().join("kept");
    let reads = |situation: &str, url: &str| {
        let told = fails(&mut lfs(&bed, &at, url, &["lfs", "fetch"]));
        said("git-lfs", situation, &why(&told));
    };
    let url = bed.url("up/tool");
    bed.upstream
        .fail("/git/tool.git/info/lfs/objects/batch", Fault::Status(404));
    reads("not found", &url);
    bed.upstream.heal();
    let rule = json!({"package": "tool", "reason": "it steals passwords"});
    bed.change("up", &json!({"blocked": [rule]}));
    reads("blocked by a rule", &url);
    bed.change("up", &json!({"blocked": [], "offline": true}));
    reads("offline, not kept", &url);
    bed.change("up", &json!({"offline": false}));
    bed.upstream.fail_all(Fault::Status(503));
    reads("upstream down, not kept", &url);
    bed.upstream.heal();
    bed.larder.close_everything();
    bed.larder.make_user("stranger");
    reads("without a login", &url);
    let liar = bed.url_of("admin", "up/tool");
    reads(
        "wrong token",
        &liar.replace(larder_tests::larder::PASSWORD, "wrong"),
    );
    reads("without the right", &bed.url_of("stranger", "up/tool"));
}

#[test]
fn writers_of_large_files_are_told_why() {
    let Some(bed) = bed() else { return };
    for name in ["reader", "writer"] {
        bed.larder.make_user(name);
        bed.larder
            .grant(&format!("user:{name}"), "git/*", "*", name);
    }
    let work = bed.work("work");
    let url = bed.url_of("writer", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    bed.run(&work, &["remote", "add", "origin", &url]);
    bed.run(&work, &["lfs", "track", "*.bin"]);
    bed.commit(&work, "large.bin", &noise(2, 90_000));
    let pushes = |situation: &str, url: &str| {
        let told = fails(&mut lfs(
            &bed,
            &work,
            url,
            &["lfs", "push", "origin", "main"],
        ));
        said("git-lfs", situation, &why(&told));
    };
    pushes("push without the right", &bed.url_of("reader", "own/tool"));
    pushes("push to a mirror", &bed.url_of("admin", "up/tool"));
    bed.change("own", &json!({"quota": {"bytes": 50_000}}));
    let told = fails(&mut lfs(
        &bed,
        &work,
        &url,
        &["lfs", "push", "origin", "main"],
    ));
    assert!(
        told.contains("the quota of the repository git/own is 50000 bytes"),
        "{told}"
    );
    assert_eq!(bed.why(&told)["rule"], "quota");
}
