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

/// All ways to cut a few bytes into a purpose and parts, empty ones too: no two have one seal
/// (class 43).
#[test]
fn no_two_tuples_have_one_seal() {
    let text = b"aa\0\0\0\0\0\0\0b";
    let mut seals = std::collections::HashMap::new();
    let mut cuts: Vec<Vec<&[u8]>> = vec![vec![text]];
    // A cut more, anywhere: also at an end, which makes an empty part.
    for _ in 0..3 {
        let cut_once = |parts: &Vec<&'static [u8]>| {
            let last = parts.last().copied().unwrap_or_default();
            let before = parts[..parts.len() - 1].to_vec();
            let cut = move |at: usize| {
                let (head, rest) = last.split_at(at);
                [before.clone(), vec![head, rest]].concat()
            };
            (0..=last.len()).map(cut).collect::<Vec<_>>()
        };
        let more: Vec<_> = cuts.iter().flat_map(cut_once).collect();
        cuts.extend(more);
        cuts.sort();
        cuts.dedup();
    }
    // Lengths as they go into the MAC, as a part of a forger's own.
    let lengths: Vec<&[u8]> = vec![
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[0; 8],
        &[8, 0, 0, 0, 0, 0, 0, 0],
    ];
    for length in lengths {
        cuts.push(vec![length]);
        cuts.push(vec![length, b"a"]);
        cuts.push(vec![b"a", length]);
        cuts.push(vec![length, length]);
    }
    cuts.push(Vec::new());
    for tuple in &cuts {
        // A purpose is no part.
        for purpose in ["", "a", "aa"] {
            let seal = Seal::new(&[7; 32], purpose).make(tuple);
            let other = seals.insert(seal, (purpose, tuple));
            assert_eq!(other, None, "{purpose:?} {tuple:?}");
        }
    }
    assert!(seals.len() > 1000, "{}", seals.len());
}

#[test]
fn seals_of_all_keys_of_a_ring_hold() {
    let ring = KeyRing::of([1; 32]).rotated([2; 32], larder_model::Timestamp(0));
    let seal = Seal::of(&ring, "test");
    let parts: &[&[u8]] = &[b"a"];
    assert_eq!(seal.make(parts), Seal::new(&[2; 32], "test").make(parts));
    for (key, holds) in [(1, true), (2, true), (3, false)] {
        let made = Seal::new(&[key; 32], "test").make(parts);
        assert_eq!(seal.holds(parts, &made), holds);
    }
}
