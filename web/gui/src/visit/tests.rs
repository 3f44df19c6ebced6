use super::*;
use http::HeaderValue;

#[test]
fn cookies_say_how_pages_look() {
    let of = |cookie: &'static str| {
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookie))]);
        let Appearance { language, theme } = Appearance::of(&headers);
        (language, theme)
    };
    assert_eq!(of("a=b"), (Language::English, Theme::System));
    assert_eq!(
        of("larder_session=x; larder_language=zh; larder_theme=dark"),
        (Language::Chinese, Theme::Dark)
    );
    assert_eq!(
        of("larder_language=xx;larder_theme=<b>"),
        (Language::English, Theme::System)
    );
}
