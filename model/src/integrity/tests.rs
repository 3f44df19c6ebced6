use super::*;
use crate::{Algorithm, Kind};
use std::io::Cursor;

#[test]
fn bytes_are_checked_against_their_integrity() {
    let sha1 = *b"\x0a\x4d\x55\xa8\xd7\x78\xe5\x02\x2f\xab\x70\x19\x77\xc5\xd8\x40\xbb\xc4\x86\xd0"; // "Hello World"
    let expectations = [
        Integrity::Digest(Digest::of(Algorithm::Sha512, b"Hello World")),
        Integrity::Sha1(sha1),
        Integrity::None,
    ];
    for (integrity, wrong) in expectations.iter().zip([false, false, true]) {
        let mut checker = Checker::new(integrity);
        checker.update(b"Hello ");
        checker.update(b"World");
        assert!(checker.agrees(), "{integrity:?}");
        let mut checker = Checker::new(integrity);
        checker.update(b"hello World");
        assert_eq!(checker.agrees(), wrong, "{integrity:?}");
    }
}

/// Sums up a text without its spaces.
#[derive(Debug)]
struct Letters;

impl ContentsReader for Letters {
    fn sum(&self, file: &mut dyn Body) -> Result<String, Problem> {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(Problem::internal)?;
        Ok(text.replace(' ', ""))
    }
}

fn letters(sum: Option<&str>) -> Contents {
    Contents {
        reader: Arc::new(Letters),
        sum: sum.map(Into::into),
    }
}

#[test]
fn contents_are_compared_and_not_their_bytes() {
    let sum = |contents: &Contents, text: &str| contents.require(&mut Cursor::new(text.to_owned()));
    let promised = letters(Some("ab"));
    assert_eq!(sum(&promised, " a b").ok().as_deref(), Some("ab"));
    assert_eq!(sum(&promised, "ab").ok().as_deref(), Some("ab"));
    let wrong = sum(&promised, "a c").expect_err("other letters");
    assert_eq!(wrong.kind, Kind::DigestMismatch);
    assert!(
        wrong.detail.contains("ac") && wrong.detail.contains("ab"),
        "{wrong}"
    );
    assert_eq!(sum(&letters(None), "a c").ok().as_deref(), Some("ac"));
}

#[test]
fn the_first_contents_stay_where_nothing_was_promised() {
    let promised = Integrity::Contents(letters(Some("ab")));
    assert_eq!(promised.text(), "ab");
    assert!(promised.is_recorded_as("ab") && !promised.is_recorded_as("ac"));
    let first = Integrity::Contents(letters(None));
    assert_eq!(first.text(), "");
    assert!(first.is_recorded_as("ab") && first != promised);
}
