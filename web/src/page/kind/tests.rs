use super::*;
use serde_json::json;
#[test]
fn kinds_are_told_in_words() {
    let object = |text: &str| (text.to_owned(), Some("User".to_owned()));
    let plain = |text: &str| (text.to_owned(), None);
    let user = json!({"$ref": "#/components/schemas/User"});
    for (schema, expected) in [
        (user.clone(), object("User")),
        (
            json!({"type": "array", "items": user}),
            object("list of User"),
        ),
        (
            json!({"type": ["array", "null"], "items": user}),
            object("list of User | null"),
        ),
        (
            json!({"oneOf": [{"type": "null"}, user]}),
            object("null | User"),
        ),
        (json!({"type": ["string", "null"]}), plain("string | null")),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            plain("a | b"),
        ),
    ] {
        let kind = kind(&schema);
        assert_eq!((kind.text, kind.object), expected, "{schema}");
    }
}
