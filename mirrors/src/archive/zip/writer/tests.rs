use super::super::{content, entries};
use super::*;
use crate::archive::Limits;
use crate::archive::window::Window;
use larder_model::Limit;
use std::io::Cursor;

const LIMITS: Limits = Limits {
    entries: 100_000,
    path_bytes: 100,
    unpacked: Limit::fixed(1 << 20),
    ratio: 1000,
};

/// The zip file that pieces of a body are.
fn joined(pieces: Vec<Piece>, body: &[u8]) -> Vec<u8> {
    let bytes = pieces.into_iter().flat_map(|piece| match piece {
        Piece::Inline(bytes) => bytes,
        Piece::Part(start, length) => {
            let start = usize::try_from(start).expect("small");
            body[start..start + usize::try_from(length).expect("small")].to_vec()
        }
    });
    bytes.collect()
}

/// Names and contents of a zip file.
fn read(zip: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let length = zip.len() as u64;
    let mut body = Cursor::new(zip);
    let mut file = Window::new(&mut body, 0, length);
    let all = entries(&mut file, &LIMITS).expect("a zip file");
    let read = all.into_iter().map(|entry| {
        let bytes = content(&mut file, &entry, 1_u64 << 20).expect("content");
        (entry.name, bytes)
    });
    read.collect()
}

#[test]
fn what_is_written_is_read_back() {
    let body = b"onetwo";
    let all = [
        Entry::stored("a.txt".to_owned(), 0, b"one"),
        Entry::stored("é/empty".to_owned(), 3, b""),
        Entry::stored("b/b.txt".to_owned(), 3, b"two"),
    ];
    let zip = joined(pieces(&all).expect("pieces"), body);
    let expected = [("a.txt", "one"), ("é/empty", ""), ("b/b.txt", "two")];
    let expected = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    assert_eq!(read(zip), expected);
    assert_eq!(read(joined(pieces(&[]).expect("pieces"), b"")), []);
}

#[test]
fn more_files_than_two_bytes_count_are_written_too() {
    let all: Vec<Entry> = (0..65_535)
        .map(|number| Entry::stored(format!("{number}"), 0, b""))
        .collect();
    let read = read(joined(pieces(&all).expect("pieces"), b""));
    assert_eq!(read.len(), all.len());
    assert_eq!(read.last().expect("one").0, "65534");
}
