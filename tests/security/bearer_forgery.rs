//! Class 6: a bearer token of someone else's making is taken.
//!
//! Tokens whose parts were exchanged, and other algorithms, are in `tests/access/tokens.rs`
//! (`forged_tokens_open_nothing`). Here every token has a signature that holds: of the server's own
//! key over claims that it does not make, and of keys that a forger could know.

use crate::callers::{bearer, larder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_model::{Algorithm, Digest};
use larder_tests::Image;
use larder_tests::random::Random;
use serde_json::{Value, json};

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(Digest::of(Algorithm::Sha256, key).bytes());
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |byte: u8| block.map(|of_key| of_key ^ byte).to_vec();
    let inner = [pad(0x36), message.to_vec()].concat();
    let inner = Digest::of(Algorithm::Sha256, &inner);
    let outer = [pad(0x5c), inner.bytes().to_vec()].concat();
    Digest::of(Algorithm::Sha256, &outer).bytes().to_vec()
}

/// A token of these texts, signed with a key.
fn signed(header: &str, claims: &str, key: &[u8]) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    format!("{message}.{}", encode(&hmac(key, message.as_bytes())))
}

/// Claims with one that is other, or missing.
fn with(claims: &Value, key: &str, value: Value) -> String {
    let mut claims = claims.clone();
    if value.is_null() {
        claims.as_object_mut().expect("claims").remove(key);
    } else {
        claims[key] = value;
    }
    claims.to_string()
}

/// Claims that the server never makes.
fn strange_claims(real: &Value) -> Vec<String> {
    let now = real["iat"].as_i64().expect("time");
    let mut all = Vec::new();
    for key in ["iss", "aud", "sub", "exp", "nbf", "access"] {
        all.push(with(real, key, Value::Null));
        all.push(with(real, key, json!({"of": "another kind"})));
    }
    for (key, value) in [
        ("aud", json!("other")),
        ("aud", json!("")),
        ("iss", json!("https://larder.example/")),
        ("exp", json!(now - 60)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("nbf", json!(now + 600)),
        ("uid", json!("1")),
        ("uid", json!(i64::MAX)),
        ("tid", json!(12345)),
        ("admin", json!(true)),
        ("scope", json!("*")),
    ] {
        all.push(with(real, key, value));
    }
    // Readers differ in which of two they take.
    let text = real.to_string();
    let twice = |more: &str| format!("{{{more},{}", &text[1..]);
    all.push(twice(r#""sub":"admin""#));
    all.push(twice(r#""uid":1"#));
    all.push(twice(r#""exp":9999999999"#));
    all.extend([
        String::new(),
        "null".into(),
        "[]".into(),
        format!("{text} ,"),
    ]);
    all
}

#[test]
fn what_the_server_does_not_make_opens_nothing_however_it_is_signed() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[10]);
    image.push(&larder.admin(), "team/app", "latest");
    let path = "/v2/team/app/tags/list";
    let real = larder
        .admin()
        .get("/v2/token?scope=repository:team/app:pull");
    let real = real.expect(200).json()["token"]
        .as_str()
        .expect("token")
        .to_owned();
    let claims = real.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("claims");
    let key = std::fs::read_to_string(larder.data().join("token.key")).expect("key");
    let digit = |at: usize| u8::from_str_radix(&key[at..at + 2], 16).expect("hex");
    let key: Vec<u8> = (0..64).step_by(2).map(digit).collect();
    let is_let_in = |token: &str| bearer(&larder, token).get(path).status == 200;

    // With the key a forger is the server: that is what tells the others from it.
    assert!(is_let_in(&signed(HEADER, &claims.to_string(), &key)));

    let mut forged: Vec<String> = strange_claims(&claims)
        .iter()
        .map(|claims| signed(HEADER, claims, &key))
        .collect();
    let claims = claims.to_string();
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"1"}"#,
        r#"{"alg":"HS256","jku":"https://evil.example/keys"}"#,
        r#"{"alg":"HS256","x5u":"https://evil.example/cert"}"#,
        r#"{"alg":"HS256","x5c":["AAAA"]}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        "[]",
        "",
    ] {
        forged.push(signed(header, &claims, &key));
    }
    // Keys that anybody could know, and signatures of nothing.
    for key in [&b""[..], b"secret", b"larder", &[0; 32], &[1; 32], b"null"] {
        forged.push(signed(HEADER, &claims, key));
    }
    let message = real.rsplit_once('.').expect("signature").0;
    for signature in [String::new(), "AA".into(), URL_SAFE_NO_PAD.encode([0; 64])] {
        forged.push(format!("{message}.{signature}"));
    }
    assert!(forged.len() > 50, "{}", forged.len());
    for token in forged {
        let answer = bearer(&larder, &token).get(path);
        assert_eq!(answer.status, 401, "{token}: {}", answer.text());
        let answer = bearer(&larder, &token).get("/api/v1/whoami");
        assert_eq!(answer.status, 401, "{token}: {}", answer.text());
    }
    assert!(is_let_in(&real));
}
