use super::*;
use futures_util::FutureExt as _;
use larder_metadata::Metadata;
use larder_model::{Clock, Timestamp};
use larder_storage::BlobStore;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// An intake over a store of its own.
pub(crate) struct Bed {
    pub(crate) intake: Intake,
    pub(crate) room: Room,
    pub(crate) outgoing: Room,
    folder: TempDir,
}

pub(crate) async fn bed(room: usize) -> Bed {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(1_000_000));
    let database = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&database, 1, clock).await;
    let blobs = BlobStore::local(&folder.path().join("storage")).expect("store");
    let content = ContentStore::new(metadata.expect("database"), blobs);
    let (room, outgoing) = (Room::new(room), Room::new(2 * MIB));
    Bed {
        intake: Intake::new(content, room.clone(), outgoing.clone()),
        room,
        outgoing,
        folder,
    }
}

impl Bed {
    /// The staging files.
    fn staged(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("storage/staging");
        let entries = std::fs::read_dir(folder).expect("folder");
        let paths = entries.map(|entry| entry.expect("entry").path());
        paths.filter(|path| path.is_file()).collect()
    }

    async fn take(&self, own: &Room, announced: Option<u64>, body: &Bytes) -> Received {
        let mut receiver = self.intake.receiver(own, announced);
        for piece in body.chunks(10_000) {
            let piece = Bytes::copy_from_slice(piece);
            receiver.push(piece).await.expect("push");
        }
        assert_eq!(receiver.size(), body.len() as u64);
        receiver.finish().await.expect("finish")
    }
}

fn body(size: usize) -> Bytes {
    (0..=250).cycle().take(size).collect()
}

/// The bytes, if they are in memory.
fn in_memory(received: &Received) -> Option<&Bytes> {
    match received {
        Received::Held(bytes, _) => Some(bytes),
        Received::Spooled(_) => None,
    }
}

#[tokio::test]
async fn a_body_is_in_memory_up_to_a_size_and_no_byte_more() {
    let bed = bed(32 * MIB).await;
    let own = Room::new(16 * MIB);
    for announced in [false, true] {
        for size in [0, 1, FREE_BYTES, FREE_BYTES + 1, 700_000, HELD_BYTES] {
            let body = body(size);
            let said = announced.then_some(size as u64);
            let received = bed.take(&own, said, &body).await;
            assert!(in_memory(&received) == Some(&body), "{size}");
            assert!(bed.staged().is_empty(), "{size} bytes touch no disk");
        }
        let body = body(HELD_BYTES + 1);
        let said = announced.then_some(body.len() as u64);
        let mut received = bed.take(&own, said, &body).await;
        assert!(in_memory(&received).is_none());
        assert_eq!(bed.staged().len(), 1);
        assert_eq!(bed.room.free(), 32 * MIB, "it has no place any more");
        let digest = Digest::of(Algorithm::Sha256, &body);
        assert_eq!(received.digest().await.expect("digest"), digest);
        assert!(received.small().await.expect("bytes") == body);
        while !bed.staged().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_place_is_free_when_the_last_of_its_bytes_is_dropped() {
    let bed = bed(32 * MIB).await;
    let own = Room::new(16 * MIB);
    bed.take(&own, None, &body(FREE_BYTES)).await;
    assert_eq!(bed.room.free(), 32 * MIB, "a small one has none");
    let received = bed.take(&own, None, &body(3_000_000)).await;
    let part = in_memory(&received).expect("memory").slice(5..6);
    drop(received);
    assert_eq!(bed.room.free(), 32 * MIB - 3_000_000);
    assert_eq!(own.free(), 16 * MIB - 3_000_000);
    drop(part);
    assert_eq!((bed.room.free(), own.free()), (32 * MIB, 16 * MIB));
}

#[tokio::test]
async fn a_body_that_was_looked_at_has_the_digest_of_its_bytes() {
    let bed = bed(32 * MIB).await;
    let own = Room::new(16 * MIB);
    let budget = Budget::new(64 * MIB);
    for size in [
        0,
        10,
        HASHED_HERE,
        HASHED_HERE + 1,
        HELD_BYTES,
        HELD_BYTES + 1,
    ] {
        let body = body(size);
        let mut received = bed.take(&own, None, &body).await;
        for _ in 0..2 {
            let seen = received.look((&budget, 1), Bytes::len).await;
            assert_eq!(seen.expect("looked at"), size);
        }
        let digest = Digest::of(Algorithm::Sha256, &body);
        assert_eq!(received.digest().await.expect("digest"), digest, "{size}");
    }
    assert_eq!((bed.room.free(), own.free()), (32 * MIB, 16 * MIB));
}

#[tokio::test]
async fn what_found_no_room_while_it_came_may_find_some_at_its_end() {
    let bed = bed(4 * MIB).await;
    let own = Room::new(4 * MIB);
    let all = bed.room.place(4 * MIB).expect("room");
    let body = body(MIB);
    let mut receiver = bed.intake.receiver(&own, None);
    receiver.push(body.clone()).await.expect("push");
    assert_eq!(bed.staged().len(), 1);
    drop(all);
    let whole = receiver.finish().await.expect("finish");
    assert!(in_memory(&whole) == Some(&body));
    assert_eq!((bed.room.free(), own.free()), (3 * MIB, 3 * MIB));
}

#[tokio::test]
async fn what_finds_no_room_waits_for_nobody_and_goes_to_the_disk() {
    let bed = bed(4 * MIB).await;
    let (one, other) = (Room::new(MIB), Room::new(4 * MIB));
    let large = body(900_000);
    let first = bed.take(&one, None, &large).await;
    assert!(in_memory(&first).is_some());
    // What one upstream may take is taken; a small one is in memory all the same,
    let second = bed.take(&one, None, &large).await;
    assert!(in_memory(&second).is_none());
    let small = bed.take(&one, None, &body(SMALL_DOCUMENT)).await;
    assert!(in_memory(&small).is_some());
    // and another upstream has its own.
    let third = bed.take(&other, None, &large).await;
    assert!(in_memory(&third).is_some());
    let all = bed.room.place(bed.room.free()).expect("room");
    let fourth = bed.take(&other, None, &body(FREE_BYTES + 1)).await;
    assert!(in_memory(&fourth).is_none(), "the room is full");
    let tiny = bed.take(&other, None, &body(FREE_BYTES)).await;
    assert!(in_memory(&tiny).is_some());
    drop((all, first, small, third));
    assert_eq!((one.free(), other.free()), (MIB, 4 * MIB));
    // Whoever hands bytes on has them once there is room.
    let bytes = bed.intake.bytes_of(second).await.expect("bytes");
    assert!(bytes == large);
    assert_eq!(bed.outgoing.free(), 2 * MIB - large.len());
}

/// The second large document is not even read from the disk while the first is in memory.
#[tokio::test]
async fn large_documents_come_into_memory_one_after_the_other() {
    let bed = bed(MIB).await;
    let own = Room::new(MIB);
    let budget = Budget::new(4 * MIB);
    let all = body(3 * MIB);
    let mut first = bed.take(&own, None, &all).await;
    let file = bed.staged().pop().expect("a file");
    let mut second = bed.take(&own, None, &all).await;
    let mut others = bed.staged().into_iter();
    let other = others.find(|path| *path != file).expect("a file");
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let read = move |bytes: &Bytes| {
        begun.send(()).expect("the test waits");
        goes_on.recv().expect("the test goes on");
        bytes[0]
    };
    let looking = {
        let budget = budget.clone();
        tokio::spawn(async move { first.look((&budget, 1), read).await })
    };
    begins.await.expect("it is read");
    let look = second.look((&budget, 1), |bytes| bytes[0]);
    let mut look = std::pin::pin!(look);
    assert!((&mut look).now_or_never().is_none(), "it waits");
    // What is read after that is read later.
    let changed = std::fs::File::options().write(true).open(other);
    changed.expect("file").write_all_at(b"!", 0).expect("write");
    go_on.send(()).expect("it waits");
    assert_eq!(looking.await.expect("task").expect("read"), 0);
    assert_eq!(look.await.expect("read"), b'!');
    // It comes back when the thread has ended.
    drop(budget.share(4 * MIB as u64).await.expect("all of it"));
}

#[tokio::test]
async fn what_is_made_is_held_where_there_is_room() {
    let bed = bed(16 * MIB).await;
    let small = bed.intake.hold(body(SMALL_DOCUMENT)).expect("held");
    assert_eq!(bed.room.free(), 16 * MIB, "a small one has no place");
    let one = bed.intake.hold(body(HELD_BYTES)).expect("held");
    assert!(bed.intake.hold(body(HELD_BYTES + 1)).is_err());
    let rest = bed.room.place(bed.room.free()).expect("room");
    assert!(bed.intake.hold(body(SMALL_DOCUMENT + 1)).is_err());
    drop((small, one, rest));
    assert_eq!(bed.room.free(), 16 * MIB);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_gives_up() {
    let bed = bed(0).await;
    let all = bed.outgoing.place(2 * MIB).expect("room");
    let refused = bed.intake.hold_once(body(MIB)).await.expect_err("refused");
    assert_eq!(refused.kind, larder_model::Kind::Busy);
    drop(all);
    // What is larger than the room takes all of it.
    let held = bed.intake.hold_once(body(3 * MIB)).await.expect("held");
    assert_eq!(bed.outgoing.free(), 0);
    drop(held);
    assert_eq!(bed.outgoing.free(), 2 * MIB);
}
