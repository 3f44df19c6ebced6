use super::*;
use http::HeaderValue;

#[test]
fn the_first_language_that_there_is_counts() {
    for (asked, language) in [
        ("", Language::English),
        ("de, fr;q=0.8", Language::English),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
        ("ZH", Language::Chinese),
        ("de-DE, en-GB;q=0.9, zh;q=0.8", Language::English),
        ("zhx, en", Language::English),
    ] {
        let value = HeaderValue::from_str(asked).expect("header");
        let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, value)]);
        assert_eq!(Language::of_headers(&headers), language, "{asked}");
    }
}

#[test]
fn one_thing_and_several_are_told_apart() {
    assert_eq!(Language::English.catalog_versions(1), "1 version");
    assert_eq!(Language::English.catalog_versions(2), "2 versions");
    assert_eq!(Language::Chinese.catalog_versions(1), "1 个版本");
}
