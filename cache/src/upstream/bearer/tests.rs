use super::*;

fn answer(text: &str) -> Answer {
    serde_json::from_str(text).expect(text)
}

#[test]
fn no_number_makes_a_token_last_for_ever() {
    for (told, seconds) in [
        ("null", 60),
        ("300", 300),
        ("300.0", 300),
        ("\"300\"", 300),
        ("\" 300.0 \"", 300),
        ("\"soon\"", 60),
        ("\"NaN\"", 60),
        ("[]", 60),
        ("true", 60),
        ("0", 0),
        ("-5", 0),
        ("18446744073709551615", 86_400),
        ("\"18446744073709551615\"", 86_400),
        ("1e300", 86_400),
        ("\"inf\"", 86_400),
    ] {
        let told_of = answer(&format!(r#"{{"token":"t","expires_in":{told}}}"#));
        assert_eq!(told_of.life(), Duration::from_secs(seconds), "{told}");
    }
    assert_eq!(answer("{}").life(), USUAL_LIFE);
}

#[test]
fn the_token_is_the_one_that_is_not_empty() {
    for (text, token) in [
        (r#"{"token":"a"}"#, Some("a")),
        (r#"{"access_token":"b"}"#, Some("b")),
        (r#"{"token":"","access_token":"b"}"#, Some("b")),
        (r#"{"token":null,"access_token":"b"}"#, Some("b")),
        (r#"{"token":"a","access_token":"b"}"#, Some("a")),
        (r#"{"token":"","access_token":""}"#, None),
        (r#"{"token":7}"#, None),
        ("{}", None),
    ] {
        assert_eq!(answer(text).token(), token, "{text}");
    }
}
