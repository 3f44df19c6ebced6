//! Another signing key: what was signed by the one before is believed for a while, what was closed
//! with it is closed anew.

use crate::bed::{BINARY, Home};
use larder_tests::larder::PASSWORD;
use larder_tests::secure::{Authority, Certificate};
use larder_tests::{Larder, Start, Upstream};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// Whether the password of the mirror's upstream can be read.
fn reads_password(larder: &Larder) -> bool {
    let check = larder.api("POST", "repositories/npm/up/upstream/check", "{}", 200);
    let paid = larder.api("POST", "repositories/npm/paid/upstream/check", "{}", 200);
    assert_eq!(
        paid["problem"], "nothing listens at its address",
        "its key can be read"
    );
    let problem = check["problem"].as_str().unwrap_or_default().to_owned();
    assert!(
        check["reachable"] == true || problem.contains("cannot be read"),
        "{check}"
    );
    !problem.contains("cannot be read")
}

/// What a bearer token is answered.
fn status(larder: &Larder, token: &str) -> u16 {
    let headers = [("authorization", &*format!("Bearer {token}"))];
    larder.anonymous().send("GET", "/v2/", &headers, b"").status
}

#[test]
fn a_key_is_rotated() {
    let upstream = Upstream::start();
    let mut larder = Start::of(BINARY).start();
    let mirror = json!({"protocol": "npm", "name": "up", "kind": "mirror", "upstream": {
        "url": upstream.url(), "username": "us", "password": "secret", "allow_private": true}});
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    let (certificate, key) = Authority::default().client(Certificate::Right);
    let paid = json!({"protocol": "npm", "name": "paid", "kind": "mirror", "upstream": {
        "url": "https://127.0.0.1:9/", "client_certificate": certificate, "client_key": key,
        "allow_private": true}});
    larder.api("POST", "repositories", &paid.to_string(), 201);
    let bearer = || {
        let told = larder
            .user("admin", PASSWORD)
            .get("/v2/token")
            .expect(200)
            .json();
        told["token"].as_str().expect("a token").to_owned()
    };
    let before = bearer();
    let file = larder.data().join("token.key");
    let lines = || -> Vec<String> {
        let text = std::fs::read_to_string(&file).expect("keys");
        text.lines().map(str::to_owned).collect()
    };
    let first = lines();
    let home = Home::new();
    let rotate = format!("key rotate --data {}", larder.data().display());
    let refused = home.run(&rotate).ends(6);
    assert!(
        refused.err.contains("another larder is running"),
        "{refused:?}"
    );
    larder.stop();
    let ran = home.run(&format!("{rotate} --json")).ends(0);
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (&told["secrets"], &told["older_keys"]),
        (&2.into(), &1.into())
    );
    assert!(ran.err.contains("2 stored secrets"), "{ran:?}");
    let both = lines();
    assert_eq!(both.len(), 2);
    assert!(
        both[0] != first[0] && both[1].starts_with(&first[0]),
        "the newest is first"
    );
    let mode = std::fs::metadata(&file).expect("keys").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    larder.start_again();
    assert_eq!(status(&larder, &before), 200, "it is believed for a day");
    assert!(reads_password(&larder));
    // The older key may go: nothing that is stored needs it.
    larder.stop();
    std::fs::write(&file, format!("{}\n", both[0])).expect("keys");
    larder.start_again();
    assert_eq!(status(&larder, &before), 401);
    assert!(reads_password(&larder));
    // Nor is anything lost with another one that is no key.
    larder.stop();
    std::fs::write(&file, "no key\n").expect("keys");
    let refused = home.run(&rotate).ends(1);
    assert!(refused.err.contains("has no signing keys"), "{refused:?}");
}
