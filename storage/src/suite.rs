//! What every store must do. Run on memory, disk and S3; any panic is a failed check.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a suite fails")]

use crate::{BlobStore, Committed, Content, Error, ObjectKey};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Hasher};

/// Runs all checks. `generation` makes keys of one run its own, for stores that outlive it.
pub async fn all(store: &BlobStore, generation: i64) {
    keeps_what_it_is_given(store, generation).await;
    reads_ranges(store, generation).await;
    refuses_a_mismatch(store, generation).await;
    resumes(store, generation).await;
    goes_on_after_a_commit_for_nothing(store, generation).await;
    forgets_by_generation(store, generation).await;
    lists(store, generation).await;
    takes_large_objects(store, generation).await;
    store.ping().await.expect("ping");
}

fn pattern(length: usize, seed: u8) -> Bytes {
    (0..length)
        .map(|i| u8::try_from(i * 31 % 251).unwrap_or(0) ^ seed)
        .collect::<Vec<u8>>()
        .into()
}

fn id(generation: i64, number: u32) -> String {
    format!("{generation:x}{number:08x}")
}

async fn put(store: &BlobStore, bytes: &Bytes, generation: i64, number: u32) -> ObjectKey {
    let mut staging = store
        .stage(&id(generation, number), Algorithm::Sha256)
        .await
        .expect("stage");
    for piece in bytes.chunks(100_000) {
        staging
            .append(Bytes::copy_from_slice(piece))
            .await
            .expect("append");
    }
    let digest = Digest::of(Algorithm::Sha256, bytes);
    let committed = store
        .commit(staging, digest, generation)
        .await
        .expect("commit");
    store
        .discard(&id(generation, number))
        .await
        .expect("discard");
    match committed {
        Committed::Kept { key, size } => {
            assert_eq!(
                (key, size),
                (ObjectKey { digest, generation }, bytes.len() as u64)
            );
            key
        }
        Committed::Mismatch(other) => panic!("{other} is not {digest}"),
    }
}

async fn get(store: &BlobStore, key: &ObjectKey, range: std::ops::Range<u64>) -> Bytes {
    let content: Content = store.open(key, range).await.expect("open");
    content.collect(64 << 20).await.expect("read")
}

async fn keeps_what_it_is_given(store: &BlobStore, generation: i64) {
    for (number, length) in [0, 1, 100_000, 3_000_000].into_iter().enumerate() {
        let bytes = pattern(length, 1);
        let key = put(
            store,
            &bytes,
            generation,
            100 + u32::try_from(number).expect("small"),
        )
        .await;
        assert_eq!(get(store, &key, 0..length as u64).await, bytes);
    }
}

async fn reads_ranges(store: &BlobStore, generation: i64) {
    let bytes = pattern(1_000_000, 2);
    let key = put(store, &bytes, generation, 200).await;
    for (start, end) in [(0, 1), (999_999, 1_000_000), (5, 700_000), (10, 10)] {
        let expected = bytes
            .slice(usize::try_from(start).expect("small")..usize::try_from(end).expect("small"));
        assert_eq!(get(store, &key, start..end).await, expected);
    }
}

async fn refuses_a_mismatch(store: &BlobStore, generation: i64) {
    let mut staging = store
        .stage(&id(generation, 300), Algorithm::Sha256)
        .await
        .expect("stage");
    staging
        .append(Bytes::from_static(b"what came"))
        .await
        .expect("append");
    let promised = Digest::of(Algorithm::Sha256, b"what was promised");
    let came = Digest::of(Algorithm::Sha256, b"what came");
    assert_eq!(
        store
            .commit(staging, promised, generation)
            .await
            .expect("commit"),
        Committed::Mismatch(came)
    );
    for digest in [promised, came] {
        let missing = store.open(&ObjectKey { digest, generation }, 0..1).await;
        assert!(
            matches!(missing, Err(Error::Missing)),
            "nothing may be kept"
        );
    }
}

async fn resumes(store: &BlobStore, generation: i64) {
    let bytes = pattern(2_500_000, 3);
    let name = id(generation, 400);
    let mut staging = store.stage(&name, Algorithm::Sha512).await.expect("stage");
    staging
        .append(bytes.slice(..1_200_000))
        .await
        .expect("append");
    let state = staging.settle().await.expect("settle").state();
    staging
        .append(Bytes::from_static(b"never acknowledged"))
        .await
        .expect("append");
    staging.settle().await.expect("settle");
    drop(staging);
    let hasher = Hasher::resume(Algorithm::Sha512, &state).expect("state");
    let after_power_loss = store
        .resume(&name, 1_200_000, hasher.clone(), "another boot")
        .await;
    assert_eq!(
        after_power_loss.expect("the bytes are all there").offset(),
        1_200_000
    );
    let wrong = store
        .resume(&name, 1_100_000, hasher.clone(), "another boot")
        .await;
    assert!(
        matches!(wrong, Err(Error::Missing)),
        "bytes that are not those acknowledged are not built upon"
    );
    let mut staging = store
        .resume(&name, 1_200_000, hasher, store.boot_id())
        .await
        .expect("resume");
    assert_eq!(staging.offset(), 1_200_000);
    staging
        .append(bytes.slice(1_200_000..))
        .await
        .expect("append");
    let digest = Digest::of(Algorithm::Sha512, &bytes);
    let kept = store
        .commit(staging, digest, generation)
        .await
        .expect("commit");
    assert_eq!(
        kept,
        Committed::Kept {
            key: ObjectKey { digest, generation },
            size: bytes.len() as u64
        }
    );
    let lost = store
        .resume(&id(generation, 401), 10, Hasher::new(Algorithm::Sha256), "")
        .await;
    assert!(matches!(lost, Err(Error::Missing)));
    store.discard(&name).await.expect("discard");
    store
        .discard(&name)
        .await
        .expect("discarding nothing is fine");
    let mut left = store.stage(&name, Algorithm::Sha256).await.expect("stage");
    left.append(Bytes::from_static(b"left by a crash"))
        .await
        .expect("append");
    left.settle().await.expect("settle");
    drop(left);
    let mut fresh = store
        .stage(&name, Algorithm::Sha256)
        .await
        .expect("what was left does not stand in the way");
    assert_eq!(
        fresh.digest().await.expect("digest"),
        Digest::of(Algorithm::Sha256, b"")
    );
    store.discard(&name).await.expect("discard");
}

/// A crash between the object and its row: the upload stands where it was acknowledged, and the
/// object stays whole.
async fn goes_on_after_a_commit_for_nothing(store: &BlobStore, generation: i64) {
    let (first, second) = (pattern(300_000, 7), pattern(300_000, 8));
    let name = id(generation, 450);
    let mut staging = store.stage(&name, Algorithm::Sha256).await.expect("stage");
    staging
        .append(first.slice(..200_000))
        .await
        .expect("append");
    let state = staging.settle().await.expect("settle").state();
    staging
        .append(first.slice(200_000..))
        .await
        .expect("append");
    let digest = Digest::of(Algorithm::Sha256, &first);
    store
        .commit(staging, digest, generation)
        .await
        .expect("commit");

    let hasher = Hasher::resume(Algorithm::Sha256, &state).expect("state");
    let mut staging = store
        .resume(&name, 200_000, hasher, store.boot_id())
        .await
        .expect("its bytes are there");
    staging.append(second.slice(..1000)).await.expect("append");
    let bytes = [&first[..200_000], &second[..1000]].concat();
    let other = Digest::of(Algorithm::Sha256, &bytes);
    store
        .commit(staging, other, generation)
        .await
        .expect("commit");
    store.discard(&name).await.expect("discard");
    assert_eq!(
        get(store, &ObjectKey { digest, generation }, 0..300_000).await,
        first
    );
    assert_eq!(
        get(
            store,
            &ObjectKey {
                digest: other,
                generation
            },
            0..201_000
        )
        .await,
        bytes
    );
    let gone = store
        .resume(&name, 0, Hasher::new(Algorithm::Sha256), store.boot_id())
        .await;
    assert!(
        matches!(gone, Err(Error::Missing)),
        "a discarded upload is gone"
    );
}

async fn forgets_by_generation(store: &BlobStore, generation: i64) {
    let bytes = pattern(1000, 4);
    let old = put(store, &bytes, generation, 500).await;
    let new = put(store, &bytes, generation + 1, 501).await;
    assert!(store.remove(old).await.expect("remove"));
    assert!(!store.remove(old).await.expect("remove again"));
    assert_eq!(
        get(store, &new, 0..1000).await,
        bytes,
        "a late delete may not hit a new upload"
    );
    assert!(store.remove(new).await.expect("remove"));
}

async fn lists(store: &BlobStore, generation: i64) {
    let key = put(store, &pattern(1234, 5), generation, 600).await;
    let mut found = None;
    store
        .list(|each, size| {
            if each == key {
                found = Some(size);
            }
        })
        .await
        .expect("list");
    assert_eq!(found, Some(1234));
}

async fn takes_large_objects(store: &BlobStore, generation: i64) {
    let bytes = pattern(20_000_000, 6);
    let key = put(store, &bytes, generation, 700).await;
    assert_eq!(get(store, &key, 0..20_000_000).await, bytes);
    assert!(store.remove(key).await.expect("remove"));

    // In pieces of every size, with a stop in the middle of a block.
    let name = id(generation, 701);
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    let mut staging = store.stage(&name, Algorithm::Sha256).await.expect("stage");
    let (mut at, mut length, mut stopped) = (0, 1, false);
    while at < bytes.len() {
        let end = bytes.len().min(at + length);
        staging.append(bytes.slice(at..end)).await.expect("append");
        (at, length) = (end, length * 7 % 65_537);
        if at > 11_000_001 && !stopped {
            stopped = true;
            let state = staging.settle().await.expect("settle").state();
            let hasher = Hasher::resume(Algorithm::Sha256, &state).expect("state");
            let offset = staging.offset();
            drop(staging);
            staging = store
                .resume(&name, offset, hasher, store.boot_id())
                .await
                .expect("resume");
        }
    }
    store
        .commit(staging, digest, generation)
        .await
        .expect("commit");
    store.discard(&name).await.expect("discard");
    assert_eq!(
        get(store, &ObjectKey { digest, generation }, 0..20_000_000).await,
        bytes
    );
    assert!(
        store
            .remove(ObjectKey { digest, generation })
            .await
            .expect("remove")
    );
}

#[cfg(test)]
mod tests;
