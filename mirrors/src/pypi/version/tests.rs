use super::*;

#[test]
fn versions_have_their_order() {
    let ordered = [
        "1.dev0",
        "1.0.dev456",
        "1.0a1",
        "1.0a2.dev456",
        "1.0a12.dev456",
        "1.0a12",
        "1.0b1.dev456",
        "1.0b2",
        "1.0b2.post345.dev456",
        "1.0b2.post345",
        "1.0rc1.dev456",
        "1.0rc1",
        "1.0",
        "1.0+abc.5",
        "1.0+abc.7",
        "1.0+5",
        "1.0.post456.dev34",
        "1.0.post456",
        "1.0.15",
        "1.1.dev1",
        "1.9",
        "1.10",
        "20260101",
        "1!0.1",
    ];
    let parsed: Vec<Version> = ordered
        .iter()
        .map(|text| Version::parse(text).expect(text))
        .collect();
    for (at, one) in parsed.iter().enumerate() {
        assert_eq!(one.to_string(), ordered[at]);
        for (other, version) in parsed.iter().enumerate() {
            assert_eq!(one.cmp(version), at.cmp(&other), "{one} {version}");
        }
    }
}

#[test]
fn all_spellings_of_a_version_are_read() {
    let spellings = [
        ("V1.0.0", "1.0"),
        ("1.0-ALPHA.1", "1.0a1"),
        ("1.0_preview-2", "1.0rc2"),
        ("1.0c3", "1.0rc3"),
        ("1.0-4", "1.0.post4"),
        ("1.0rev", "1.0.post0"),
        ("1.0r-5", "1.0.post5"),
        ("1.0dev", "1.0.dev0"),
        ("01.00", "1"),
        ("0!1", "1"),
        ("1.0a.dev1", "1.0a0.dev1"),
        ("1.0+Ubuntu_01-x", "1.0+ubuntu.1.x"),
    ];
    for (one, other) in spellings {
        assert_eq!(Version::parse(one), Version::parse(other), "{one}");
        assert!(Version::parse(one).is_some(), "{one}");
    }
}

#[test]
fn invalid_versions_are_refused() {
    let bad = [
        "",
        "v",
        "a",
        "1.",
        "1..0",
        "1.0-",
        "1.0+",
        "1.0+a+b",
        "1.0+a..b",
        "!1",
        "a!1",
        "1.0 ",
        "1.0x1",
        "1.0\u{e9}",
        "1.99999999999999999999999",
        "1.0-99999999999999999999999",
        "1.0.post99999999999999999999999",
        "1.0.dev1a1",
    ];
    for text in bad {
        assert!(Version::parse(text).is_none(), "{text}");
    }
}
