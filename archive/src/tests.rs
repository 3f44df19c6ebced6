use crate::*;
use larder_model::{Algorithm, Digest, Timestamp};
use std::io::Read as _;

const MOMENT: Timestamp = Timestamp(1_800_000_000_123_456);

fn manifest(blobs: &[Vec<u8>]) -> Manifest {
    let table = |name: &str, rows, parts| Table {
        name: name.to_owned(),
        columns: vec![Column {
            name: "id".to_owned(),
            kind: ColumnKind::Int,
        }],
        rows,
        parts,
    };
    Manifest {
        format: FORMAT,
        larder: "0.1.0".to_owned(),
        schema: 13,
        created_at: MOMENT,
        server: None,
        blobs_included: true,
        keys: vec!["token.key".to_owned()],
        tables: vec![table("users", 2, 2), table("blobs", 1, 1)],
        objects: Objects {
            count: blobs.len() as u64,
            bytes: blobs.iter().map(|blob| blob.len() as u64).sum(),
        },
    }
}

fn rows(table: &str, number: u32) -> PartName {
    PartName::Rows {
        table: table.to_owned(),
        number,
    }
}

fn packed(lines: &[&str]) -> Vec<u8> {
    let mut packer = RowPacker::default();
    for line in lines {
        assert_eq!(packer.push(line.as_bytes()).expect("pack"), None);
    }
    packer.finish().expect("pack").expect("rows")
}

/// A backup with every kind of part.
fn backup() -> Vec<u8> {
    let mut blobs = vec![vec![1; 1000], vec![2; 512], vec![3; 20_000]];
    blobs.sort_by_key(|blob| Digest::of(Algorithm::Sha256, blob));
    let mut writer = Writer::new(MOMENT);
    let tables = [
        writer.part(&rows("users", 1), &packed(&["[1]"])),
        writer.part(&rows("users", 2), &packed(&["[2]"])),
        writer.part(&rows("blobs", 1), &packed(&["[3]"])),
    ];
    let manifest = serde_json::to_vec(&manifest(&blobs)).expect("manifest");
    let key = PartName::key("token.key").expect("name");
    let first = writer.first(&[(PartName::Manifest, manifest), (key, b"secret".to_vec())]);
    let mut file = [first, tables.concat()].concat();
    for blob in &blobs {
        let size = blob.len() as u64;
        let header = writer.blob(&Digest::of(Algorithm::Sha256, blob), size);
        let framed = [&header[..], blob, padding(size)].concat();
        assert_eq!(framed.len() as u64, Writer::blob_bytes(size));
        file.extend(framed);
    }
    file.extend(writer.finish().expect("sums"));
    file
}

/// The parts of a backup with their frames, and what ends it.
fn split(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while file[0] != 0 {
        let (_, size, _) = header::read(file[..512].try_into().expect("block")).expect("header");
        let bytes = usize::try_from(Writer::blob_bytes(size)).expect("size");
        parts.push(file[..bytes].to_vec());
        file = &file[bytes..];
    }
    parts.push(file.to_vec());
    parts
}

fn damage(file: &[u8]) -> String {
    verify(file).expect_err("damaged").to_string()
}

#[test]
fn a_backup_is_read_as_it_was_written() {
    let file = backup();
    let verified = verify(&file[..]).expect("backup");
    assert_eq!(verified.bytes, file.len() as u64);
    assert_eq!(verified.digest, Digest::of(Algorithm::Sha256, &file));
    assert_eq!(verified.manifest.objects.count, 3);
    let (_, mut reader) = Reader::begin(&file[..]).expect("manifest");
    let mut seen = Vec::new();
    while let Some(part) = reader.next_part().expect("part") {
        if let PartName::Rows { .. } = part.name {
            let mut rows = Rows::new(&mut reader).expect("rows");
            let mut line = Vec::new();
            assert!(rows.next_line(&mut line).expect("line"));
            seen.push(String::from_utf8(line.clone()).expect("text"));
            assert!(!rows.next_line(&mut line).expect("end"));
        }
    }
    assert_eq!(seen, ["[1]", "[2]", "[3]"]);
}

#[test]
fn any_tar_reads_it() {
    let file = backup();
    let mut archive = tar::Archive::new(&file[..]);
    let mut names = Vec::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("entry");
        names.push(entry.path().expect("path").display().to_string());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("bytes");
        if let Some(hex) = names
            .last()
            .and_then(|name| name.strip_prefix("blobs/sha256/"))
        {
            assert_eq!(Digest::of(Algorithm::Sha256, &bytes).hex(), hex);
        }
    }
    assert_eq!(
        names[..3],
        [
            "manifest.json",
            "keys/token.key",
            "tables/users/00000001.ndjson.zst"
        ]
    );
    assert_eq!(names.last().map(String::as_str), Some("sums.json"));
    assert_eq!(names.len(), 9);
}

#[test]
fn any_changed_byte_is_found() {
    let file = backup();
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verify(&changed[..]).is_err(), "byte {at}");
    }
}

#[test]
fn any_cut_is_found() {
    let file = backup();
    for end in 0..file.len() {
        assert!(verify(&file[..end]).is_err(), "cut at {end}");
    }
    assert!(verify(&[&file[..], b"\0"].concat()[..]).is_err());
    let cut = damage(&file[..file.len() - 512]);
    assert_eq!(cut, Fault::Cut.to_string());
}

#[test]
fn parts_that_are_missing_doubled_or_moved_are_found() {
    let parts = split(&backup());
    for at in 0..parts.len() {
        let mut without = parts.clone();
        without.remove(at);
        assert!(verify(&without.concat()[..]).is_err(), "without {at}");
        let mut doubled = parts.clone();
        doubled.insert(at, parts[at].clone());
        assert!(verify(&doubled.concat()[..]).is_err(), "{at} twice");
        for other in 0..at {
            let mut moved = parts.clone();
            moved.swap(at, other);
            assert!(verify(&moved.concat()[..]).is_err(), "{at} and {other}");
        }
    }
}

#[test]
fn faults_say_what_is_wrong() {
    let parts = split(&backup());
    let mut without = parts.clone();
    without.remove(3);
    let text = "the backup is damaged: tables/users/00000002.ndjson.zst is missing, or parts have \
                changed places: tables/blobs/00000001.ndjson.zst stands there";
    assert_eq!(damage(&without.concat()), text);
    let mut blob = parts.clone();
    blob[5][600] ^= 1;
    assert!(damage(&blob.concat()).contains("has other bytes"));
    assert_eq!(damage(b"PK\x03\x04"), Fault::Cut.to_string());
    assert_eq!(damage(&[7; 2000]), Fault::Foreign.to_string());
}

#[test]
fn a_newer_format_is_told_apart() {
    let mut writer = Writer::new(MOMENT);
    let newer = writer.part(&PartName::Manifest, br#"{"format":2,"more":true}"#);
    let text = damage(&newer);
    assert!(
        text.contains("has format 2, and this larder reads formats up to 1"),
        "{text}"
    );
}

#[test]
fn rows_come_in_parts_of_bounded_size() {
    let mut packer = RowPacker::default();
    let line = vec![b'7'; 1 << 20];
    let packs: Vec<bool> = (0..8)
        .map(|_| packer.push(&line).expect("pack").is_some())
        .collect();
    assert_eq!(
        packs,
        [false, false, false, true, false, false, false, true]
    );
    assert_eq!(packer.finish().expect("pack"), None);
}

#[test]
fn rows_without_end_are_refused() {
    let whole = zstd::bulk::compress(b"[1]\n[2]", 1).expect("pack");
    let mut rows = Rows::new(&whole[..]).expect("rows");
    let mut line = Vec::new();
    assert!(rows.next_line(&mut line).expect("line"));
    assert!(rows.next_line(&mut line).is_err());
    let mut rows = Rows::new(&b"not packed"[..]).expect("rows");
    assert!(rows.next_line(&mut line).is_err());
}
