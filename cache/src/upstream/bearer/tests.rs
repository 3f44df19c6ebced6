use super::*;

fn life(expires_in: &str) -> Duration {
    let text = format!(r#"{{"token":"t","expires_in":{expires_in}}}"#);
    serde_json::from_str::<Answer>(&text)
        .expect("answer")
        .life()
}

#[test]
fn no_number_makes_a_token_last_for_ever() {
    for (told, seconds) in [
        ("null", 60),
        ("300", 300),
        ("0", 0),
        ("-5", 0),
        ("18446744073709551615", 86_400),
        ("1e300", 86_400),
    ] {
        assert_eq!(life(told), Duration::from_secs(seconds), "{told}");
    }
}

#[test]
fn a_token_is_used_until_shortly_before_its_end() {
    let (tokens, token) = (Tokens::default(), HeaderValue::from_static("Bearer t"));
    tokens.keep("image", token.clone(), LONGEST_LIFE);
    assert_eq!(tokens.get("image"), Some(token.clone()));
    assert_eq!(tokens.get("other"), None);
    tokens.keep("image", token, MARGIN);
    assert_eq!(tokens.get("image"), None);
}
