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

#[test]
fn a_form_leads_back_to_the_page_that_sent_it() {
    let of = |referer: &'static str| {
        let headers = HeaderMap::from_iter([(REFERER, HeaderValue::from_static(referer))]);
        sender(&headers, "https://larder.example:8080").map(str::to_owned)
    };
    let page = of("https://larder.example:8080/jobs/schedules?kind=gc");
    assert_eq!(page.as_deref(), Some("/jobs/schedules?kind=gc"));
    assert_eq!(of("https://larder.example:8080.evil.example/x"), None);
    assert_eq!(of("https://evil.example/"), None);
}
