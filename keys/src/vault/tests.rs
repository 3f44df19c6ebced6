use super::*;

#[test]
fn a_secret_opens_where_it_was_closed_and_nowhere_else() {
    let vault = Vault::new(&KeyRing::of([7; 32])).expect("vault");
    let closed = vault
        .close("hunter2", "https://a.example/")
        .expect("closed");
    assert!(!closed.contains("hunter2"));
    assert_ne!(
        closed,
        vault
            .close("hunter2", "https://a.example/")
            .expect("closed")
    );
    assert_eq!(
        vault.open(&closed, "https://a.example/").as_deref(),
        Some("hunter2")
    );
    assert_eq!(vault.open(&closed, "https://b.example/"), None);
    assert_eq!(vault.open("", "https://a.example/"), None);
    assert_eq!(
        Vault::new(&KeyRing::of([8; 32]))
            .expect("vault")
            .open(&closed, "https://a.example/"),
        None
    );
}

#[test]
fn credentials_become_a_header() {
    let vault = Vault::new(&KeyRing::of([7; 32])).expect("vault");
    let mut upstream = UpstreamSettings {
        url: "https://a.example/".to_owned(),
        username: Some("me".to_owned()),
        password: Some(vault.close("pw", "https://a.example/").expect("closed")),
        ..UpstreamSettings::default()
    };
    let header = vault
        .authorization(&upstream)
        .expect("opens")
        .expect("some");
    assert_eq!(header.to_str().expect("text"), "Basic bWU6cHc=");
    assert!(header.is_sensitive());
    upstream.username = None;
    assert_eq!(
        vault
            .authorization(&upstream)
            .expect("opens")
            .expect("some"),
        "Bearer pw"
    );
    upstream.url = "https://b.example/".to_owned();
    assert!(
        vault.authorization(&upstream).is_err(),
        "they do not follow to another place"
    );
}

#[test]
fn what_an_older_key_closed_is_opened() {
    let old = KeyRing::of([7; 32]);
    let ring = old.rotated([8; 32], larder_model::Timestamp(0));
    let (old, new) = (
        Vault::new(&old).expect("vault"),
        Vault::new(&ring).expect("vault"),
    );
    let (before, after) = (
        old.close("secret", "here").expect("closed"),
        new.close("secret", "here").expect("closed"),
    );
    assert_eq!(new.open(&before, "here").as_deref(), Some("secret"));
    assert_eq!(new.open(&after, "here").as_deref(), Some("secret"));
    assert_eq!(new.open(&before, "there"), None);
    assert_eq!(old.open(&after, "here"), None, "the newest closes");
}
