use super::*;
use larder_api::{NewGrant, NewToken, NewUser, RepositoryChange, SettingsChange, VersionChange};

/// What is wrong with a body: the noun of the code, and the sentence.
fn wrong<T: DeserializeOwned>(body: &str) -> (&'static str, String) {
    match read::<T>(&Method::POST, body.as_bytes()) {
        Ok(_) => panic!("{body} is read"),
        Err(problem) => (problem.about, problem.detail.into_owned()),
    }
}

fn told(about: &'static str, detail: &str) -> (&'static str, String) {
    (about, detail.to_owned())
}

#[test]
fn values_are_read_by_kind() {
    let body = br#"{"superuser":true,"name":"alice","disabled":null,"password":"a\u0000"}"#;
    let user: NewUser = read(&Method::POST, body).expect("user");
    assert_eq!((user.name.as_str(), &*user.password), ("alice", "a\0"));
    assert_eq!((user.superuser, user.disabled), (Some(true), None));
    let token: NewToken = read(
        &Method::POST,
        br#"{"name":"a","grants":[{"repository":"oci/a","role":"writer","package":null}]}"#,
    )
    .expect("token");
    let grants = token.grants.expect("grants");
    assert_eq!(grants[0].package.as_str(), "*");
    let change: RepositoryChange = read(
        &Method::PATCH,
        br#"{"blocked":[{"package":"x","reason":null}],"upstream":{"url":"u"}}"#,
    )
    .expect("change");
    assert_eq!(change.blocked.expect("blocked")[0].reason, None);
}

#[test]
fn null_in_a_patch_takes_back_what_can_be_and_is_refused_else() {
    let patch = |body: &str| read::<RepositoryChange>(&Method::PATCH, body.as_bytes());
    for body in [
        r#"{"open":null,"quota":null}"#,
        r#"{"quota":{"versions":null}}"#,
        r#"{"upstream":{"answer_time":null}}"#,
    ] {
        patch(body).unwrap_or_else(|problem| panic!("{body}: {}", problem.detail));
    }
    for (body, field) in [
        (r#"{"offline":null}"#, "offline"),
        (r#"{"blocked":null}"#, "blocked"),
        (r#"{"upstream":{"password":null}}"#, "password"),
        (r#"{"upstream":null}"#, "upstream"),
    ] {
        let Err(problem) = patch(body) else {
            panic!("{body} is read");
        };
        assert_eq!(problem.about, field);
        assert!(
            problem.detail.contains("leave it out"),
            "{}",
            problem.detail
        );
    }
}

#[test]
fn what_is_wrong_is_named_and_not_repeated() {
    for (body, expected) in [
        (
            r#"{"name":"a","password":123456789}"#,
            told("password", "`password` is text"),
        ),
        (
            r#"{"name":"a"}"#,
            told("password", "the body lacks `password`"),
        ),
        (
            r#"{"name":null,"password":"x"}"#,
            told("name", "the body lacks `name`"),
        ),
        (
            r#"{"name":"a","password":"x","superuser":"yes"}"#,
            told("superuser", "`superuser` is true or false"),
        ),
        (
            r#"{"name":"a","password":"x","pasword":"hunter2"}"#,
            told("body", "this call knows no field \"pasword\""),
        ),
    ] {
        assert_eq!(wrong::<NewUser>(body), expected, "{body}");
    }
    let (about, detail) = wrong::<NewUser>(r#"{"name":"a b","password":"x"}"#);
    assert_eq!(about, "name");
    assert!(detail.starts_with("`name`: a user's name is"), "{detail}");
    let (about, detail) =
        wrong::<NewGrant>(r#"{"subject":"anonymous","repository":"*","role":"owner"}"#);
    assert_eq!(
        (about, &*detail),
        ("role", "`role` is reader, writer, maintainer or admin")
    );
}

#[test]
fn parts_of_parts_are_named_too() {
    let change = |body: &str| wrong::<RepositoryChange>(body);
    assert_eq!(
        change(r#"{"upstream":{"url":5}}"#),
        told("url", "`url` is text")
    );
    assert_eq!(
        change(r#"{"upstream":{"uri":"x"}}"#),
        told("body", "this call knows no field \"uri\"")
    );
    assert_eq!(
        change(r#"{"upstream":"x"}"#),
        told("upstream", "`upstream` is an object")
    );
    assert_eq!(
        change(r#"{"upstream":{"requests_per_minute":4294967296}}"#),
        told(
            "requests_per_minute",
            "`requests_per_minute` is a smaller number"
        )
    );
    for number in ["-1", "1.5", "1e3", "\"1\""] {
        let body = format!(r#"{{"fresh_seconds":{number}}}"#);
        assert_eq!(
            change(&body),
            told("fresh_seconds", "`fresh_seconds` is a whole number"),
            "{body}"
        );
    }
    assert_eq!(
        change(r#"{"members":["a",5]}"#),
        told("members", "`members` is a list of texts")
    );
    assert_eq!(
        change(r#"{"blocked":["evil-*"]}"#),
        told("blocked", "`blocked`: it is a list of objects")
    );
    for body in [
        r#"{"blocked":{}}"#,
        r#"{"blocked":[{"package":""}]}"#,
        r#"{"blocked":[{"reason":"x"}]}"#,
        r#"{"blocked":[{"package":"x","reasons":"y"}]}"#,
    ] {
        assert_eq!(change(body).0, "blocked", "{body}");
    }
    let token = |body: &str| wrong::<NewToken>(body).0;
    assert_eq!(token(r#"{"name":"a","grants":{}}"#), "grants");
    assert_eq!(
        token(r#"{"name":"a","grants":[{"role":"reader"}]}"#),
        "repository"
    );
    assert_eq!(
        token(r#"{"name":"a","grants":[{"repository":"*","role":"reader","x":1}]}"#),
        "body"
    );
    assert_eq!(token(r#"{"name":"a","expires_at":"30d"}"#), "expires_at");
    assert_eq!(
        wrong::<SettingsChange>(r#"{"oci":{"default_mirror":1}}"#),
        told("default_mirror", "`default_mirror` is text")
    );
    assert_eq!(
        wrong::<VersionChange>(r#"{"yanked":1}"#),
        told("yanked", "`yanked` is true, false, or the reason why")
    );
}

#[test]
fn bodies_that_are_no_objects() {
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for bad in [
        "",
        "[]",
        "{",
        r#""a""#,
        r#"{"offline":true,"offline":true}"#,
        r#"{"oci":{"default_mirror":"a","default_mirror":"b"}}"#,
        r#"{"offline":true}x"#,
        "null",
        "{\"offline\":\u{1}}",
        &deep,
    ] {
        assert_eq!(wrong::<SettingsChange>(bad).0, "body", "{bad}");
    }
    assert!(read::<SettingsChange>(&Method::PATCH, b"{\"offline\":\"\xff\"}").is_err());
    assert!(read::<SettingsChange>(&Method::PATCH, b"{}").is_ok());
}
