use super::*;

fn login(text: &'static str) -> Login {
    Login {
        header: HeaderValue::from_static(text),
        identity: Identity::Nobody,
    }
}

#[test]
fn a_token_is_used_until_shortly_before_its_end() {
    let (logins, token) = (Logins::default(), login("Bearer t"));
    logins.keep_token("image", token.clone(), Duration::from_hours(1));
    assert_eq!(logins.get("image", None), Some(token.clone()));
    assert_eq!(logins.get("other", None), None);
    logins.keep_token("image", token, MARGIN);
    assert_eq!(logins.get("image", None), None);
}

#[test]
fn credentials_are_shown_once_they_were_asked_for() {
    let (logins, ours) = (Logins::default(), HeaderValue::from_static("Basic x"));
    assert_eq!(logins.get("image", Some(&ours)), None);
    logins.keep_basic();
    let shown = logins.get("image", Some(&ours)).expect("a login");
    assert_eq!((shown.header, shown.identity), (ours, Identity::Ourselves));
    assert_eq!(logins.get("image", None), None);
}
