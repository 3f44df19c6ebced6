use super::*;
use serde_json::json;

#[test]
fn nothing_of_the_document_is_more_than_text() {
    let document = json!({"info": {"title": "<script>alert(1)</script>"}});
    let page = render(&document);
    assert!(
        page.contains("&#60;script&#62;") && !page.contains("<script"),
        "{page}"
    );
}
