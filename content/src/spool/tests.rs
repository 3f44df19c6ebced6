use crate::keep::tests::{Bed, bed};
use crate::{INLINE_BYTES, Spool};
use bytes::Bytes;
use larder_model::{Algorithm, Digest};

const LARGE: usize = 3 << 20;

/// A spool with these bytes, which came in pieces.
async fn spooled(bed: &Bed, bytes: &Bytes) -> Spool {
    let mut spool = bed.content.spool().await.expect("spool");
    for piece in bytes.chunks(100_000) {
        let piece = Bytes::copy_from_slice(piece);
        spool.append(piece).await.expect("append");
    }
    spool
}

/// Waits until so many staging files are there.
async fn await_staged(bed: &Bed, count: usize) {
    while bed.staged().await != count {
        tokio::task::yield_now().await;
    }
}

fn bytes(size: usize) -> Bytes {
    (0..=250).cycle().take(size).collect()
}

#[tokio::test]
async fn what_was_spooled_is_read_and_kept_as_it_came() {
    let bed = bed().await;
    let small = usize::try_from(INLINE_BYTES).expect("size");
    for size in [0, 1, small, small + 1, LARGE] {
        let all = bytes(size);
        let mut spool = spooled(&bed, &all).await;
        assert_eq!(spool.size(), size as u64);
        let digest = Digest::of(Algorithm::Sha256, &all);
        assert_eq!(spool.digest().await.expect("digest"), digest);
        assert_eq!(spool.read().await.expect("read"), all, "{size}");
        let prepared = spool.prepare().await.expect("prepared");
        assert_eq!((prepared.digest(), prepared.size()), (digest, size as u64));
        bed.keep(prepared).await.expect("kept");
        await_staged(&bed, 0).await;
    }
    assert_eq!(bed.objects().await.len(), 2, "small ones are rows");
}

#[tokio::test]
async fn what_is_dropped_leaves_nothing() {
    let bed = bed().await;
    let spool = spooled(&bed, &bytes(LARGE)).await;
    assert_eq!(bed.staged().await, 1);
    drop(spool);
    await_staged(&bed, 0).await;
    assert!(bed.objects().await.is_empty());
}
