//! Hosted repositories: what is pushed, by whom, and what comes back.

use crate::bed::{Bed, text};
use larder_tests::gits::git;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::run;
use larder_tests::{Start, tool};
use serde_json::json;
use std::path::Path;

/// Pushes, then clones in both versions of the protocol.
#[test]
fn what_is_pushed_is_cloned() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(&work, &["tag", "-a", "-m", "first", "v1"]);
    let url = bed.url_of("admin", "own/team/tool.git");
    bed.run(&work, &["push", "-q", &url, "main", "v1"]);
    let head = bed.head(&work);
    for version in ["0", "1", "2"] {
        let set = format!("protocol.version={version}");
        let name = format!("clone-{version}");
        // With and without the usual ending, of the repo and of a group.
        for (index, path) in ["own/team/tool", "own/team/tool.git", "all/team/tool"]
            .iter()
            .enumerate()
        {
            let to = format!("{name}-{index}");
            let at = bed.clone(&bed.url(path), &to, &["-c", &set]);
            assert_eq!(bed.head(&at), head);
            assert_eq!(text(&at, "a.txt"), "one\n");
            assert_eq!(bed.run(&at, &["tag"]), "v1\n");
            bed.run(&at, &["fsck", "--strict"]);
        }
    }
    assert_eq!(
        bed.upstream.total(),
        0,
        "a name that is hosted is asked for nowhere"
    );
}

#[test]
fn refs_are_made_moved_and_deleted() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["remote", "add", "origin", &bed.url_of("admin", "own/tool")],
    );
    let refs = || bed.run(&work, &["ls-remote", "origin"]);
    bed.run(
        &work,
        &[
            "push",
            "-q",
            "origin",
            "main",
            "main:refs/heads/side",
            "main:refs/tags/t",
        ],
    );
    let next = bed.commit(&work, "a.txt", "two\n");
    bed.run(&work, &["push", "-q", "origin", "main"]);
    assert!(
        refs().contains(&format!("{next}\trefs/heads/main")),
        "{}",
        refs()
    );
    bed.run(&work, &["push", "-q", "origin", ":side", ":refs/tags/t"]);
    let told = refs();
    assert!(!told.contains("side") && !told.contains("tags"), "{told}");
    // History is rewritten only on purpose.
    bed.run(&work, &["commit", "-q", "--amend", "-m", "other"]);
    let refused = bed.fails(&work, &["push", "origin", "main"]);
    assert!(refused.contains("non-fast-forward"), "{refused}");
    bed.run(&work, &["push", "-q", "--force", "origin", "main"]);
    assert!(refs().contains(&bed.head(&work)), "{}", refs());
    // A large push comes in chunks.
    let noise = noise(0, 400_000);
    bed.commit(&work, "big.txt", &noise);
    bed.run(&work, &["push", "-q", "origin", "main"]);
    let at = bed.clone(&bed.url("own/tool"), "again", &[]);
    assert_eq!(text(&at, "big.txt"), noise);
}

/// The API and the pages tell of what was pushed.
#[test]
fn refs_are_shown() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(&work, &["tag", "-a", "-m", "first", "v1"]);
    let url = bed.url_of("admin", "own/team/tool");
    bed.run(&work, &["push", "-q", &url, "main", "v1"]);
    let head = bed.head(&work);
    let path = "repositories/git/own/packages/team%2Ftool";
    let told = bed.larder.api("GET", path, "", 200);
    let tag = bed.run(&work, &["rev-parse", "v1"]);
    let refs = json!({"refs/heads/main": head, "refs/tags/v1": tag.trim()});
    assert_eq!(told["tags"], refs, "{told}");
    let page = |query: &str| {
        let path = format!("/packages/git/own/team/tool{query}");
        bed.larder.anonymous().get(&path).expect(200).text()
    };
    let all = page("");
    assert!(all.contains(&head) && all.contains("refs/tags/v1"), "{all}");
    let clone = format!("git clone {}.git", bed.url("all/team/tool"));
    assert!(all.contains(&clone), "{all}");
    let tags = page("?q=refs/tags/");
    assert!(!tags.contains(&head) && tags.contains(tag.trim()), "{tags}");
}

/// Whoever may write adds; to take away what was there needs more. What is atomic is all or nothing.
#[test]
fn rights_are_of_each_change() {
    let Some(bed) = Bed::new() else { return };
    bed.larder.make_user("writer");
    bed.larder.make_user("reader");
    bed.larder.grant("user:writer", "git/own", "*", "writer");
    let work = bed.work("work");
    let url = bed.url_of("writer", "own/tool");
    let old = bed.head(&work);
    bed.run(&work, &["push", "-q", &url, "main"]);
    bed.run(&work, &["commit", "-q", "--amend", "-m", "other"]);
    let now = bed.head(&work);
    let refs = |bed: &Bed| bed.run(bed.home(), &["ls-remote", &bed.url("own/tool")]);
    for (way, arguments) in [
        ("moved", ["push", "--force", &url, "main", "main:side"]),
        ("deleted", ["push", "--force", &url, ":main", "main:side"]),
    ] {
        let refused = bed.fails(&work, &arguments);
        assert!(refused.contains("remote rejected"), "{way}: {refused}");
        let told = refs(&bed);
        assert!(
            told.contains(&format!("{old}\trefs/heads/main")),
            "{way}: {told}"
        );
        assert!(
            told.contains(&format!("{now}\trefs/heads/side")),
            "{way}: {told}"
        );
    }
    let all = ["push", "--atomic", "--force", &url, "main", "main:third"];
    let refused = bed.fails(&work, &all);
    assert!(refused.contains("remote rejected"), "{refused}");
    assert!(!refs(&bed).contains("third"), "{}", refs(&bed));
    // Others may not write at all, and nobody may without a password.
    let reader = bed.url_of("reader", "own/tool");
    let refused = bed.fails(&work, &["push", &reader, "main:fourth"]);
    assert!(refused.contains("403"), "{refused}");
    let refused = bed.fails(&work, &["push", &bed.url("own/tool"), "main:fourth"]);
    assert!(refused.contains("could not read Username"), "{refused}");
    let wrong = bed.url("own/tool").replace("://", "://writer:wrong@");
    let refused = bed.fails(&work, &["push", &wrong, "main:fourth"]);
    assert!(refused.contains("Authentication failed"), "{refused}");
    assert!(!refs(&bed).contains("fourth"), "{}", refs(&bed));
}

/// A grant may be of some refs: others are refused one by one, in a group as well. Large files are of no ref.
#[test]
fn rights_are_of_each_ref() {
    let Some(bed) = Bed::new() else { return };
    bed.larder.close_everything();
    bed.larder.make_user("dev");
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    let grant = |refs: &str, role: &str| {
        let body = json!({
            "subject": "user:dev", "repository": "git/own", "package": "tool", "ref": refs, "role": role,
        });
        bed.larder.api("POST", "grants", &body.to_string(), 201)
    };
    grant("refs/heads/dev-*", "writer");
    grant("refs/heads/dev-mine-*", "maintainer");
    bed.larder.grant("user:dev", "git/all", "*", "reader");
    // Who may push to some of it may read all of it.
    let url = bed.url_of("dev", "own/tool");
    bed.clone(&url, "clone", &[]);
    bed.commit(&work, "a.txt", "two\n");
    let both = ["push", &url, "main:dev-x", "main:main"];
    let refused = bed.fails(&work, &both);
    let right = "needs role writer on git/own (package tool, ref refs/heads/main)";
    assert!(refused.contains(right), "{refused}");
    let why = bed.why(&refused);
    assert_eq!(
        (&why["rule"], &why["repository"], &why["actor"]),
        (&json!("right"), &json!("git/own"), &json!("user:dev")),
        "{why}"
    );
    let refs = || bed.run(bed.home(), &["ls-remote", &url]);
    let now = bed.head(&work);
    assert!(
        refs().contains(&format!("{now}\trefs/heads/dev-x")),
        "{}",
        refs()
    );
    assert!(
        !refs().contains(&format!("{now}\trefs/heads/main")),
        "{}",
        refs()
    );
    // To delete needs more, which is held for others alone.
    let refused = bed.fails(&work, &["push", &url, ":dev-x"]);
    assert!(refused.contains("needs role maintainer"), "{refused}");
    let group = bed.url_of("dev", "all/tool");
    bed.run(&work, &["push", "-q", &group, "main:dev-mine-y"]);
    bed.run(&work, &["push", "-q", &group, ":dev-mine-y"]);
    assert!(!refs().contains("dev-mine-y"), "{}", refs());
    let refused = bed.fails(
        &work,
        &["push", &bed.url_of("dev", "own/other"), "main:dev-x"],
    );
    assert!(refused.contains("not found"), "{refused}");
}

/// What is not for everyone is not there for others.
#[test]
fn hidden_repositories_are_not_there() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    bed.larder.close_everything();
    bed.larder.make_user("stranger");
    let refused = bed.fails(bed.home(), &["ls-remote", &bed.url("own/tool")]);
    assert!(refused.contains("could not read Username"), "{refused}");
    let of = |path: &str| {
        let refused = bed.fails(bed.home(), &["ls-remote", &bed.url_of("stranger", path)]);
        refused.replace(path, "PATH")
    };
    assert_eq!(of("own/tool"), of("own/nowhere"));
    assert!(of("own/tool").contains("not found"), "{}", of("own/tool"));
    let token = bed.larder.token_of("admin");
    let with_token = bed
        .url("own/tool")
        .replace("://", &format!("://token:{token}@"));
    bed.run(bed.home(), &["ls-remote", &with_token]);
    assert_ne!(token, PASSWORD);
}

#[test]
fn parts_are_had_by_depth_filter_and_name() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let first = bed.head(&work);
    let second = bed.commit(&work, "b.txt", "two\n");
    bed.commit(&work, "b.txt", "three\n");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    parts(&bed, "own/tool", (&first, &second));
}

/// Text of so many words that is hard to pack.
pub(crate) fn noise(seed: u32, words: u32) -> String {
    let word = |number: u32| {
        let mixed = (number ^ seed << 24).wrapping_mul(2_654_435_761);
        format!("{:x} ", mixed ^ mixed >> 15)
    };
    (0..words).map(word).collect()
}

/// Shallow and partial clones, and single commits, of a repository with three commits.
pub(crate) fn parts(bed: &Bed, path: &str, (first, second): (&str, &str)) {
    let url = bed.url(path);
    let count = |at: &Path| {
        bed.run(at, &["rev-list", "--count", "HEAD"])
            .trim()
            .to_owned()
    };
    for version in ["0", "2"] {
        let set = format!("protocol.version={version}");
        let shallow = bed.clone(
            &url,
            &format!("shallow-{version}"),
            &["-c", &set, "--depth", "1"],
        );
        assert_eq!(count(&shallow), "1");
        bed.run(&shallow, &["fetch", "-q", "--deepen", "1"]);
        assert_eq!(count(&shallow), "2");
        bed.run(&shallow, &["fetch", "-q", "--unshallow"]);
        assert_eq!(count(&shallow), "3");
        let to = format!("partial-{version}");
        let partial = bed.clone(
            &url,
            &to,
            &["-c", &set, "--filter=blob:none", "--no-checkout"],
        );
        let missing = ["rev-list", "--objects", "--all", "--missing=print"];
        assert!(
            bed.run(&partial, &missing)
                .lines()
                .any(|line| line.starts_with('?'))
        );
        bed.run(&partial, &["checkout", "-q", "main"]);
        assert_eq!(text(&partial, "b.txt"), "three\n");
        bed.run(&partial, &["checkout", "-q", first]);
        assert!(!partial.join("b.txt").exists());
        bed.run(bed.home(), &["init", "-q", &format!("named-{version}")]);
        let named = bed.home().join(format!("named-{version}"));
        bed.run(
            &named,
            &["-c", &set, "fetch", "-q", "--depth", "1", &url, second],
        );
        bed.run(&named, &["checkout", "-q", "FETCH_HEAD"]);
        assert_eq!(text(&named, "b.txt"), "two\n");
    }
}

/// Pushes that come at once wait for one another, and none of them loses anything.
#[test]
fn pushes_at_once_all_stand() {
    let Some(mut bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    bed.run(&work, &["push", "-q", &url, "main"]);
    let begin = |index: u32| {
        let name = format!("work-{index}");
        let at = bed.clone(&bed.url("own/tool"), &name, &[]);
        bed.run(&at, &["checkout", "-q", "-b", &name]);
        bed.commit(&at, "big.txt", &noise(index, 40_000));
        at
    };
    let works: Vec<_> = (0..6).map(begin).collect();
    let pushes: Vec<_> = works
        .iter()
        .map(|at| {
            bed.git(at)
                .args(["push", "-q", &url, "HEAD"])
                .spawn()
                .expect("git")
        })
        .collect();
    for mut push in pushes {
        assert!(push.wait().expect("git").success());
    }
    bed.larder.kill();
    std::fs::remove_dir_all(bed.larder.data().join("git")).expect("folders");
    bed.larder.start_again();
    let all = bed.clone(&bed.url("own/tool"), "all", &["--mirror"]);
    bed.run(&all, &["fsck", "--strict"]);
    for at in works {
        bed.run(&all, &["cat-file", "-e", &bed.head(&at)]);
    }
}

/// What was pushed is there after the process was killed.
#[test]
fn a_push_stands_when_the_server_is_killed() {
    let Some(mut bed) = Bed::new() else { return };
    let work = bed.work("work");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    bed.larder.kill();
    bed.larder.start_again();
    let at = bed.clone(&bed.url("own/tool"), "again", &[]);
    assert_eq!(bed.head(&at), bed.head(&work));
    let next = bed.commit(&work, "a.txt", "two\n");
    bed.run(
        &work,
        &["push", "-q", &bed.url_of("admin", "own/tool"), "main"],
    );
    // The folders that git works in are made anew of what is kept.
    bed.larder.kill();
    let folders = bed.larder.data().join("git");
    std::fs::remove_dir_all(folders).expect("folders");
    bed.larder.start_again();
    let at = bed.clone(&bed.url("own/tool"), "third", &[]);
    assert_eq!(bed.head(&at), next);
}

#[test]
fn a_data_folder_may_be_told_from_where_the_server_begins() {
    let Some(program) = tool("git") else { return };
    let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
        .in_folder("larder-data")
        .start();
    let hosted = json!({"protocol": "git", "name": "own", "kind": "hosted"});
    larder.api("POST", "repositories", &hosted.to_string(), 201);
    let home = tempfile::tempdir().expect("home");
    let run_git = |words: &[&str]| run(git(&program, home.path()).args(words));
    run_git(&["init", "-q", "work"]);
    let work = home.path().join("work");
    let at = work.to_string_lossy();
    run_git(&["-C", &at, "commit", "-q", "--allow-empty", "-m", "first"]);
    let url = format!("http://admin:{PASSWORD}@{}/git/own/tool", larder.host());
    run_git(&["-C", &at, "push", "-q", &url, "main"]);
    let there = run_git(&["ls-remote", &url, "refs/heads/main"]);
    let head = run_git(&["-C", &at, "rev-parse", "HEAD"]);
    assert_eq!(there.split('\t').next(), Some(head.trim()));
    run_git(&["clone", "-q", &url, "clone"]);
}
