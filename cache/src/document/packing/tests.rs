use super::*;
use flate2::read::GzDecoder;
use larder_mirrors::rendering::filling;

/// A document of lines, some of which have a URL; a number decides what they look like.
fn document(place_bytes: usize, lines: usize, seed: u64) -> Rendering {
    let mut out = Rendering::new(place_bytes, 0);
    let mut state = seed;
    for line in 0..lines {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let noise = usize::try_from(state >> 54).expect("a small number");
        out.push_str(&format!("line {line} {}", "ab".repeat(noise)));
        if state >> 40 & 3 != 0 {
            out.push_url(&format!("/npm/main/{line}"));
        }
        // A stretch that the window does not cover.
        if (state >> 45).trailing_zeros() >= 5 {
            out.push_str(&format!("{state:040}").repeat(1000));
        }
    }
    out
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = GzDecoder::new(bytes);
    reader.read_to_end(&mut out).expect("a gzip member");
    assert!(reader.into_inner().is_empty(), "something follows it");
    out
}

/// What is sent for an address.
fn sent(packed: &Packed, filling: &[u8]) -> Vec<u8> {
    let mut bytes = packed.bytes.clone();
    for place in packed.places.iter().copied() {
        bytes[place..place + filling.len()].copy_from_slice(filling);
    }
    let sum = bytes.len() - 8;
    bytes[sum..sum + 4].copy_from_slice(&packed.sum.filled(filling).to_le_bytes());
    bytes
}

#[test]
fn every_address_makes_a_gzip_member_of_its_own() {
    for (seed, lines) in [(1, 0), (2, 1), (3, 2), (4, 40), (5, 400), (6, 2000)] {
        for (bytes, origin) in [
            (64, "http://a"),
            (64, "https://larder.example:7070"),
            (
                272,
                "https://a.name.that.is.much.longer.than.those.that.are.usual.example:7070",
            ),
        ] {
            let rendering = document(bytes, lines, seed);
            let packed = pack(&rendering).expect("packed");
            let filling = filling(origin, bytes).expect("it fits");
            let plain = rendering.filled(&filling);
            assert!(
                unpacked(&sent(&packed, &filling)) == plain,
                "{seed} {origin}"
            );
        }
    }
}

#[test]
fn a_document_without_places_is_a_gzip_member() {
    let text = "text ".repeat(1000).into_bytes();
    let packed = pack(&text.clone().into()).expect("packed");
    assert!(packed.places.is_empty());
    assert_eq!(packed.sum.factor, 0);
    assert!(unpacked(&packed.bytes) == text);
}

#[test]
fn places_near_each_other_are_stored_once() {
    let mut out = Rendering::new(64, 0);
    for line in 0_u64..5000 {
        let sum = line.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        out.push_str(&format!("}},\"1.0.{line}\":{{\"dist\":{{\"tarball\":"));
        out.push_url(&format!("/npm/main/a/-/a-1.0.{line}.tgz"));
        out.push_str(&format!(",\"integrity\":\"sha512-{sum:016x}\"}}"));
        out.push_str(&format!(",\"dependencies\":{{\"a\":\"^{}.0\"}}", line % 7));
    }
    assert!(segments((&out).into()).len() > 2, "it is packed in parts");
    let packed = pack(&out).expect("packed");
    assert_eq!(packed.places.len(), 1);
    assert!(packed.bytes.len() < out.bytes().len() / 10);
}

#[test]
fn a_place_that_is_not_copied_from_itself_is_seen() {
    // Two places whose second is made of text that only happens to be as the unfilled place was.
    let mut out = Rendering::new(64, 0);
    for _ in 0..2 {
        out.push_str("text");
        out.push_url("/a");
    }
    let packed = pack_with((&out).into(), NEAR, LEVEL).expect("packed");
    assert!(is_whole(&packed, (&out).into()).expect("unpacked"));
    let mut literal = Packer::new(LEVEL, &[], 0).expect("a packer");
    literal.text(b"text").expect("packed");
    let at = literal.store(&out.bytes()[4..68]).expect("stored");
    literal.deflate = Compress::new(Compression::none(), false);
    literal.end(&out.bytes()[68..]).expect("packed");
    let wrong = Packed {
        bytes: [&HEAD[..], &literal.out, &[0; END_BYTES]].concat(),
        places: vec![HEAD.len() + at],
        sum: PlacesSum::default(),
    };
    assert!(!is_whole(&wrong, (&out).into()).expect("unpacked"));
}

#[test]
fn what_is_packed_quickly_is_for_all_addresses() {
    let rendering = document(64, 3000, 7);
    let packed = pack_quickly(&rendering).expect("packed");
    assert_eq!(packed.places.len(), rendering.places().len());
    assert!(packed.bytes.len() < rendering.bytes().len() / 2);
    for origin in ["http://a", "https://larder.example:7070"] {
        let filling = filling(origin, 64).expect("it fits");
        let filled = rendering.clone().filled(&filling);
        assert!(unpacked(&sent(&packed, &filling)) == filled);
    }
}

#[test]
fn segments_cover_a_document_and_cut_no_place() {
    for seed in 1..20 {
        let rendering = document(272, 3000, seed);
        let segments = segments((&rendering).into());
        assert!(segments.len() > 1, "{seed}");
        let mut next = 0;
        for segment in segments {
            assert_eq!(segment.start, next, "{seed}");
            next = segment.end;
            let cut = |place: &usize| (*place + 1..place + 272).contains(&next);
            assert!(!rendering.places().iter().any(cut), "{seed}");
        }
        assert_eq!(next, rendering.bytes().len(), "{seed}");
    }
}

#[test]
fn text_with_the_byte_of_places_is_not_packed() {
    let mut out = Rendering::new(64, 0);
    out.push_str("a\u{2}b");
    out.push_url("/c");
    let problem = pack(&out).expect_err("no such text");
    assert!(problem.with_causes().contains("no text has"), "{problem}");
}
