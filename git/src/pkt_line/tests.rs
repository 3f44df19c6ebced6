use super::*;

#[test]
fn what_is_written_is_read_again_however_it_comes() {
    let mut writer = Writer::default();
    writer.line("version 2");
    writer.delimiter();
    writer.bytes(b"\x01PACK");
    writer.flush();
    let bytes = writer.into_bytes();
    assert_eq!(bytes, b"000eversion 2\n00010009\x01PACK0000");
    let mut reader = Reader::default();
    let mut read = Vec::new();
    for byte in &bytes {
        reader.push(&[*byte]);
        read.extend(reader.read().expect("lines"));
    }
    assert_eq!(read[0].text(), Some("version 2"));
    assert_eq!(read[1], Packet::Delimiter);
    assert_eq!(read[2], Packet::Line(Bytes::from_static(b"\x01PACK")));
    assert_eq!(read[3], Packet::Flush);
    assert!(reader.is_empty() && read.len() == 4);
}

#[test]
fn an_empty_line_is_a_line() {
    let mut reader = Reader::of(b"0004rest");
    let line = reader.read().expect("line").expect("line");
    assert_eq!(
        (line.text(), &line),
        (Some(""), &Packet::Line(Bytes::new()))
    );
    assert_eq!(&reader.into_rest()[..], b"rest");
}

#[test]
fn what_has_no_length_is_refused() {
    for bad in ["0003", "zzzz", "-001", "fff1", "ffff", " 00a"] {
        let refused = Reader::of(bad.as_bytes()).read();
        assert!(refused.is_err(), "{bad}: {refused:?}");
    }
    assert_eq!(Reader::of(b"000").read().expect("more to come"), None);
    assert_eq!(Reader::of(b"0005").read().expect("more to come"), None);
}
