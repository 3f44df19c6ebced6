use super::*;
use std::io::Cursor;

/// An archive of members, each with its name as it stands there.
pub(crate) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (name, contents) in members {
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            contents.len()
        );
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(contents);
        if contents.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn read(bytes: &[u8]) -> Result<Vec<ArMember>, Fault> {
    let mut body = Cursor::new(bytes.to_vec());
    let length = bytes.len() as u64;
    members(&mut Window::new(&mut body, 0, length))
}

#[test]
fn members_are_found_in_their_order() {
    let bytes = ar(&[("debian-binary", b"2.0\n"), ("odd/", b"123"), ("last", b"")]);
    let all = read(&bytes).expect("archive");
    let told: Vec<(&str, u64)> = all.iter().map(|it| (&*it.name, it.size)).collect();
    assert_eq!(told, [("debian-binary", 4), ("odd", 3), ("last", 0)]);
    let odd = usize::try_from(all[1].offset).expect("offset");
    assert_eq!(&bytes[odd..odd + 3], b"123");
}

#[test]
fn damaged_archives_are_refused() {
    let good = ar(&[("one", b"1234"), ("two", b"12")]);
    let with = |at: usize, text: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + text.len()].copy_from_slice(text);
        bytes
    };
    for (what, bytes) in [
        ("no archive", b"PK\x03\x04".to_vec()),
        ("nothing", Vec::new()),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("cut within a header", good[..30].to_vec()),
        ("an absurd size", with(8 + 48, b"9999999999")),
        ("no size", with(8 + 48, b"          ")),
        ("a negative size", with(8 + 48, b"-4        ")),
        ("no name", with(8, b"                ")),
        ("a path", with(8, b"a/b             ")),
        ("another end of a header", with(8 + 58, b"xx")),
    ] {
        assert!(read(&bytes).is_err(), "{what}");
    }
    let many = vec![("m", &b""[..]); 17];
    assert!(matches!(read(&ar(&many)), Err(Fault::TooLarge(_))));
}
