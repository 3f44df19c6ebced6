use super::*;
use futures_util::stream::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const OBJECT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn broken() -> Error {
    Error::Generic {
        store: "tests",
        source: "the connection ended".into(),
    }
}

/// What a store gives that ends each connection after so many bytes.
fn piece(range: Range<u64>, bytes: u64) -> Pieces {
    let end = range.end.min(range.start + bytes);
    let at = |at: u64| usize::try_from(at).expect("an offset");
    let given = Bytes::from_static(&OBJECT[at(range.start)..at(end)]);
    let given = (!given.is_empty()).then_some(Ok(given));
    let fault = (end < range.end).then(|| Err(broken()));
    iter(given.into_iter().chain(fault)).boxed()
}

/// What is read of a range; how often more was asked for; whether it failed.
async fn read(range: Range<u64>, each: u64, later: u64) -> (Vec<u8>, usize, bool) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let again = move |left: Range<u64>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { Ok(piece(left, later)) }
    };
    let mut pieces = resumed(piece(range.clone(), each), range, again);
    let (mut all, mut failed) = (Vec::new(), false);
    while let Some(next) = pieces.next().await {
        match next {
            Ok(bytes) => all.extend_from_slice(&bytes),
            Err(_) => failed = true,
        }
    }
    (all, asked.load(Ordering::Relaxed), failed)
}

#[tokio::test]
async fn a_read_goes_on_where_it_broke_off_however_often() {
    assert_eq!(read(0..36, 100, 0).await, (OBJECT.to_vec(), 0, false));
    assert_eq!(read(0..36, 3, 1).await, (OBJECT.to_vec(), 33, false));
    assert_eq!(read(10..16, 2, 2).await, (b"abcdef".to_vec(), 2, false));
}

#[tokio::test]
async fn a_store_that_gives_nothing_is_not_asked_for_ever() {
    let (all, asked, failed) = read(0..36, 5, 0).await;
    assert_eq!((&all[..], asked, failed), (&OBJECT[..5], 3, true));
}
