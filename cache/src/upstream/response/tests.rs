use super::*;
use http::HeaderValue;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("value"))])
}

#[test]
fn an_upstream_makes_us_wait_within_bounds() {
    let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("time");
    let wait = |text: &str| {
        let headers = headers(RETRY_AFTER, text);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    };
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
    for (text, seconds) in [
        ("0", 1),
        ("30", 30),
        (" 30 ", 30),
        ("601", 600),
        ("18446744073709551615", 600),
        ("99999999999999999999999", 60),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 30),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 1),
        ("Mon, 06 Nov 2094 08:49:37 GMT", 600),
        ("Sun, 06 Nov 1994", 60),
        ("soon", 60),
        ("-1", 60),
    ] {
        assert_eq!(wait(text), Some(seconds), "{text}");
    }
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    let size = |text: &str| announced_size(&headers(CONTENT_LENGTH, text)).map_err(|TooLarge| ());
    assert_eq!(size("700"), Ok(Some(700)));
    assert_eq!(size(&i64::MAX.to_string()), Ok(Some(LARGEST)));
    assert_eq!(size("many"), Ok(None));
    for text in ["9223372036854775808", "18446744073709551615"] {
        assert_eq!(size(text), Err(()), "{text}");
    }
}
