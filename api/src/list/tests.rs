use super::*;

#[test]
fn a_page_names_the_next_only_if_there_is_one() {
    let json = |items: &[u32], limit| {
        serde_json::to_string(&List::of(items.to_vec(), limit, u32::to_string)).expect("json")
    };
    assert_eq!(json(&[], 2), r#"{"items":[],"next":null}"#);
    assert_eq!(json(&[1, 2], 2), r#"{"items":[1,2],"next":null}"#);
    assert_eq!(json(&[1, 2, 3], 2), r#"{"items":[1,2],"next":"2"}"#);
}
