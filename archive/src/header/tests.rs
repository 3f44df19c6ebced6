use super::*;
use larder_model::{Algorithm, Digest};

fn names() -> Vec<PartName> {
    vec![
        PartName::Manifest,
        PartName::Key("token.key".to_owned()),
        PartName::Rows {
            table: "repo_members".to_owned(),
            number: 1,
        },
        PartName::Blob(Digest::of(Algorithm::Sha256, b"a")),
        PartName::Blob(Digest::of(Algorithm::Sha512, b"a")),
        PartName::Sums,
    ]
}

#[test]
fn a_header_is_read_as_it_was_written() {
    for name in names() {
        for size in [0, 1, 511, 512, MAX_OCTAL, MAX_OCTAL + 1, u64::MAX] {
            let block = write(&name, size, 1_800_000_000);
            let read = read(&block).expect("header");
            assert_eq!(read, (name.clone(), size, 1_800_000_000));
        }
    }
}

#[test]
fn a_header_with_any_bit_changed_is_refused() {
    let name = PartName::Blob(Digest::of(Algorithm::Sha512, b"a"));
    let block = write(&name, 7, 1_800_000_000);
    for bit in 0..BLOCK * 8 {
        let mut changed = block;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_none() {
    for text in [
        "",
        "/",
        "keys/",
        "keys/../a",
        "keys/.a",
        "keys/a/b",
        "keys/a b",
        "tables/a/1.ndjson.zst",
        "tables/../00000001.ndjson.zst",
        "tables/a/00000001.ndjson",
        "blobs/sha256/ab",
        "blobs/md5/ab",
        "manifest.json/",
        "MANIFEST.JSON",
        "x",
    ] {
        assert!(text.parse::<PartName>().is_err(), "{text}");
    }
    for name in names() {
        assert_eq!(name.to_string().parse(), Ok(name));
    }
}

#[test]
fn padding_fills_the_block() {
    for (size, zeros) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
        assert_eq!(padding_bytes(size), zeros);
    }
}
