use super::*;

#[test]
fn bytes_have_three_digits() {
    for (count, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1_536, "1.53 kB"),
        (99_999, "99.9 kB"),
        (123_456_789, "123 MB"),
        (1_000_000_000, "1.00 GB"),
        (u64::MAX, "18.4 EB"),
    ] {
        assert_eq!(bytes(count), text);
    }
}

#[test]
fn what_takes_any_time_takes_a_millisecond() {
    for (seconds, whole) in [
        (0.0, 0),
        (0.000_3, 1),
        (0.25, 250),
        (61.7, 61_700),
        (-1.0, 0),
    ] {
        assert_eq!(milliseconds(seconds), whole);
    }
}

#[test]
fn thousands_stand_apart() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1000, "1 000"),
        (1_234_567, "1 234 567"),
    ] {
        assert_eq!(count(number).replace('\u{202f}', " "), text);
    }
}

#[test]
fn digests_are_cut() {
    let text = format!("sha256:{}", "0123456789abcdef".repeat(4));
    assert_eq!(digest(&text), "0123456789ab");
}

#[test]
fn browsers_are_told_in_short() {
    let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
        HeadlessChrome/156.0.0.0 Safari/537.36";
    assert_eq!(browser(chrome), "Chrome 156, Linux");
    let firefox = "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0";
    assert_eq!(browser(firefox), "Firefox 115, Windows");
    assert_eq!(browser("curl/8"), "curl/8");
}
