use super::*;

#[test]
fn nothing_of_others_is_more_than_text() {
    let page = page(StatusCode::OK, "T", &escape("<b>\"'&"));
    assert!(String::from_utf8_lossy(&page.body).contains("&lt;b&gt;&quot;&#x27;&amp;"));
    let policy = page.headers[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
}
