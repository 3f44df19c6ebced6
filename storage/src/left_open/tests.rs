use super::*;
use larder_model::{Algorithm, Digest};
use std::cell::Cell;
use std::path::PathBuf;

struct Bed {
    folder: tempfile::TempDir,
    left_open: LeftOpen,
    /// How often a file was opened.
    opened: Cell<usize>,
}

impl Bed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            left_open: LeftOpen::default(),
            opened: Cell::new(0),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("object")
    }

    fn write(&self, size: u64) {
        let file = File::create(self.path()).expect("a file");
        file.set_len(size).expect("its size");
    }

    fn get(&self, size: u64) -> Result<Arc<File>, Error> {
        let digest = Digest::of(Algorithm::Sha256, b"object");
        let key = ObjectKey {
            digest,
            generation: 1,
        };
        self.left_open.get(&key, size, || {
            self.opened.set(self.opened.get() + 1);
            Ok(File::open(self.path())?)
        })
    }
}

#[test]
fn a_small_object_is_opened_once() {
    let bed = Bed::new();
    bed.write(100_000);
    for _ in 0..3 {
        bed.get(100_000).expect("open");
    }
    assert_eq!(bed.opened.get(), 1);
}

#[test]
fn a_large_object_is_opened_each_time() {
    let bed = Bed::new();
    bed.write(MAX_BYTES + 1);
    for _ in 0..3 {
        bed.get(MAX_BYTES + 1).expect("open");
    }
    assert_eq!(bed.opened.get(), 3);
}

#[test]
fn an_object_without_a_name_is_gone() {
    let bed = Bed::new();
    bed.write(100_000);
    let first = bed.get(100_000).expect("open");
    std::fs::remove_file(bed.path()).expect("removed");
    assert!(matches!(bed.get(100_000), Err(Error::Missing)));
    assert_eq!(first.metadata().expect("still read").len(), 100_000);
    // What came again is another file.
    bed.write(100_000);
    bed.get(100_000).expect("open");
    assert_eq!(bed.opened.get(), 3);
}

#[test]
fn an_object_with_another_name_is_opened_each_time() {
    let bed = Bed::new();
    bed.write(100_000);
    let other = bed.folder.path().join("other");
    std::fs::hard_link(bed.path(), &other).expect("another name");
    bed.get(100_000).expect("open");
    std::fs::remove_file(bed.path()).expect("removed");
    assert!(matches!(bed.get(100_000), Err(Error::Missing)));
}

#[test]
fn an_object_that_was_cut_is_damaged() {
    let bed = Bed::new();
    bed.write(100_000);
    bed.get(100_000).expect("open");
    bed.write(99_999);
    for _ in 0..2 {
        assert!(matches!(bed.get(100_000), Err(Error::Size(99_999))));
    }
}
