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
    let header = vault.credentials(&upstream).expect("opens");
    let header = header.authorization.expect("some");
    assert_eq!(header.to_str().expect("text"), "Basic bWU6cHc=");
    assert!(header.is_sensitive());
    upstream.username = None;
    let bearer = vault.credentials(&upstream).expect("opens");
    assert_eq!(bearer.authorization.expect("some"), "Bearer pw");
    assert_eq!(bearer.client_certificate, None);
    upstream.url = "https://b.example/".to_owned();
    assert!(
        vault.credentials(&upstream).is_err(),
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

#[test]
fn a_certificate_goes_with_its_key_and_to_its_place_alone() {
    let vault = Vault::new(&KeyRing::of([7; 32])).expect("vault");
    let place = client_key_place("https://a.example/");
    let mut upstream = UpstreamSettings {
        url: "https://a.example/".to_owned(),
        client_certificate: Some("certificate".to_owned()),
        client_key: Some(vault.close("key,", &place).expect("closed")),
        ..UpstreamSettings::default()
    };
    let shown = vault.credentials(&upstream).expect("opens");
    assert_eq!(shown.client_certificate.as_deref(), Some("key,certificate"));
    assert_eq!(shown.authorization, None);
    assert!(!format!("{shown:?}").contains("key"), "it is not told");
    upstream.url = "https://b.example/".to_owned();
    assert!(vault.credentials(&upstream).is_err());
    // What was closed as a password is no key.
    upstream.client_key = Some(vault.close("key,", &upstream.url).expect("closed"));
    assert!(vault.credentials(&upstream).is_err());
}
