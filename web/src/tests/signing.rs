//! The key that signs a repository's metadata goes in and never out.

use super::{PASSWORD, basic, house};
use larder_model::Role;
use serde_json::json;

/// A key of Ed25519, and its fingerprint as gpg tells it.
const KEY: &str = include_str!("../../../keys/testdata/openpgp/ed25519.asc");
const FINGERPRINT: &str = "AF92424BE8D735D52E3AE46EE11D432D3CABDD39";

#[tokio::test]
async fn a_key_goes_in_and_its_fingerprint_out() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house
        .ask(
            &admin,
            "POST",
            "/repositories",
            r#"{"protocol":"rpm","name":"local"}"#,
        )
        .await;
    let set = |key: &str| json!({"signing_key": key}).to_string();
    let (status, shown) = house
        .ask(&admin, "PATCH", "/repositories/rpm/local", &set(KEY))
        .await;
    assert_eq!(
        (status, &shown["signing_key"]),
        (200, &json!(FINGERPRINT)),
        "{shown}"
    );
    let (_, shown) = house
        .ask(&admin, "GET", "/repositories/rpm/local", "")
        .await;
    assert_eq!(shown["signing_key"], json!(FINGERPRINT));
    let stored = house
        .metadata
        .repos()
        .await
        .expect("repos")
        .remove(0)
        .settings
        .write();
    assert!(
        !stored.contains("PRIVATE") && !stored.contains(KEY.lines().nth(3).expect("line")),
        "{stored}"
    );
    let sealed = larder_model::RepoSettings::read(&stored)
        .expect("settings")
        .signing_key
        .expect("key")
        .sealed;
    assert_eq!(
        house
            .gate
            .open_signing_key(&sealed, "rpm/local")
            .expect("key")
            .fingerprint(),
        FINGERPRINT
    );
    assert!(
        house.gate.open_signing_key(&sealed, "rpm/other").is_err(),
        "it is that repository's"
    );

    // Something else is changed, and the key stays.
    let (_, shown) = house
        .ask(
            &admin,
            "PATCH",
            "/repositories/rpm/local",
            r#"{"description":"ours"}"#,
        )
        .await;
    assert_eq!(shown["signing_key"], json!(FINGERPRINT));
    let (status, problem) = house
        .ask(&admin, "PATCH", "/repositories/rpm/local", &set("hello"))
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("signing_key_invalid")),
        "{problem}"
    );
    let writer = house.user("writer", false).await;
    house
        .admission("user:writer", "rpm/local", Role::Maintainer)
        .await;
    assert_eq!(
        house
            .ask(&writer, "PATCH", "/repositories/rpm/local", &set(KEY))
            .await
            .0,
        403
    );
    let (_, shown) = house
        .ask(&admin, "PATCH", "/repositories/rpm/local", &set(""))
        .await;
    assert!(shown.get("signing_key").is_none(), "{shown}");
}
