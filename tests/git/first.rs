//! What a first start makes for git: a repo to push to, a mirror that waits for its upstream, and a group of both.

use crate::bed::Bed;
use larder_tests::gits::Gits;
use serde_json::json;

/// What is pushed to the group is in the hosted repo.
#[test]
fn what_is_pushed_to_the_group_is_hosted() {
    let Some(bed) = Bed::first_start() else {
        return;
    };
    let work = bed.work("work");
    let url = bed.url_of("admin", "main/team/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    let path = "repositories/git/local/packages/team%2Ftool";
    let told = bed.larder.api("GET", path, "", 200);
    assert_eq!(told["tags"]["refs/heads/main"], json!(bed.head(&work)));
    let at = bed.clone(&bed.url_of("admin", "local/team/tool.git"), "clone", &[]);
    assert_eq!(bed.head(&at), bed.head(&work));
}

/// Without an upstream the mirror says with which command it gets one, and then mirrors it.
#[test]
fn the_mirror_waits_for_its_upstream() {
    let Some(bed) = Bed::first_start() else {
        return;
    };
    bed.gits.make("team/tool");
    let head = bed.gits.head("team/tool");
    let next = "this mirror has no upstream yet: larder repo set git/upstream --upstream URL";
    let told = bed.fails(bed.home(), &["ls-remote", &bed.url("upstream/team/tool")]);
    assert!(told.contains(&format!("remote: {next}")), "{told}");
    let upstream = json!({"url": Gits::url(&bed.upstream), "allow_private": true});
    let settings = json!({"upstream": upstream});
    bed.change("upstream", &settings);
    for path in ["upstream/team/tool", "main/team/tool.git"] {
        let at = bed.clone(&bed.url(path), &path.replace('/', "-"), &[]);
        assert_eq!(bed.head(&at), head);
    }
}
