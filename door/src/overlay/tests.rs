use super::*;
use http_body_util::BodyExt as _;
use std::io::Write as _;

const FILLING: &[u8] = b"<own>";

/// Bytes with places at these offsets, and what is shown of them.
fn overlaid(size: usize, places: &[u32]) -> (Vec<u8>, Vec<u8>, Overlay) {
    let kept: Vec<u8> = (0..size)
        .map(|at| b'a' + u8::try_from(at % 26).expect("a letter"))
        .collect();
    let last = (size as u64 - 4, Bytes::from_static(b"!!"));
    let overlay = Overlay {
        size: size as u64,
        tag: Digest::of(larder_model::Algorithm::Sha256, b""),
        places: places.into(),
        filling: Bytes::from_static(FILLING),
        last: Some(last),
        head: Bytes::copy_from_slice(&kept[..20]),
    };
    let mut shown = kept.clone();
    for at in places {
        let at = *at as usize;
        shown[at..at + FILLING.len()].copy_from_slice(FILLING);
    }
    shown[size - 4..size - 2].copy_from_slice(b"!!");
    (kept, shown, overlay)
}

async fn collected(body: Body) -> Vec<u8> {
    let mut body = body;
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let chunk = frame.expect("a frame").into_data().expect("data");
        match chunk {
            crate::body::Chunk::Bytes(bytes) => all.extend_from_slice(&bytes),
            crate::body::Chunk::Placeholder(_) => panic!("there is no wire"),
        }
    }
    all
}

#[tokio::test]
async fn every_range_of_every_kind_of_content_is_as_it_is_shown() {
    let many: Vec<u32> = (0..30).take(FEW + 10).map(|number| number * 10).collect();
    for places in [&[][..], &[0], &[3, 40, 90], &many] {
        let (kept, shown, overlay) = overlaid(300, places);
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"before").expect("written");
        file.write_all(&kept).expect("written");
        let file = Arc::new(file);
        for (from, to) in [
            (0, 300),
            (1, 2),
            (2, 5),
            (4, 42),
            (7, 95),
            (41, 43),
            (150, 298),
            (299, 300),
        ] {
            let range = from as u64..to as u64;
            let own = range.start + 6..range.end + 6;
            let part = Bytes::copy_from_slice(&kept[from..to]);
            let pieces = part
                .chunks(3)
                .map(Bytes::copy_from_slice)
                .map(Ok)
                .collect::<Vec<_>>();
            for content in [
                Content::Ready(part.clone()),
                Content::File {
                    file: Arc::clone(&file),
                    range: own.clone(),
                },
                Content::Stream(stream::iter(pieces).boxed()),
            ] {
                let body = overlay.clone().body(content, range.clone(), None);
                assert_eq!(
                    collected(body).await,
                    shown[from..to],
                    "{places:?} {range:?}"
                );
            }
        }
    }
}
