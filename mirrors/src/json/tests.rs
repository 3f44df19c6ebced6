use super::*;

impl Entries for u8 {}

fn read(text: &str) -> Result<Object<'_>, serde_json::Error> {
    serde_json::from_str(text)
}

#[test]
fn entries_keep_their_order_and_their_spelling() {
    let text = r#"{"b": 1.0, "a\u0062": [1, 2], "c": "x\ny"}"#;
    let object = read(text).expect("an object");
    let entries: Vec<_> = object
        .iter()
        .map(|(key, value)| (key, value.get()))
        .collect();
    assert_eq!(
        entries,
        [("b", "1.0"), ("ab", "[1, 2]"), ("c", r#""x\ny""#)]
    );
    assert_eq!(object.text("c").as_deref(), Some("x\ny"));
    assert_eq!(object.text("b"), None);
    assert_eq!(object.value::<Vec<u8>>("ab"), Some(vec![1, 2]));
    assert_eq!(object.texts(), [("c".into(), "x\ny".into())]);
    let mut out = Vec::new();
    object
        .write(&mut out, |key, _, out| {
            let is_ours = key == "b";
            if is_ours {
                out.extend(b"2");
            }
            Ok(is_ours)
        })
        .expect("written");
    assert_eq!(out, br#"{"b":2,"ab":[1, 2],"c":"x\ny"}"#);
}

#[test]
fn duplicate_keys_are_refused() {
    let many = |count: usize, last: &str| {
        let entries: Vec<String> = (0..count).map(|at| format!("\"{at}\":0")).collect();
        format!("{{{},\"{last}\":1}}", entries.join(","))
    };
    for text in [
        r#"{"a":1,"b":2,"a":3}"#.to_owned(),
        r#"{"a":1,"\u0061":2}"#.to_owned(),
        many(FEW_ENTRIES - 1, "7"),
        many(FEW_ENTRIES, "7"),
    ] {
        let error = read(&text).expect_err("refused").to_string();
        assert!(error.contains("is duplicate"), "{error}");
    }
    // These have the same length, and the same first, middle and last byte.
    assert_eq!(
        read(r#"{"aXbcd":1,"aYbcd":2}"#).expect("an object").len(),
        2
    );
    for count in [FEW_ENTRIES - 1, FEW_ENTRIES] {
        let object = many(count, "-");
        assert_eq!(read(&object).expect("an object").len(), count + 1);
    }
    let nested: Object<'_, Object<'_>> =
        serde_json::from_str(r#"{"a":{"x":1},"b":{"x":2}}"#).expect("two objects");
    assert_eq!(nested.len(), 2);
    let twice = serde_json::from_str::<Object<'_, Object<'_>>>(r#"{"a":{"x":1,"x":2}}"#);
    assert!(twice.is_err());
}

#[test]
fn objects_have_a_limit() {
    let entries = |count: usize| {
        let entries: Vec<String> = (0..count).map(|at| format!("\"{at}\":0")).collect();
        format!("{{{}}}", entries.join(","))
    };
    assert_eq!(
        read(&entries(MAX_ENTRIES)).expect("read").len(),
        MAX_ENTRIES
    );
    let error = read(&entries(MAX_ENTRIES + 1)).expect_err("too many");
    assert!(error.to_string().contains("too many entries"), "{error}");
}

#[test]
fn entries_are_set_in_their_place() {
    let mut object: Object<'_, u8> = serde_json::from_str(r#"{"a":1,"b":2}"#).expect("read");
    object.set("a", 3);
    object.set("c", 4);
    object.retain(|key| key != "b");
    assert_eq!(object.iter().collect::<Vec<_>>(), [("a", &3), ("c", &4)]);
    assert!(!object.is_empty());
}

#[test]
fn written_objects_are_json() {
    let mut writer = ObjectWriter::new();
    writer.put("a\"b", 1);
    writer.put("c", quoted("x\ny"));
    assert_eq!(writer.end(), r#"{"a\"b":1,"c":"x\ny"}"#);
    assert_eq!(ObjectWriter::new().end(), "{}");
}

#[test]
fn objects_within_have_a_limit_together() {
    let document = |objects: usize| {
        let entries: Vec<String> = (0..50_000).map(|key| format!("\"{key}\":0")).collect();
        let object = format!("{{{}}}", entries.join(","));
        let all: Vec<String> = (0..objects)
            .map(|key| format!("\"{key}\":{object}"))
            .collect();
        format!("{{{},\"none\":null}}", all.join(","))
    };
    let read = |text: &str| serde_json::from_str::<Object<'_, Option<Object<'_>>>>(text).map(drop);
    read(&document(20)).expect("a million entries");
    let error = read(&document(21)).expect_err("more");
    assert!(error.to_string().contains("too many entries"), "{error}");
}
