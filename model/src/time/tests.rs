use super::*;

#[test]
fn text_and_back() {
    for (micros, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00Z"),
        (1_795_255_509_123_456, "2026-11-21T10:05:09.123456Z"),
        (-1_000_000, "1969-12-31T23:59:59Z"),
    ] {
        assert_eq!(Timestamp(micros).to_string(), text);
        assert_eq!(text.parse(), Ok(Timestamp(micros)));
    }
    assert_eq!(
        "2026-11-21T11:05:09+01:00".parse(),
        Ok(Timestamp(1_795_255_509_000_000))
    );
    assert_eq!(
        "2026-11-21T10:05:09.5Z".parse(),
        Ok(Timestamp(1_795_255_509_500_000))
    );
    for bad in [
        "",
        "2026",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T10:05:09",
        "x026-11-21T10:05:09Z",
    ] {
        assert_eq!(bad.parse::<Timestamp>(), Err(BadTimestamp), "{bad}");
    }
}

#[test]
fn every_day_of_four_centuries_round_trips() {
    for day in -150_000..150_000 {
        let (year, month, date) = civil(day);
        assert_eq!(days(year, month, date), day);
    }
}

#[test]
fn dates_are_written_as_in_http() {
    for (text, date) in [
        ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        (
            "2026-11-29T23:59:59.999999Z",
            "Sun, 29 Nov 2026 23:59:59 GMT",
        ),
        ("2028-02-29T00:00:01Z", "Tue, 29 Feb 2028 00:00:01 GMT"),
    ] {
        let at: Timestamp = text.parse().expect("a time");
        assert_eq!(at.http_date(), date);
    }
}
