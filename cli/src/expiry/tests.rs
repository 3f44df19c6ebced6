use super::*;

#[test]
fn forms() {
    let now = "2030-01-01T00:00:00.5Z".parse().expect("time");
    for (text, expected) in [
        ("30d", "2030-01-31T00:00:00Z"),
        ("12h", "2030-01-01T12:00:00Z"),
        ("90m", "2030-01-01T01:30:00Z"),
        ("2w", "2030-01-15T00:00:00Z"),
        ("2031-02-03", "2031-02-03T00:00:00Z"),
        ("2031-02-03T04:05:06+01:00", "2031-02-03T03:05:06Z"),
    ] {
        let expiry: Expiry = text.parse().expect(text);
        assert_eq!(expiry.moment(now).to_string(), expected, "{text}");
    }
    for bad in [
        "",
        "d",
        "0d",
        "-1d",
        "+1d",
        "30",
        "30 d",
        "1000000d",
        "soon",
        "2031-02-30",
        "1ä",
        "ä",
    ] {
        assert!(bad.parse::<Expiry>().is_err(), "{bad}");
    }
}
