//! What a first start makes for git: a repo to push to, a mirror that waits for its upstream, and a group of both.

use crate::bed::Bed;
use larder_tests::gits::Gits;
use serde_json::{Value, json};

/// What is pushed to the group is in the hosted repo, and is had at both addresses.
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
    for path in ["main/team/tool", "local/team/tool.git"] {
        let to = path.replace('/', "-");
        let at = bed.clone(&bed.url_of("admin", path), &to, &[]);
        assert_eq!(bed.head(&at), bed.head(&work), "{path}");
    }
}

/// git shows no credentials before it is asked for them, so whoever shows none is asked for them in a group of
/// which not everyone may read all: whether the name is there or not.
#[test]
fn who_shows_no_credentials_is_asked_for_them() {
    let Some(bed) = Bed::first_start() else {
        return;
    };
    let work = bed.work("work");
    let url = bed.url_of("admin", "main/team/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    bed.larder.make_user("stranger");
    let told = |url: String, path: &str| {
        let told = bed.fails(bed.home(), &["ls-remote", &url]);
        told.replace(path, "PATH")
    };
    let [hidden, nowhere] = ["main/team/tool", "main/nowhere"].map(|path| {
        let nobody = told(bed.url(path), path);
        assert!(nobody.contains("could not read Username"), "{nobody}");
        (nobody, told(bed.url_of("stranger", path), path))
    });
    assert_eq!(hidden, nowhere, "nobody learns which names are there");
    // Also while the mirror refuses the name, or is offline.
    for settings in [
        json!({"blocked": [{"package": "*"}], "upstream": {"url": Gits::url(&bed.upstream), "allow_private": true}}),
        json!({"blocked": [], "offline": true}),
    ] {
        bed.change("upstream", &settings);
        assert!(
            bed.run(bed.home(), &["ls-remote", &url])
                .contains(&bed.head(&work))
        );
        let nobody = told(bed.url("main/team/tool"), "main/team/tool");
        assert_eq!(nobody, hidden.0, "{settings}");
    }
}

/// Without an upstream the mirror says with which command it gets one, and hides no other member of the group.
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
    let main = bed.url_of("admin", "main/team/tool");
    let told = bed.fails(bed.home(), &["ls-remote", &main]);
    assert!(told.contains(next), "{told}");
    let upstream = json!({"url": Gits::url(&bed.upstream), "allow_private": true});
    let settings = json!({"upstream": upstream});
    bed.make("second", "mirror", &settings);
    let members = |names: Value| bed.change("main", &json!({"members": names}));
    members(json!(["local", "upstream", "second"]));
    let refs = || bed.run(bed.home(), &["ls-remote", &bed.url("main/team/tool")]);
    assert!(refs().contains(&head), "{}", refs());
    members(json!(["local", "upstream"]));
    bed.change("upstream", &settings);
    assert!(refs().contains(&head), "{}", refs());
    let at = bed.clone(&bed.url("upstream/team/tool"), "clone", &[]);
    assert_eq!(bed.head(&at), head);
}
