use super::*;

fn read(values: &[&str]) -> Result<Option<Box<str>>, Problem> {
    let mut headers = HeaderMap::new();
    for value in values {
        let value = HeaderValue::try_from(*value).expect("header");
        headers.append(IDEMPOTENCY_KEY, value);
    }
    read_key(&headers)
}

#[test]
fn keys_are_read() {
    assert_eq!(read(&[]).expect("none"), None);
    let longest = "k".repeat(MAX);
    for (value, expected) in [
        (
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
        ),
        ("\"8e03978e\"", "8e03978e"),
        (" a ", "a"),
        (&longest, &longest),
    ] {
        assert_eq!(read(&[value]).expect("a key").as_deref(), Some(expected));
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let long = "k".repeat(MAX + 1);
    for values in [
        &["" as &str][..],
        &["\"\""],
        &["a b"],
        &["\"a"],
        &["é"],
        &[&long],
        &["a", "a"],
    ] {
        let refused = read(values).expect_err("no key");
        assert_eq!(
            (refused.kind, refused.about),
            (Kind::Invalid, "idempotency_key"),
            "{values:?}"
        );
    }
}

#[test]
fn only_what_was_done_or_is_wrong_in_itself_is_kept() {
    for (status, expected) in [
        (200, true),
        (201, true),
        (204, true),
        (400, true),
        (404, true),
        (409, true),
        (401, false),
        (403, false),
        (408, false),
        (429, false),
        (500, false),
        (503, false),
        (507, false),
    ] {
        let parsed = StatusCode::from_u16(status).expect("status");
        assert_eq!(is_kept(parsed), expected, "{status}");
    }
}
