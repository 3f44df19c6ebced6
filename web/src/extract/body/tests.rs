use super::*;
use http::HeaderValue;

#[test]
fn bodies_are_json() {
    let check = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
        check_type(&headers).is_ok()
    };
    assert!(check("application/json") && check("Application/JSON; charset=utf-8"));
    for bad in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/plain;application/json",
        "",
    ] {
        assert!(!check(bad), "{bad}");
    }
    assert!(check_type(&HeaderMap::new()).is_err());
}
