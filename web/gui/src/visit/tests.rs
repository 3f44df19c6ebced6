use super::*;
use http::HeaderValue;

#[test]
fn cookies_say_how_pages_look() {
    let of = |cookie: &'static str| {
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookie))]);
        let look = Appearance::of(&headers);
        (look.language, look.theme, look.has_keys)
    };
    assert_eq!(of("a=b"), (Language::English, Theme::System, true));
    assert_eq!(
        of("larder_session=x; larder_language=zh; larder_theme=dark; larder_keys=off"),
        (Language::Chinese, Theme::Dark, false)
    );
    assert_eq!(
        of("larder_language=xx;larder_theme=<b>"),
        (Language::English, Theme::System, true)
    );
}
