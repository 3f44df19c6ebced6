use super::*;
use std::pin::pin;
use tokio::sync::oneshot;

fn pack(pieces: &[&'static str]) -> Input<'static> {
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| Ok(Bytes::from_static(piece.as_bytes())))
        .collect();
    stream::iter(pieces).boxed()
}

/// The program begins to work out what it has as soon as it has the end, whether more comes or not.
#[tokio::test]
async fn the_last_bytes_of_a_pack_wait_for_a_slot() {
    let (free, slot) = oneshot::channel();
    let take = async { slot.await.map_err(Problem::internal) };
    let mut pack = pin!(ended_after(pack(&["a", "b", "", "c", ""]), take.boxed()));
    for piece in ["a", "b"] {
        let next = pack.next().await.expect("more").expect("bytes");
        assert_eq!(next, piece);
    }
    assert!(
        pack.next().now_or_never().is_none(),
        "nobody has given it a slot"
    );
    free.send(()).expect("who waits");
    assert_eq!(pack.next().await.expect("more").expect("bytes"), "c");
    assert!(pack.next().await.is_none());
}

#[tokio::test]
async fn a_pack_that_breaks_off_takes_no_slot() {
    let broken = stream::iter([
        Ok(Bytes::from_static(b"a")),
        Err(Problem::internal("broken")),
    ]);
    let take = async { panic!("a slot for nothing") };
    let mut pack = pin!(ended_after(broken.boxed(), take.boxed()));
    assert!(pack.next().await.expect("something").is_err());
    assert!(pack.next().await.is_none());
}
