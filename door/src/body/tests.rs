use super::*;
use std::io::Write as _;

fn parts(wire: Option<Wire>) -> Body {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(b"0123456789").expect("write");
    let file = Arc::new(file);
    let part = |range| {
        Ok(Content::File {
            file: Arc::clone(&file),
            range,
        })
    };
    let all = [
        part(2..5),
        Ok(Content::Ready(Bytes::from_static(b"ab"))),
        part(5..5),
        part(7..10),
    ];
    Body::of_parts(futures_util::stream::iter(all).boxed(), Some(8), wire)
}

#[tokio::test]
async fn parts_come_one_after_the_other() {
    let mut body = parts(None);
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        all.extend_from_slice(frame.expect("frame").into_data().expect("data").chunk());
    }
    assert_eq!(all, b"234ab789");
}

#[tokio::test]
async fn files_among_the_parts_go_by_the_wire_in_their_order() {
    let wire = Wire::default();
    let mut body = parts(Some(wire.clone()));
    let mut sizes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.expect("frame").into_data().expect("data");
        sizes.push((data.remaining(), is_placeholder(data.chunk())));
    }
    assert_eq!(sizes, [(3, true), (2, false), (3, true)]);
    let mut ranges = Vec::new();
    let mut send = |_: &File, range: Range<u64>| {
        ranges.push(range);
        Ok::<_, ()>(1)
    };
    while wire.send(&mut send).is_some() {}
    assert_eq!(ranges, [2..5, 3..5, 4..5, 7..10, 8..10, 9..10]);
}

#[tokio::test]
async fn parts_that_are_too_few_are_an_error() {
    let parts = futures_util::stream::iter([Ok(Content::Ready(Bytes::from_static(b"ab")))]).boxed();
    let mut body = Body::of_parts(parts, Some(3), None);
    assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
    assert!(body.frame().await.is_some_and(|frame| frame.is_err()));
}
