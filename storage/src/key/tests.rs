use super::*;
use larder_model::Algorithm;

#[test]
fn keys_round_trip_and_nothing_else_parses() {
    let key = ObjectKey {
        digest: Digest::of(Algorithm::Sha512, b"x"),
        generation: 0x1234,
    };
    assert_eq!(ObjectKey::parse(&key.to_string()), Some(key));
    for bad in [
        "",
        "sha256",
        "sha256/ab/abc.1",
        "../../etc/passwd",
        &format!("{key}/x"),
        &key.to_string().replace('.', ".0"),
    ] {
        assert_eq!(ObjectKey::parse(bad), None, "{bad}");
    }
}
