use super::*;
use crate::Algorithm;

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
