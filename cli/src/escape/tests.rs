use super::*;

#[test]
fn what_acts_is_shown_as_a_number() {
    assert_eq!(plain("größe 尺寸 a-b"), "größe 尺寸 a-b");
    assert_eq!(
        plain("a\u{1b}[31mb\r\n\t\u{9b}c"),
        r"a\u{1b}[31mb\u{d}\u{a}\u{9}\u{9b}c"
    );
    assert_eq!(
        plain("\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{61c}"),
        r"\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{61c}"
    );
}

#[test]
fn escaped_json_means_the_same() {
    let value = serde_json::json!({"a\u{202e}": ["x\u{1b}\u{9b}\u{feff}", "ä\n", 1]});
    let text = json(&value);
    assert!(text.chars().all(|c| c == '\n' || !acts(c)), "{text:?}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON"),
        value
    );
}
