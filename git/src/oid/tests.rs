use super::*;

#[test]
fn names_have_one_spelling() {
    let sha1 = "0123456789abcdef0123456789abcdef01234567";
    let oid: Oid = sha1.parse().expect("a name");
    assert_eq!((oid.as_str(), oid.format()), (sha1, ObjectFormat::Sha1));
    let sha256 = "ab".repeat(32);
    let oid: Oid = sha256.parse().expect("a name");
    assert_eq!(oid.format(), ObjectFormat::Sha256);
    for bad in [
        "",
        "01",
        &sha1.to_uppercase(),
        &sha1[1..],
        "g".repeat(40).as_str(),
    ] {
        assert_eq!(bad.parse::<Oid>(), Err(BadOid), "{bad}");
    }
}

#[test]
fn zeros_name_no_object() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        assert_eq!(format.zero().format(), format);
        assert!(format.zero().is_zero());
        assert_eq!(format.word().parse(), Ok(format));
    }
}
