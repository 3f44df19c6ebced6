use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

fn packed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed").into()
}

#[test]
fn bodies_are_decoded_up_to_their_limit() {
    let headers = |encoding: &'static str| {
        HeaderMap::from_iter([(CONTENT_ENCODING, http::HeaderValue::from_static(encoding))])
    };
    assert_eq!(
        decoded(&HeaderMap::new(), Bytes::from("{}")).expect("plain"),
        "{}"
    );
    assert_eq!(
        decoded(&headers("gzip"), packed(b"{}")).expect("packed"),
        "{}"
    );
    let kind = |encoding, body| {
        decoded(&headers(encoding), body)
            .err()
            .map(|problem| problem.kind)
    };
    assert_eq!(kind("br", Bytes::from("{}")), Some(Kind::Invalid));
    assert_eq!(kind("gzip", Bytes::from("{}")), Some(Kind::Invalid));
    assert_eq!(kind("gzip", packed(b"{}").slice(..12)), Some(Kind::Invalid));
    assert_eq!(kind("gzip", packed(&vec![b' '; MAX_DECODED])), None);
    assert_eq!(
        kind("gzip", packed(&vec![b' '; MAX_DECODED + 1])),
        Some(Kind::TooLarge)
    );
}
