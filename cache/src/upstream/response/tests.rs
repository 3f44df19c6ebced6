use super::*;
use http::HeaderValue;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("value"))])
}

#[test]
fn an_upstream_makes_us_wait_within_bounds() {
    let wait = |text: &str| retry_after(&headers(RETRY_AFTER, text)).map(|wait| wait.as_secs());
    assert_eq!(retry_after(&HeaderMap::new()), None);
    for (text, seconds) in [
        ("0", 1),
        ("30", 30),
        (" 30 ", 30),
        ("601", 600),
        ("18446744073709551615", 600),
        ("99999999999999999999999", 60),
        ("soon", 60),
        ("-1", 60),
    ] {
        assert_eq!(wait(text), Some(seconds), "{text}");
    }
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    let size = |text: &str| announced_size(&headers(CONTENT_LENGTH, text));
    assert_eq!(size("700").expect("size"), Some(700));
    assert_eq!(size(&i64::MAX.to_string()).expect("size"), Some(LARGEST));
    assert_eq!(size("many").expect("no size"), None);
    for text in ["9223372036854775808", "18446744073709551615"] {
        assert_eq!(size(text).expect_err(text).kind, Kind::Upstream);
    }
}
