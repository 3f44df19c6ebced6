//! A disk that is full: a small file system of the test's own, which only root can mount.

use crate::larder;
use crate::push::{KINDS, Kind, Push, check_all, new_bytes, prepare, push, push_bytes};
use larder_tests::Larder;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::tools::{run, skip, tool};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const SIZE: u64 = 64 << 20;

/// Protocols whose documents are composed package by package, and the document of `demo` in each.
const PACKAGES: [&str; 5] = ["cargo", "npm", "pypi", "go", "composer"];
const INDEXES: [&str; 5] = [
    "/cargo/main/de/mo/demo",
    "/npm/main/demo",
    "/pypi/main/simple/demo/",
    "/go/main/demo.example/@v/list",
    "/composer/main/p2/acme/demo.json",
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
    larder.anonymous().get("/readyz").expect(200);
    larder.kill();
    larder.start_again();
    check_all(&larder.admin(), &kept);
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
