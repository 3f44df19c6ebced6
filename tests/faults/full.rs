//! A disk that is full: a small file system of the test's own, which only root can mount.

use crate::larder;
use crate::push::{KINDS, Kind, Push, check_all, new_bytes, prepare, push, push_bytes};
use larder_tests::gits::{Gits, git_in};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::tools::{fails, run, skip, tool};
use larder_tests::{Larder, Upstream};
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const SIZE: u64 = 64 << 20;

/// Protocols whose documents are composed package by package, and the document of `demo` in each.
const PACKAGES: [&str; 6] = ["cargo", "npm", "pypi", "go", "composer", "deb"];
const INDEXES: [&str; 6] = [
    "/cargo/main/de/mo/demo",
    "/npm/main/demo",
    "/pypi/main/simple/demo/",
    "/go/main/demo.example/@v/list",
    "/composer/main/p2/acme/demo.json",
    "/deb/local/dists/stable/main/binary-all/Packages",
];

/// A mounted file system, unmounted when it is dropped.
struct SmallDisk {
    folder: TempDir,
    unmount: PathBuf,
}

impl SmallDisk {
    #[track_caller]
    fn mount() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("only root can mount a file system");
            return None;
        }
        let (mount, unmount) = (tool("mount")?, tool("umount")?);
        let folder = tempfile::tempdir().expect("temporary folder");
        let options = format!("size={SIZE}");
        run(Command::new(mount)
            .args(["-t", "tmpfs", "-o", &options, "larder-test"])
            .arg(folder.path()));
        Some(Self { folder, unmount })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn free(&self) -> u64 {
        let state = rustix::fs::statvfs(self.path()).expect("statvfs");
        state.f_bavail * state.f_frsize
    }

    /// Takes room until so many bytes are left.
    fn fill(&self, left: u64) {
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(self.filler())
            .expect("filler");
        let piece = vec![0; 4096];
        while self.free() > left {
            file.write_all(&piece).expect("filling");
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).expect("filler");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If this fails, the folder cannot be removed either.
        drop(Command::new(&self.unmount).arg(self.folder.path()).status());
    }
}

/// Pushes until one is refused.
#[track_caller]
fn push_until_refused(
    larder: &Larder,
    kind: Kind,
    random: &mut Random,
    kept: &mut Vec<Push>,
) -> u16 {
    let admin = larder.admin();
    for _ in 0..2000 {
        let done = push(&admin, kind, random);
        if done.is_kept() {
            kept.push(done);
            continue;
        }
        done.check_refused(&[507, 503]);
        admin.get(&done.path).expect(404);
        return done.answer.status;
    }
    panic!("{kind:?} is never refused");
}

/// Publishes another version of each package; what is answered.
fn publish_more(larder: &Larder) -> [(&'static str, u16, String); 6] {
    PACKAGES.map(|protocol| {
        let bytes = new_bytes(&mut Random::new(5), 300_000);
        let answer = publish(&larder.admin(), protocol, "demo", "1.2.0", &bytes);
        (protocol, answer.status, answer.text())
    })
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    // To the last byte.
    let start = larder().with("LARDER_STORAGE__KEEP_FREE", "0B");
    let mut larder = start.in_folder(disk.path().join("data")).start();
    let (mut random, mut kept) = (Random::seeded(), Vec::new());
    prepare(&larder.admin());
    for kind in [Kind::Small, Kind::Large, Kind::Streamed, Kind::Manifest] {
        let done = push(&larder.admin(), kind, &mut random);
        assert_eq!(done.answer.status, 201, "{}", done.answer.text());
        kept.push(done);
    }

    // What is composed of published packages was not composed yet when the disk is full.
    for protocol in PACKAGES {
        let published = publish(&larder.admin(), protocol, "demo", "1.0.0", b"bytes");
        assert!(published.status < 300, "{}", published.text());
    }
    // What is composed of a whole repository is kept as it was made.
    larder.admin().get(INDEXES[5]).expect(200);

    // Too large for what is left: refused, and no byte of it stays behind.
    disk.fill(12 << 20);
    let before = disk.free();
    for kind in [Kind::Large, Kind::Streamed] {
        let bytes = new_bytes(&mut random, 20_000_000);
        let refused = push_bytes(&larder.admin(), kind, &bytes);
        assert_eq!(refused.answer.status, 507, "{}", refused.answer.text());
        refused.check_refused(&[507]);
        larder.admin().get(&refused.path).expect(404);
        assert!(
            disk.free() + (1 << 20) > before,
            "{kind:?}: {} bytes were free, {} are now",
            before,
            disk.free()
        );
        let small = push(&larder.admin(), Kind::Small, &mut random);
        assert_eq!(
            small.answer.status,
            201,
            "others still find room: {}",
            small.answer.text()
        );
        kept.push(small);
    }

    let mut statuses = Vec::new();
    for kind in [Kind::Streamed, Kind::Large] {
        statuses.push(push_until_refused(&larder, kind, &mut random, &mut kept));
    }
    disk.fill(0);
    for kind in KINDS {
        statuses.push(push_until_refused(&larder, kind, &mut random, &mut kept));
        check_all(&larder.admin(), &kept);
    }
    for (protocol, path) in PACKAGES.into_iter().zip(INDEXES) {
        let index = larder.admin().get(path);
        assert_eq!(index.status, 200, "{protocol}: {}", index.text());
    }
    for (protocol, status, text) in publish_more(&larder) {
        assert!(matches!(status, 507 | 503), "{protocol}: {text}");
        assert!(text.contains("the server's"), "{protocol}: {text}");
    }
    println!("refused with {statuses:?}; {} acknowledged", kept.len());
    larder.anonymous().get("/healthz").expect(200);

    // A start on a full disk serves reads too.
    larder.kill();
    larder.start_again();
    check_all(&larder.admin(), &kept);
    for kind in KINDS {
        push_until_refused(&larder, kind, &mut random, &mut kept);
    }

    disk.empty();
    for kind in [Kind::Small, Kind::Large, Kind::Streamed, Kind::Manifest] {
        let done = push(&larder.admin(), kind, &mut random);
        assert_eq!(
            done.answer.status,
            201,
            "there is room again: {}",
            done.answer.text()
        );
        kept.push(done);
    }
    for (protocol, status, text) in publish_more(&larder) {
        assert!(status < 300, "{protocol}: {text}");
    }
    larder.anonymous().get("/readyz").expect(200);
    larder.kill();
    larder.start_again();
    check_all(&larder.admin(), &kept);
    drop(larder); // before the disk
}

/// A hosted repository of git, `own`, and a mirror, `up`.
fn add_gits(larder: &Larder, upstream: &Upstream) {
    let own = json!({"protocol": "git", "name": "own", "kind": "hosted"});
    larder.api("POST", "repositories", &own.to_string(), 201);
    let settings = json!({"url": Gits::url(upstream), "allow_private": true});
    let up = json!({"protocol": "git", "name": "up", "kind": "mirror", "upstream": settings});
    larder.api("POST", "repositories", &up.to_string(), 201);
}

/// What git pushes, and what a mirror fetches for it, is refused with a reason; what is there is cloned.
#[test]
fn a_full_disk_takes_no_objects_of_git() {
    let (Some(disk), Some(program)) = (SmallDisk::mount(), tool("git")) else {
        return;
    };
    let start = larder().with("LARDER_STORAGE__KEEP_FREE", "0B");
    let mut larder = start.in_folder(disk.path().join("data")).start();
    let upstream = Upstream::start();
    let gits = Gits::start(&upstream, &program);
    gits.make("far");
    gits.commit("far", "big.bin", &Random::new(1).bytes(3 << 20));
    add_gits(&larder, &upstream);
    let home = tempfile::tempdir().expect("home");
    let git = |at: &str, arguments: &[&str]| git_in(&program, home.path(), at, arguments);
    let url = |larder: &Larder, path: &str| {
        format!("http://admin:{PASSWORD}@{}/git/{path}", larder.host())
    };
    run(&mut git("", &["init", "-q", "work"]));
    let commit = |seed: u64, size: usize| {
        let bytes = Random::new(seed).bytes(size);
        std::fs::write(home.path().join("work/a.bin"), bytes).expect("file");
        run(&mut git("work", &["add", "-A"]));
        run(&mut git("work", &["commit", "-q", "-m", "change"]));
    };
    commit(2, 100_000);
    let to = url(&larder, "own/tool");
    run(&mut git("work", &["push", "-q", &to, "main"]));
    commit(3, 3 << 20);
    disk.fill(1 << 20);
    for name in ["as it runs", "after a start"] {
        let to = url(&larder, "own/tool");
        let told = fails(&mut git("work", &["push", &to, "main"]));
        assert!(told.contains("the server's"), "{told}");
        let far = url(&larder, "up/far");
        let told = fails(&mut git("", &["clone", &far, "far"]));
        assert!(told.contains("the server's"), "{told}");
        run(&mut git("", &["clone", "-q", &to, name]));
        run(&mut git(name, &["fsck", "--strict"]));
        larder.kill();
        larder.start_again();
    }
    disk.empty();
    let to = url(&larder, "own/tool");
    run(&mut git("work", &["push", "-q", &to, "main"]));
    let far = url(&larder, "up/far");
    run(&mut git("", &["clone", "-q", &far, "far"]));
    larder.kill();
    larder.start_again();
    let to = url(&larder, "own/tool");
    run(&mut git("", &["clone", "-q", &to, "again"]));
    run(&mut git("again", &["fsck", "--strict"]));
    drop(larder); // before the disk
}

/// What git pushes or a mirror fetches for it leaves as much room as what others bring, also while it comes.
#[test]
fn objects_of_git_never_fill_a_disk_to_the_last_byte() {
    const KEPT_FREE: u64 = 16 << 20;
    const LEFT: u64 = 6 << 20;
    let (Some(disk), Some(program)) = (SmallDisk::mount(), tool("git")) else {
        return;
    };
    let start = larder().with("LARDER_STORAGE__KEEP_FREE", &format!("{KEPT_FREE}B"));
    let larder = start.in_folder(disk.path().join("data")).start();
    let upstream = Upstream::start();
    let gits = Gits::start(&upstream, &program);
    gits.make("far");
    gits.commit("far", "big.bin", &Random::new(1).bytes(18 << 20));
    add_gits(&larder, &upstream);
    let home = tempfile::tempdir().expect("home");
    let git = |at: &str, arguments: &[&str]| git_in(&program, home.path(), at, arguments);
    run(&mut git("", &["init", "-q", "work"]));
    std::fs::write(
        home.path().join("work/a.bin"),
        Random::new(2).bytes(18 << 20),
    )
    .expect("file");
    run(&mut git("work", &["add", "-A"]));
    run(&mut git("work", &["commit", "-q", "-m", "large"]));
    let url = |path: &str| format!("http://admin:{PASSWORD}@{}/git/{path}", larder.host());
    disk.fill(KEPT_FREE + LEFT);
    // What comes is gone with the refusal: how little there was is seen meanwhile.
    let refused = |mut client: Command| {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let least = scope.spawn(|| {
                let mut least = disk.free();
                while !is_done.load(Ordering::Relaxed) {
                    least = least.min(disk.free());
                    std::thread::yield_now();
                }
                least
            });
            let told = fails(&mut client);
            is_done.store(true, Ordering::Relaxed);
            assert!(told.contains("the server's storage is full"), "{told}");
            let least = least.join().expect("who looks");
            assert!(least + (4 << 20) > KEPT_FREE, "{least} bytes were free");
        });
    };
    refused(git("work", &["push", &url("own/tool"), "main"]));
    refused(git("", &["clone", &url("up/far"), "far"]));
    disk.empty();
    run(&mut git("work", &["push", "-q", &url("own/tool"), "main"]));
    disk.fill(KEPT_FREE - LEFT);
    // Not one object more, while what is there is had.
    run(&mut git(
        "work",
        &["commit", "-q", "--allow-empty", "-m", "small"],
    ));
    let told = fails(&mut git("work", &["push", &url("own/tool"), "main"]));
    assert!(told.contains("the server's storage is full"), "{told}");
    run(&mut git("", &["clone", "-q", &url("own/tool"), "again"]));
    drop(larder); // before the disk
}

/// New bytes are refused while there is room for what goes on: reads, deletions, the database's log.
#[test]
fn a_disk_is_never_filled_to_the_last_byte() {
    const KEPT_FREE: u64 = 8 << 20;
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let start = larder().with("LARDER_STORAGE__KEEP_FREE", &format!("{KEPT_FREE}B"));
    let larder = start.in_folder(disk.path().join("data")).start();
    let (mut random, mut kept) = (Random::seeded(), Vec::new());
    prepare(&larder.admin());
    disk.fill(KEPT_FREE + (12 << 20));
    for kind in KINDS {
        let status = push_until_refused(&larder, kind, &mut random, &mut kept);
        assert_eq!(status, 507, "{kind:?}");
        // What is under way ends, and the log grows before it is folded in.
        let free = disk.free();
        assert!(
            free + (4 << 20) > KEPT_FREE,
            "{kind:?}: {free} bytes are free"
        );
        check_all(&larder.admin(), &kept);
    }
    let gone = kept.pop().expect("something is kept");
    larder
        .admin()
        .send("DELETE", &gone.path, &[], b"")
        .expect(202);
    disk.empty();
    let done = push(&larder.admin(), Kind::Large, &mut random);
    assert_eq!(done.answer.status, 201, "{}", done.answer.text());
    drop(larder); // before the disk
}
