use super::*;
use http::HeaderValue;

#[test]
fn an_upstream_makes_us_wait_within_bounds() {
    let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("time");
    let wait = |text: &str| {
        let value = HeaderValue::from_str(text).expect("value");
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
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
