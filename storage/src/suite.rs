//! What every store must do: many small checks, each of one behaviour.
//!
//! On disk and in memory each check is a test of its own, with a store of its own. [`all`] runs the
//! same checks one after the other on one store, which may have been used before.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a check fails")]

use crate::{BackupName, BlobStore, Committed, Content, Error, ObjectKey, Staging};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Hasher, Timestamp};
use std::ops::Range;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// A check: any panic is a failure.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    run: for<'a> fn(&'a Bed) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

/// Lists the checks, and makes each of them a test on disk and one in memory.
macro_rules! checks {
    ($($check:ident),* $(,)?) => {
        const CHECKS: &[Check] = &[$(Check {
            name: stringify!($check),
            run: |bed| Box::pin($check(bed)),
        },)*];

        #[cfg(test)]
        mod on_disk {
            $(#[tokio::test]
            async fn $check() {
                crate::suite::tests::on_disk(super::$check).await;
            })*
        }

        #[cfg(test)]
        mod in_memory {
            $(#[tokio::test]
            async fn $check() {
                crate::suite::tests::in_memory(super::$check).await;
            })*
        }
    };
}

checks![
    bytes_of_any_size_are_kept,
    bytes_are_placed_where_programs_find_them,
    ranges_are_read,
    bytes_that_were_not_promised_are_refused,
    bytes_that_were_hashed_before_are_kept_as_they_are,
    an_upload_goes_on_where_it_was_acknowledged,
    an_upload_goes_on_after_a_power_loss,
    an_upload_does_not_go_on_at_another_offset,
    an_upload_that_never_was_does_not_go_on,
    an_upload_is_discarded_more_than_once,
    what_a_crash_left_does_not_stand_in_the_way,
    an_upload_goes_on_after_a_commit_for_nothing,
    a_late_delete_does_not_hit_a_new_upload,
    objects_are_listed_with_their_sizes,
    a_large_object_is_kept,
    backups_are_kept_beside_the_blobs,
    a_large_object_comes_in_pieces_of_any_size,
    an_object_of_another_size_is_told,
    an_object_that_is_read_again_is_the_one_that_is_there,
    objects_are_listed_by_their_first_byte,
    a_store_answers,
];

/// Runs all checks; a failed one does not keep the others from running. `generation` makes keys of
/// one run its own, for stores that outlive it. Fails with the names of those that failed.
pub async fn all(store: &BlobStore, generation: i64) {
    let mut failed = Vec::new();
    for (number, check) in (0..).zip(CHECKS) {
        // Two generations each: some checks put the same bytes twice.
        let bed = Bed {
            store: store.clone(),
            generation: generation * 1000 + number * 2,
        };
        let run = tokio::spawn(async move { (check.run)(&bed).await });
        if run.await.is_err() {
            failed.push(check.name);
        }
    }
    assert!(failed.is_empty(), "these checks failed: {failed:#?}");
}

/// A store, and the generation of the keys that a check makes in it.
struct Bed {
    store: BlobStore,
    generation: i64,
}

impl Bed {
    /// The id of an upload of the check.
    fn id(&self, number: u32) -> String {
        format!("{:x}{number:08x}", self.generation)
    }

    fn key(&self, digest: Digest) -> ObjectKey {
        let generation = self.generation;
        ObjectKey { digest, generation }
    }

    async fn stage(&self, number: u32, algorithm: Algorithm) -> Staging {
        let staged = self.store.stage(&self.id(number), algorithm).await;
        staged.expect("stage")
    }

    /// A staged upload of which `bytes` are acknowledged, and the state of its hash.
    async fn acknowledge(&self, number: u32, bytes: &Bytes) -> (Staging, Hasher) {
        let mut staging = self.stage(number, Algorithm::Sha256).await;
        append(&mut staging, bytes.clone()).await;
        let state = staging.settle().await.expect("settle").state();
        let hasher = Hasher::resume(Algorithm::Sha256, &state).expect("state");
        (staging, hasher)
    }

    async fn resume(
        &self,
        number: u32,
        offset: u64,
        hasher: Hasher,
        boot_id: &str,
    ) -> Result<Staging, Error> {
        let id = self.id(number);
        self.store.resume(&id, offset, hasher, boot_id).await
    }

    async fn commit(&self, staging: Staging, digest: Digest) -> Committed {
        let committed = self.store.commit(staging, digest, self.generation).await;
        committed.expect("commit")
    }

    async fn discard(&self, number: u32) {
        self.store.discard(&self.id(number)).await.expect("discard");
    }

    async fn put(&self, number: u32, bytes: &Bytes) -> ObjectKey {
        let mut staging = self.stage(number, Algorithm::Sha256).await;
        for piece in bytes.chunks(100_000) {
            append(&mut staging, Bytes::copy_from_slice(piece)).await;
        }
        let key = self.key(Digest::of(Algorithm::Sha256, bytes));
        let size = bytes.len() as u64;
        let committed = self.commit(staging, key.digest).await;
        assert_eq!(committed, Committed::Kept { key, size });
        self.discard(number).await;
        key
    }

    async fn get(&self, key: &ObjectKey, range: Range<u64>) -> Bytes {
        let content: Content = self.store.open(key, range).await.expect("open");
        content.collect(64 << 20).await.expect("read")
    }
}

async fn append(staging: &mut Staging, bytes: Bytes) {
    staging.append(bytes).await.expect("append");
}

fn pattern(length: usize, seed: u8) -> Bytes {
    let byte = |at: usize| u8::try_from(at * 31 % 251).unwrap_or(0) ^ seed;
    (0..length).map(byte).collect::<Vec<u8>>().into()
}

fn assert_missing<T>(outcome: &Result<T, Error>, why: &str) {
    assert!(matches!(outcome, Err(Error::Missing)), "{why}");
}

async fn bytes_of_any_size_are_kept(bed: &Bed) {
    for (number, length) in (0..).zip([0, 1, 100_000, 3_000_000]) {
        let bytes = pattern(length, 1);
        let key = bed.put(number, &bytes).await;
        assert_eq!(bed.get(&key, 0..length as u64).await, bytes);
    }
}

async fn bytes_are_placed_where_programs_find_them(bed: &Bed) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let folder = format!("larder-{}-{:?}", std::process::id(), since);
    let folder = std::env::temp_dir().join(folder);
    std::fs::create_dir_all(&folder).expect("folder");
    for (number, length) in (0..).zip([0, 1, 3_000_000]) {
        let bytes = pattern(length, 7);
        let key = bed.put(number, &bytes).await;
        let to = folder.join(format!("{number}"));
        let content = bed.store.open(&key, 0..length as u64).await.expect("open");
        content.place(&to).await.expect("place");
        assert_eq!(std::fs::read(&to).expect("placed"), bytes);
        // They stay there when the store has them no more.
        bed.store.remove(key).await.expect("remove");
        assert_eq!(std::fs::read(&to).expect("placed"), bytes);
    }
    let bytes = pattern(100, 8);
    let key = bed.put(9, &bytes).await;
    let part = bed.store.open(&key, 10..20).await.expect("open");
    let to = folder.join("part");
    part.place(&to).await.expect("place");
    assert_eq!(std::fs::read(&to).expect("placed"), bytes.slice(10..20));
    std::fs::remove_dir_all(&folder).expect("remove");
}

async fn ranges_are_read(bed: &Bed) {
    let bytes = pattern(1_000_000, 2);
    let key = bed.put(0, &bytes).await;
    for range in [0..1, 999_999..1_000_000, 5..700_000, 10..10] {
        let expected = bytes.slice(range.clone());
        let range = range.start as u64..range.end as u64;
        assert_eq!(bed.get(&key, range).await, expected);
    }
}

async fn bytes_that_were_not_promised_are_refused(bed: &Bed) {
    let mut staging = bed.stage(0, Algorithm::Sha256).await;
    append(&mut staging, Bytes::from_static(b"what came")).await;
    let promised = Digest::of(Algorithm::Sha256, b"what was promised");
    let came = Digest::of(Algorithm::Sha256, b"what came");
    assert_eq!(
        bed.commit(staging, promised).await,
        Committed::Mismatch(came)
    );
    for digest in [promised, came] {
        let opened = bed.store.open(&bed.key(digest), 0..1).await;
        assert_missing(&opened, "nothing may be kept");
    }
}

/// Of several batches, for the later ones are written in another way.
async fn bytes_that_were_hashed_before_are_kept_as_they_are(bed: &Bed) {
    let bytes = pattern(9_500_000, 5);
    let key = bed.key(Digest::of(Algorithm::Sha256, &bytes));
    let mut staging = bed.stage(0, Algorithm::Sha256).await;
    staging.hashed_as(key.digest);
    for piece in bytes.chunks(700_000) {
        append(&mut staging, bytes.slice_ref(piece)).await;
    }
    assert_eq!(staging.digest().await.expect("digest"), key.digest);
    let size = bytes.len() as u64;
    let committed = bed.commit(staging, key.digest).await;
    assert_eq!(committed, Committed::Kept { key, size });
    bed.discard(0).await;
    assert_eq!(bed.get(&key, 0..size).await, bytes);
}

async fn an_upload_goes_on_where_it_was_acknowledged(bed: &Bed) {
    let bytes = pattern(2_500_000, 3);
    let mut staging = bed.stage(0, Algorithm::Sha512).await;
    append(&mut staging, bytes.slice(..1_200_000)).await;
    let state = staging.settle().await.expect("settle").state();
    append(&mut staging, Bytes::from_static(b"never acknowledged")).await;
    staging.settle().await.expect("settle");
    drop(staging);

    let hasher = Hasher::resume(Algorithm::Sha512, &state).expect("state");
    let boot_id = bed.store.boot_id();
    let resumed = bed.resume(0, 1_200_000, hasher, boot_id).await;
    let mut staging = resumed.expect("resume");
    assert_eq!(staging.offset(), 1_200_000);
    append(&mut staging, bytes.slice(1_200_000..)).await;
    let key = bed.key(Digest::of(Algorithm::Sha512, &bytes));
    let size = bytes.len() as u64;
    let committed = bed.commit(staging, key.digest).await;
    assert_eq!(committed, Committed::Kept { key, size });
    bed.discard(0).await;
}

async fn an_upload_goes_on_after_a_power_loss(bed: &Bed) {
    let (staging, hasher) = bed.acknowledge(0, &pattern(1_200_000, 3)).await;
    drop(staging);
    let resumed = bed.resume(0, 1_200_000, hasher, "another boot").await;
    let staging = resumed.expect("the bytes are all there");
    assert_eq!(staging.offset(), 1_200_000);
    drop(staging);
    bed.discard(0).await;
}

async fn an_upload_does_not_go_on_at_another_offset(bed: &Bed) {
    let (staging, hasher) = bed.acknowledge(0, &pattern(1_200_000, 3)).await;
    drop(staging);
    let resumed = bed.resume(0, 1_100_000, hasher, "another boot").await;
    assert_missing(&resumed, "other bytes than those acknowledged are no base");
    bed.discard(0).await;
}

async fn an_upload_that_never_was_does_not_go_on(bed: &Bed) {
    let resumed = bed.resume(0, 10, Hasher::new(Algorithm::Sha256), "").await;
    assert_missing(&resumed, "there is no such upload");
}

async fn an_upload_is_discarded_more_than_once(bed: &Bed) {
    let (staging, hasher) = bed.acknowledge(0, &pattern(1000, 3)).await;
    drop(staging);
    bed.discard(0).await;
    bed.discard(0).await;
    let resumed = bed.resume(0, 1000, hasher, bed.store.boot_id()).await;
    assert_missing(&resumed, "a discarded upload is gone");
}

async fn what_a_crash_left_does_not_stand_in_the_way(bed: &Bed) {
    let left = Bytes::from_static(b"left by a crash");
    drop(bed.acknowledge(0, &left).await);
    let mut fresh = bed.stage(0, Algorithm::Sha256).await;
    let digest = fresh.digest().await.expect("digest");
    assert_eq!(digest, Digest::of(Algorithm::Sha256, b""));
    drop(fresh);
    bed.discard(0).await;
}

/// A crash between the object and its row: the upload stands where it was acknowledged, and the
/// object stays whole.
async fn an_upload_goes_on_after_a_commit_for_nothing(bed: &Bed) {
    let (first, second) = (pattern(300_000, 7), pattern(300_000, 8));
    let (mut staging, hasher) = bed.acknowledge(0, &first.slice(..200_000)).await;
    append(&mut staging, first.slice(200_000..)).await;
    let kept = bed.key(Digest::of(Algorithm::Sha256, &first));
    bed.commit(staging, kept.digest).await;

    let boot_id = bed.store.boot_id();
    let resumed = bed.resume(0, 200_000, hasher, boot_id).await;
    let mut staging = resumed.expect("its bytes are there");
    append(&mut staging, second.slice(..1000)).await;
    let bytes = [&first[..200_000], &second[..1000]].concat();
    let other = bed.key(Digest::of(Algorithm::Sha256, &bytes));
    bed.commit(staging, other.digest).await;
    bed.discard(0).await;
    assert_eq!(bed.get(&kept, 0..300_000).await, first);
    assert_eq!(bed.get(&other, 0..201_000).await, bytes);
}

async fn a_late_delete_does_not_hit_a_new_upload(bed: &Bed) {
    let bytes = pattern(1000, 4);
    let old = bed.put(0, &bytes).await;
    let next = Bed {
        store: bed.store.clone(),
        generation: bed.generation + 1,
    };
    let new = next.put(0, &bytes).await;
    assert!(bed.store.remove(old).await.expect("remove"));
    assert!(!bed.store.remove(old).await.expect("remove again"));
    assert_eq!(bed.get(&new, 0..1000).await, bytes);
    assert!(bed.store.remove(new).await.expect("remove"));
}

async fn objects_are_listed_with_their_sizes(bed: &Bed) {
    let key = bed.put(0, &pattern(1234, 5)).await;
    let mut found = None;
    let note = |each, size| {
        if each == key {
            found = Some(size);
        }
    };
    bed.store.list(note).await.expect("list");
    assert_eq!(found, Some(1234));
    assert!(bed.store.has_objects().await.expect("objects"));
}

async fn a_large_object_is_kept(bed: &Bed) {
    let bytes = pattern(20_000_000, 6);
    let key = bed.put(0, &bytes).await;
    assert_eq!(bed.get(&key, 0..20_000_000).await, bytes);
    assert!(bed.store.remove(key).await.expect("remove"));
}

/// With a stop in the middle of a block.
async fn a_large_object_comes_in_pieces_of_any_size(bed: &Bed) {
    let bytes = pattern(20_000_000, 6);
    let mut staging = bed.stage(0, Algorithm::Sha256).await;
    let (mut at, mut length, mut stopped) = (0, 1, false);
    while at < bytes.len() {
        let end = bytes.len().min(at + length);
        append(&mut staging, bytes.slice(at..end)).await;
        (at, length) = (end, length * 7 % 65_537);
        if at > 11_000_001 && !stopped {
            stopped = true;
            let state = staging.settle().await.expect("settle").state();
            let hasher = Hasher::resume(Algorithm::Sha256, &state).expect("state");
            let offset = staging.offset();
            drop(staging);
            let resumed = bed.resume(0, offset, hasher, bed.store.boot_id()).await;
            staging = resumed.expect("resume");
        }
    }
    let key = bed.key(Digest::of(Algorithm::Sha256, &bytes));
    bed.commit(staging, key.digest).await;
    bed.discard(0).await;
    assert_eq!(bed.get(&key, 0..20_000_000).await, bytes);
    assert!(bed.store.remove(key).await.expect("remove"));
}

async fn backups_are_kept_beside_the_blobs(bed: &Bed) {
    let mut names = Vec::new();
    for (number, bytes) in [(1, pattern(11, 5)), (0, pattern(10, 5))] {
        let (staging, _) = bed.acknowledge(number, &bytes).await;
        let name = BackupName::new(
            Timestamp(1_800_000_000_000_000),
            bed.generation + i64::from(number),
        );
        let kept = bed.store.keep_backup(staging, name).await.expect("keep");
        assert_eq!(
            kept,
            (bytes.len() as u64, Digest::of(Algorithm::Sha256, &bytes))
        );
        bed.discard(number).await;
        let content = bed.store.open_backup(&name, bytes.len() as u64).await;
        let content = content.expect("open").collect(100).await;
        assert_eq!(content.expect("bytes"), bytes);
        names.insert(0, (name, bytes.len() as u64));
    }
    let own = |backups: Vec<(BackupName, u64)>| {
        let own = backups.into_iter().filter(|backup| names.contains(backup));
        own.collect::<Vec<_>>()
    };
    assert_eq!(own(bed.store.backups().await.expect("list")), names);
    for (name, _) in names.clone() {
        assert!(bed.store.remove_backup(name).await.expect("remove"));
        assert!(!bed.store.remove_backup(name).await.expect("remove again"));
        let gone = bed.store.open_backup(&name, 10).await;
        assert!(matches!(gone, Err(Error::Missing | Error::Remote(_))));
    }
    assert_eq!(own(bed.store.backups().await.expect("list")), []);
}

async fn a_store_answers(bed: &Bed) {
    bed.store.ping().await.expect("ping");
}

#[cfg(test)]
mod tests;

async fn an_object_of_another_size_is_told(bed: &Bed) {
    let bytes = pattern(100_000, 31);
    let key = bed.put(0, &bytes).await;
    let size = bytes.len() as u64;
    let content = bed
        .store
        .open_sized(&key, size, 10..20)
        .await
        .expect("open");
    let read = content.collect(10).await.expect("read");
    assert_eq!(read, bytes.slice(10..20));
    for range in [0..size + 1, size..size + 1, 0..0] {
        let opened = bed.store.open_sized(&key, size + 1, range).await;
        let found = opened.err().map(|error| error.to_string());
        let told = Error::Size(size).to_string();
        assert_eq!(found, Some(told));
    }
    bed.store.remove(key).await.expect("remove");
    let opened = bed.store.open_sized(&key, size, 0..1).await;
    assert!(matches!(opened, Err(Error::Missing)));
}

async fn an_object_that_is_read_again_is_the_one_that_is_there(bed: &Bed) {
    let bytes = pattern(100_000, 33);
    let key = bed.put(0, &bytes).await;
    let size = bytes.len() as u64;
    for range in [0..size, 10..20, size - 1..size] {
        let content = bed.store.open_again(&key, size, range.clone()).await;
        let read = content.expect("open").collect(bytes.len()).await;
        let part = usize::try_from(range.start).expect("small")
            ..usize::try_from(range.end).expect("small");
        assert_eq!(read.expect("read"), bytes.slice(part));
    }
    let opened = bed.store.open_again(&key, size + 1, 0..1).await;
    let found = opened.err().map(|error| error.to_string());
    assert_eq!(found, Some(Error::Size(size).to_string()));
    bed.store.remove(key).await.expect("remove");
    let opened = bed.store.open_again(&key, size, 0..1).await;
    assert!(matches!(opened, Err(Error::Missing)));
}

async fn objects_are_listed_by_their_first_byte(bed: &Bed) {
    let bytes = pattern(70_000, 32);
    let key = bed.put(0, &bytes).await;
    let (algorithm, first) = (key.digest.algorithm(), key.digest.bytes()[0]);
    let listed = bed.store.list_from(algorithm, first).await.expect("list");
    let found: Vec<_> = listed.iter().filter(|it| it.key == key).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].size, 70_000);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = Timestamp(i64::try_from(now.expect("time").as_micros()).unwrap_or(i64::MAX));
    let hour = Duration::from_hours(1);
    assert!(now.before(hour) < found[0].changed_at && found[0].changed_at < now.after(hour));
    let others = bed.store.list_from(algorithm, first.wrapping_add(1)).await;
    assert!(others.expect("list").iter().all(|it| it.key != key));
}
