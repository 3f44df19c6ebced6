use super::*;
use http::HeaderValue;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("value"))])
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
