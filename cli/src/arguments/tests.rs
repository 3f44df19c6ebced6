use super::*;
use serde_json::json;

#[test]
fn token_grants() {
    let read = |text: &str| serde_json::to_value(token_grant(text).expect(text)).expect("JSON");
    assert_eq!(
        read("oci/team:reader"),
        json!({"repository": "oci/team", "package": "*", "role": "reader"})
    );
    assert_eq!(
        read("maven/*:writer:g:a*"),
        json!({"repository": "maven/*", "package": "g:a*", "role": "writer"})
    );
    for bad in [
        "",
        "oci/team",
        "oci/team:",
        ":reader",
        "oci/team:owner",
        "oci/team:Reader",
    ] {
        assert!(token_grant(bad).is_err(), "{bad}");
    }
}

#[test]
fn repositories_and_blocks() {
    assert_eq!(repo_path("npm/main").expect("path").to_string(), "npm/main");
    for bad in ["team", "ocy/team", "oci/Team", "oci/a/b"] {
        assert!(repo_path(bad).is_err(), "{bad}");
    }
    let told = |text: &str| block(text).map(|block| block.reason);
    assert_eq!(
        told("evil-*= known malware "),
        Ok(Some("known malware".to_owned()))
    );
    assert_eq!(told("evil-*="), Ok(None));
    assert!(told("=why").is_err());
}
