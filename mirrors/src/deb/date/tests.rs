use super::*;

#[test]
fn dates_are_read_and_written_alike() {
    for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 UTC", 0),
        ("Sun, 29 Nov 2026 08:01:02 UTC", 1_795_939_262),
        ("Thu, 29 Feb 2024 23:59:59 UTC", 1_709_251_199),
        ("Fri, 31 Dec 1999 12:00:00 UTC", 946_641_600),
    ] {
        let at = Timestamp(seconds * MICROSECONDS);
        assert_eq!(read(text), Some(at), "{text}");
        assert_eq!(write(at), text);
    }
    // Of a day of one digit, and without the day of the week.
    assert_eq!(
        read("Sat, 9 Nov 2024 00:00:00 UTC"),
        read("09 Nov 2024 00:00:00 GMT")
    );
    for text in [
        "",
        "Sat, 32 Nov 2026 08:01:02 UTC",
        "Sat, 29 Nov 2026 08:01:02 CET",
        "2026-11-29",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}
