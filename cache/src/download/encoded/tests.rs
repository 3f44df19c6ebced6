use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

#[test]
fn small_bytes_are_decoded_within_a_limit() {
    let plain = vec![7; 5000];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain).expect("written");
    let packed = encoder.finish().expect("packed");
    assert_eq!(decoded(&packed, 5000), Some(plain));
    assert_eq!(decoded(&packed, 4999), None);
    assert_eq!(decoded(&packed[..packed.len() - 9], 5000), None);
    assert_eq!(decoded(b"no gzip", 5000), None);
}
