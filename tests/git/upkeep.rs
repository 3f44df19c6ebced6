//! Repositories that are pushed to, or fetched, again and again: their packs become few, and nothing is lost.

use crate::bed::{Bed, STALE};
use crate::hosted::noise;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_mins(1);
/// So many pushes or fetches that packs are put together, and what is left then is fewer than this.
const MANY: usize = 18;
const FEW: usize = 8;

/// The files in the folders of all repositories.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("entry").path());
    let (folders, own): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| files(folder));
    own.into_iter().chain(below).collect()
}

/// The packs in them.
fn packs(folder: &Path) -> Vec<PathBuf> {
    let mut all = files(folder);
    all.retain(|path| path.extension().is_some_and(|end| end == "pack"));
    all
}

/// Clones until packs were put together behind it.
#[track_caller]
fn await_few(bed: &Bed, path: &str) {
    let begun = Instant::now();
    loop {
        let more = ["--bare", "--depth=1", "--template="];
        let at = bed.clone(&bed.url(path), "wait", &more);
        std::fs::remove_dir_all(at).expect("clone");
        let left = packs(&bed.larder.data().join("git")).len();
        if left < FEW {
            return;
        }
        let log = bed.larder.log_text();
        assert!(begun.elapsed() < DEADLINE, "{left} packs:\n{log}");
    }
}

/// Waits until the mirror tells of a commit: it is asked for behind the answer where that takes long.
#[track_caller]
fn await_told(bed: &Bed, commit: &str) {
    let begun = Instant::now();
    let told = || bed.run(bed.home(), &["ls-remote", &bed.url("up/tool")]);
    while !told().contains(commit) {
        let log = bed.larder.log_text();
        assert!(begun.elapsed() < DEADLINE, "{commit}:\n{log}");
    }
}

/// Has all commits, also where the server was killed and has lost all folders.
#[track_caller]
fn has_all(bed: &mut Bed, path: &str, commits: &[String]) {
    bed.larder.kill();
    std::fs::remove_dir_all(bed.larder.data().join("git")).expect("folders");
    bed.larder.start_again();
    let at = bed.clone(&bed.url(path), "all", &[]);
    for commit in commits {
        bed.run(&at, &["fetch", "-q", "origin", commit]);
    }
    bed.run(&at, &["fsck", "--strict"]);
}

/// What is large is had fast: bitmaps lie beside its packs, also where it grows, and go with these.
#[test]
fn large_repositories_have_bitmaps() {
    let Some(bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    let index = || {
        let mut all = packs(&bed.larder.data().join("git"));
        let folder = all.pop().and_then(|pack| Some(pack.parent()?.to_owned()));
        let file = folder?.join("multi-pack-index");
        let made = std::fs::metadata(file).ok()?;
        made.modified().ok()
    };
    // Clones until it is another one than this.
    let await_other = |before| {
        let begun = Instant::now();
        loop {
            let at = bed.clone(&bed.url("own/tool"), "wait", &["--bare", "--template="]);
            bed.run(&at, &["fsck", "--strict"]);
            std::fs::remove_dir_all(at).expect("clone");
            let now = index();
            if now.is_some() && now != before {
                return now;
            }
            let log = bed.larder.log_text();
            assert!(begun.elapsed() < DEADLINE, "no bitmaps:\n{log}");
        }
    };
    let push = |seed: u32| {
        bed.commit(&work, "large.txt", &crate::hosted::noise(seed, 500_000));
        bed.run(&work, &["push", "-q", &url, "main"]);
    };
    push(1);
    let first = await_other(None);
    push(2);
    await_other(first);
    let at = bed.clone(&bed.url("own/tool"), "part", &["--filter=blob:none"]);
    assert_eq!(bed.head(&at), bed.head(&work));
}

#[test]
fn many_pushes_become_few_packs() {
    let Some(mut bed) = Bed::new() else { return };
    let work = bed.work("work");
    let url = bed.url_of("admin", "own/tool");
    let mut commits = Vec::new();
    for index in 0..MANY {
        let name = format!("{index}.txt");
        commits.push(bed.commit(&work, &name, &name));
        bed.run(&work, &["push", "-q", &url, "main"]);
    }
    // Nothing of a branch that is no more is lost.
    bed.run(&work, &["checkout", "-q", "-b", "side"]);
    commits.push(bed.commit(&work, "side.txt", "side\n"));
    bed.run(&work, &["push", "-q", &url, "side"]);
    bed.run(&work, &["push", "-q", &url, ":side"]);
    await_few(&bed, "own/tool");
    // What is pushed afterwards needs nothing else.
    bed.run(&work, &["checkout", "-q", "main"]);
    commits.push(bed.commit(&work, "last.txt", "last\n"));
    bed.run(&work, &["push", "-q", &url, "main"]);
    has_all(&mut bed, "own/tool", &commits);
}

#[test]
fn many_fetches_become_few_packs() {
    let Some(mut bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let mut commits = Vec::new();
    for index in 0..MANY {
        let name = format!("{index}.txt");
        commits.push(bed.gits.commit("tool", &name, name.as_bytes()));
        bed.turn(STALE);
        await_told(&bed, commits.last().expect("commit"));
        // Its history is another one each time.
        bed.gits.run("tool", &["reset", "-q", "--hard", "HEAD~1"]);
    }
    await_few(&bed, "up/tool");
    let asked = bed.fetches();
    assert_eq!(asked, MANY, "nothing is fetched twice");
    bed.upstream.go();
    has_all(&mut bed, "up/tool", &commits);
}

/// What is damaged of a mirror comes again whole, whether anything is new or not.
#[test]
fn packs_of_a_mirror_that_are_damaged_come_again() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let big = noise(5, 60_000);
    let old = bed.gits.commit("tool", "big.txt", big.as_bytes());
    bed.clone(&bed.url("up/tool"), "first", &[]);
    let is_whole = |name: &str, kept: &str| {
        let at = bed.clone(&bed.url("up/tool"), name, &[]);
        assert_eq!(bed.head(&at), bed.gits.head("tool"));
        bed.run(&at, &["fsck", "--strict"]);
        bed.run(&at, &["fetch", "-q", "origin", kept]);
    };
    let damage = || {
        bed.damage(100_000);
        std::fs::remove_dir_all(bed.larder.data().join("git")).expect("folders");
        std::fs::create_dir_all(bed.larder.data().join("git/quarantine")).expect("folder");
    };
    damage();
    bed.change("up", &json!({"offline": true}));
    let refused = bed.fails(bed.home(), &["clone", &bed.url("up/tool"), "none"]);
    assert!(refused.contains("500"), "{refused}");
    bed.change("up", &json!({"offline": false}));
    is_whole("again", &old);
    // With something new, and with what no ref stands for any more.
    damage();
    bed.gits
        .run("tool", &["commit", "-q", "--amend", "-m", "other"]);
    bed.turn(STALE);
    is_whole("new", &old);
    damage();
    bed.gits
        .run("tool", &["reflog", "expire", "--expire=now", "--all"]);
    bed.gits.run("tool", &["gc", "-q", "--prune=now"]);
    // What the upstream has no more is not given up for the rest, nor for what a client asks for besides.
    let url = bed.url("up/tool");
    let none = "1".repeat(40);
    for round in 0..2 {
        let refused = bed.fails(bed.home(), &["clone", &url, &format!("not-{round}")]);
        assert!(refused.contains("50"), "{refused}");
        let at = bed.home().join("new");
        bed.fails(&at, &["fetch", "origin", &none]);
    }
    let known = bed.run(bed.home(), &["ls-remote", &url]);
    assert!(known.contains(&bed.gits.head("tool")), "{known}");
}

/// What a branch went on from needs no name of its own, and what was forced away keeps one.
#[test]
fn what_a_branch_went_on_from_has_no_other_name() {
    let Some(bed) = Bed::new() else { return };
    bed.gits.make("tool");
    let named = || {
        let folder = bed.larder.data().join("git");
        let refs = files(&folder)
            .into_iter()
            .filter(|path| path.ends_with("packed-refs"));
        let texts = refs.map(|path| std::fs::read_to_string(path).expect("refs"));
        let lines: Vec<String> = texts
            .collect::<String>()
            .lines()
            .map(str::to_owned)
            .collect();
        let ours = lines
            .into_iter()
            .filter(|line| line.contains("refs/larder/"));
        ours.collect::<Vec<_>>()
    };
    for number in 0..4 {
        bed.turn(STALE);
        bed.clone(&bed.url("up/tool"), &format!("clone-{number}"), &[]);
        bed.gits
            .commit("tool", "b.txt", format!("{number}").as_bytes());
    }
    assert_eq!(named(), Vec::<String>::new());
    bed.turn(STALE);
    let at = bed.clone(&bed.url("up/tool"), "last", &[]);
    let old = bed.gits.head("tool");
    bed.gits
        .run("tool", &["commit", "-q", "--amend", "-m", "other"]);
    for round in ["other", "again"] {
        bed.turn(STALE);
        bed.run(&at, &["fetch", "-q"]);
        let told = named();
        assert!(told.len() == 1 && told[0].contains(&old), "{told:?}");
        bed.gits.commit("tool", "c.txt", round.as_bytes());
    }
}
