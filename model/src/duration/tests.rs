use super::*;

#[test]
fn a_number_and_its_unit() {
    for (written, ms, shown) in [
        ("500ms", 500, "500ms"),
        ("45s", 45_000, "45s"),
        ("90s", 90_000, "90s"),
        ("120s", 120_000, "2m"),
        ("24h", 86_400_000, "1d"),
        ("0s", 0, "0s"),
    ] {
        let duration = parse(written).expect(written);
        assert_eq!(duration, Duration::from_millis(ms), "{written}");
        assert_eq!(text(duration), shown);
        assert_eq!(parse(shown), Some(duration), "{shown}");
    }
}

#[test]
fn nothing_else() {
    for bad in [
        "",
        "s",
        "45",
        "-5s",
        "5 m",
        "1.5h",
        "5M",
        "1h30m",
        "+1s",
        "99999999999999999999s",
        "18446744073709551615d",
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}
