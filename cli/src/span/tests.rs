use super::*;

#[test]
fn forms() {
    for (text, expected) in [
        ("0", 0),
        ("300", 300),
        ("30s", 30),
        ("5m", 300),
        ("12h", 43_200),
        ("1w", 604_800),
    ] {
        assert_eq!(text.parse(), Ok(Span(expected)), "{text}");
    }
    for bad in [
        "", "m", "-1", "+1s", "5 m", "1000000", "1.5h", "ä", "1ä", "5mm",
    ] {
        assert!(bad.parse::<Span>().is_err(), "{bad}");
    }
}
