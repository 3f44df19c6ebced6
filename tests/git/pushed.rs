//! What pushes may bring: parts of a history, and names of refs.

use crate::bed::Bed;
use std::process::Stdio;

/// A shallow clone pushes what it adds, as long as all that its commits need is here.
#[test]
fn a_shallow_clone_pushes() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    for file in ["b.txt", "c.txt"] {
        bed.commit(&work, file, "more\n");
    }
    bed.run(&work, &["push", "-q", &url, "main"]);
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        let name = format!("shallow-{version}");
        let shallow = bed.clone(&url, &name, &["-c", &set, "--depth", "1"]);
        let next = bed.commit(&shallow, &format!("{name}.txt"), "new\n");
        bed.run(&shallow, &["push", "-q", "origin", "main"]);
        bed.run(&shallow, &["push", "-q", "origin", "main:side"]);
        bed.run(&shallow, &["push", "-q", "origin", ":side"]);
        let at = bed.clone(&url, &format!("whole-{version}"), &[]);
        assert_eq!(bed.head(&at), next);
        bed.run(&at, &["fsck", "--strict"]);
    }
    // Elsewhere nobody has what came before.
    let shallow = bed.home().join("shallow-2");
    let other = bed.url_of("admin", "own/other");
    let told = bed.fails(&shallow, &["push", &other, "main"]);
    let why = "remote: the history of these commits is not whole here, and the clone that they come from is \
        shallow: git fetch --unshallow";
    assert!(told.contains(why), "{told}");
    assert!(told.contains("! [remote rejected] main -> main"), "{told}");
    let refs = bed.run(&shallow, &["ls-remote", &url, "refs/heads/main"]);
    assert!(refs.contains(&bed.head(&shallow)), "{refs}");
    bed.larder
        .api("GET", "repositories/git/own/packages/other", "", 404);
    bed.run(&shallow, &["fetch", "-q", "--unshallow", "origin"]);
    bed.run(&shallow, &["push", "-q", &other, "main"]);
    let at = bed.clone(&other, "other", &[]);
    bed.run(&at, &["fsck", "--strict"]);
}

/// Clients keep refs as files in folders, so there is never one beside another below it: what a push leaves
/// behind counts, in whichever order it names its refs.
#[test]
fn no_ref_is_beside_one_below_it() {
    let Some(bed) = Bed::new() else { return };
    bed.larder.make_user("writer");
    bed.larder.grant("user:writer", "git/own", "*", "writer");
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    let push = |more: &[&str]| bed.run(&work, &[&["push", "-q", &url], more].concat());
    let refused = |url: &str, more: &[&str], beside: &str| {
        let told = bed.fails(&work, &[&["push", url], more].concat());
        let why = format!("(there cannot be a ref of this name beside refs/heads/{beside}");
        assert!(told.contains(&why), "{told}");
    };
    let branches = || {
        let told = bed.run(&work, &["ls-remote", "--heads", &url]);
        let names = told
            .lines()
            .filter_map(|line| line.split("refs/heads/").nth(1));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    push(&["main"]);
    refused(&url, &["main:a/b/c", "main:a/b"], "a/b");
    assert_eq!(branches().len(), 2, "one of them came: {:?}", branches());
    bed.clone(&bed.url("own/tool"), "clone", &[]);
    // What goes makes room, whether its name comes first or last.
    push(&[&format!(":{}", branches()[0]), "main:a"]);
    assert_eq!(branches(), ["a", "main"]);
    refused(&url, &["main:a/b"], "a");
    push(&[":a", "main:a/b"]);
    push(&["main:a", ":a/b"]);
    assert_eq!(branches(), ["a", "main"]);
    // What may not go makes none, and what is all or nothing is nothing.
    refused(&bed.url_of("writer", "own/tool"), &[":a", "main:a/b"], "a");
    refused(&url, &["--atomic", "main:z", "main:x", "main:x/y"], "x");
    assert_eq!(branches(), ["a", "main"]);
    push(&[":a"]);
}

/// Of two pushes at once, one of which would have a ref below the other's, one is taken.
#[test]
fn no_ref_comes_beside_one_below_it_at_once() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    for round in 0..4 {
        let names = [format!("main:r{round}"), format!("main:r{round}/x")];
        let pushes = names.each_ref().map(|name| {
            let mut push = bed.git(&work);
            push.args(["push", "-q", &url, name]).stderr(Stdio::null());
            push.spawn().expect("git")
        });
        let taken = pushes.map(|mut push| push.wait().expect("git").success());
        assert_ne!(taken[0], taken[1], "{round}");
    }
    bed.clone(&bed.url("own/tool"), "clone", &["--mirror"]);
}
