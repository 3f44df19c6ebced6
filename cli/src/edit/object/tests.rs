use super::*;

fn wanted() -> Vec<String> {
    vec![r#"{"registry-mirrors": ["https://b.example"]}"#.to_owned()]
}

#[test]
fn items_are_added_before_others_and_taken_again() {
    let before = r#"{"debug": true, "registry-mirrors": ["https://a.example"]}"#;
    assert!(!satisfied(before, &wanted()));
    let after = put(before, &wanted()).expect("put");
    assert!(satisfied(&after, &wanted()));
    assert_eq!(
        after,
        r#"{"debug": true, "registry-mirrors": ["https://b.example", "https://a.example"]}"#
    );
    let value: Value = serde_json::from_str(&after).expect("JSON");
    let expected = serde_json::json!(
        {"debug": true, "registry-mirrors": ["https://b.example", "https://a.example"]}
    );
    assert_eq!(value, expected);

    // Edited since: what someone added stays.
    let edited = after.replace("\"debug\": true", "\"debug\": false, \"x\": [1]");
    let taken = take(&edited, before, &after).expect("take");
    let value: Value = serde_json::from_str(&taken).expect("JSON");
    let expected =
        serde_json::json!({"debug": false, "x": [1], "registry-mirrors": ["https://a.example"]});
    assert_eq!(value, expected);
    let taken = take(&put("{}", &wanted()).expect("put"), "{}", &after).expect("take");
    assert_eq!(taken, "{}\n");
}

#[test]
fn all_else_stays_as_someone_wrote_it() {
    let ours = r#""registry-mirrors": ["https://b.example"]"#;
    for (before, after) in [
        ("{}", format!("{{\n  {ours}}}")),
        (
            "{\n\t\"z\":1,\n\t\"a\":2}",
            format!("{{\n  {ours},\n\t\"z\":1,\n\t\"a\":2}}"),
        ),
        (
            r#"{"registry-mirrors" : [ ]}"#,
            r#"{"registry-mirrors" : ["https://b.example" ]}"#.to_owned(),
        ),
        // The same name deeper down, and in a string, is another's.
        (
            r#"{"x": {"registry-mirrors": ["y"]}, "s": "\"registry-mirrors\": ["}"#,
            format!(
                r#"{{@{ours}, "x": {{"registry-mirrors": ["y"]}}, "s": "\"registry-mirrors\": ["}}"#
            )
            .replace('@', "\n  ")
            .replace("], \"x\"", "],\"x\""),
        ),
    ] {
        assert_eq!(put(before, &wanted()).as_deref(), Ok(&*after), "{before}");
    }
}

#[test]
fn a_new_file_has_the_lines_as_they_are() {
    assert_eq!(
        put("", &wanted()).as_deref(),
        Ok(&*format!("{}\n", wanted()[0]))
    );
}

#[test]
fn what_is_no_object_of_lists_is_refused() {
    for (text, why) in [
        ("{", "it is no valid JSON (line 1)"),
        ("[]", "it is no JSON object"),
        (
            r#"{"registry-mirrors": "x"}"#,
            "registry-mirrors is no list there",
        ),
    ] {
        assert_eq!(put(text, &wanted()), Err(why.to_owned()));
    }
}
