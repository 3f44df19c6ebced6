use super::{end, name, part};
use larder_model::{Algorithm, Digest};

#[test]
fn every_digest_is_in_one_part() {
    let mut parts = Vec::new();
    let mut after = String::new();
    while let Some(next) = part(&after) {
        after = name(next);
        parts.push(next);
    }
    assert_eq!(parts.len(), 512);
    for number in 0..2000_u32 {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let digest = Digest::of(algorithm, &number.to_be_bytes());
            let text = digest.to_string();
            let within = |part: &&(Algorithm, u8)| name(**part) <= text && text < end(**part);
            let found: Vec<_> = parts.iter().filter(within).collect();
            assert_eq!(found, [&(algorithm, digest.bytes()[0])]);
        }
    }
}
