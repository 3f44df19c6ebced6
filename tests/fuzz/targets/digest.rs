//! A digest that is read is written as it was; hashing in pieces gives the digest of the whole, by
//! way of a stored state too.
#![no_main]
use larder_model::{Algorithm, Digest, Hasher};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(digest) = text.parse::<Digest>() {
            assert_eq!(digest.to_string(), text);
        }
    }
    let cut = data.first().map_or(0, |byte| usize::from(*byte) % data.len());
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut first = Hasher::new(algorithm);
        first.update(&data[..cut]);
        let mut second = Hasher::resume(algorithm, &first.state()).expect("its own state");
        second.update(&data[cut..]);
        assert_eq!(second.finish(), Digest::of(algorithm, data));
    }
});
