use super::*;
use sha2::{Digest as _, Sha256};

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
