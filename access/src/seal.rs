//! Short proofs that we made something: HMAC-SHA256 over parts whose lengths are part of the input.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Makes and checks seals. One key, and a purpose that keeps seals of one kind from passing for
/// another.
#[derive(Clone)]
pub struct Seal {
    inner: Sha256,
    outer: Sha256,
}

impl Seal {
    /// A sealer for `purpose` under the server's key.
    pub fn new(key: &[u8; 32], purpose: &str) -> Self {
        let mut block = [0u8; 64];
        block[..32].copy_from_slice(key);
        let pad = |byte: u8| Sha256::new_with_prefix(block.map(|key| key ^ byte));
        let mut seal = Self {
            inner: pad(0x36),
            outer: pad(0x5c),
        };
        seal.inner = seal.feed(&[purpose.as_bytes()]);
        seal
    }

    fn feed(&self, parts: &[&[u8]]) -> Sha256 {
        let mut hasher = self.inner.clone();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher
    }

    /// The seal over `parts`.
    pub fn make(&self, parts: &[&[u8]]) -> String {
        let mut outer = self.outer.clone();
        outer.update(self.feed(parts).finalize());
        URL_SAFE_NO_PAD.encode(outer.finalize())
    }

    /// Whether `seal` is the one over `parts`.
    pub fn holds(&self, parts: &[&[u8]], seal: &str) -> bool {
        self.make(parts).as_bytes().ct_eq(seal.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_differ_by_every_part_and_its_border() {
        let seal = Seal::new(&[7; 32], "test");
        let made = seal.make(&[b"ab", b"c"]);
        assert!(seal.holds(&[b"ab", b"c"], &made));
        assert!(!seal.holds(&[b"a", b"bc"], &made));
        assert!(!seal.holds(&[b"abc"], &made));
        assert!(!seal.holds(&[b"ab", b"c"], ""));
        assert!(!Seal::new(&[7; 32], "other").holds(&[b"ab", b"c"], &made));
        assert!(!Seal::new(&[8; 32], "test").holds(&[b"ab", b"c"], &made));
    }

    #[test]
    fn it_is_hmac_sha256() {
        // The purpose is length-prefixed input like any part: compare with a textbook HMAC over the
        // same bytes.
        let seal = Seal::new(&[1; 32], "p");
        let mut message = 1u64.to_le_bytes().to_vec();
        message.extend(b"p");
        message.extend(3u64.to_le_bytes());
        message.extend(b"abc");
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            block[..32].iter_mut().for_each(|b| *b ^= 1);
            block
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(&message)
            .finalize();
        let outer = Sha256::new()
            .chain_update(pad(0x5c))
            .chain_update(inner)
            .finalize();
        assert_eq!(seal.make(&[b"abc"]), URL_SAFE_NO_PAD.encode(outer));
    }
}
