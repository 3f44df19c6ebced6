//! Class 40: tokens can be guessed, or read where they are kept.
//!
//! Secrets are 256 bits of the system's randomness and are kept as their SHA-256
//! (`keys/secret/tests.rs`); that no secret is in any file is in `tests/access/tokens.rs`
//! (`no_secret_stands_in_the_data`) and `canary_secrets`. Here someone has the whole database and
//! tries all that is in it.

use crate::callers::{bearer, larder, token};
use larder_model::{Algorithm, Digest};
use larder_tests::random::Random;
use larder_tests::{Client, Image};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn tokens_are_of_one_form_and_no_two_are_alike() {
    let larder = larder();
    let mut seen = BTreeSet::new();
    let mut digits = [0_u32; 16];
    for at in 0..64 {
        let (_, secret) = token(&larder.admin(), "", &json!({"name": format!("t{at}")}));
        let bits = secret
            .strip_prefix("lrd_")
            .expect("the prefix that scanners know")
            .to_owned();
        assert_eq!(bits.len(), 64, "256 bits in hex");
        for char in bits.chars() {
            digits[char.to_digit(16).expect("hex") as usize] += 1;
        }
        // Not even the beginnings are alike: nothing of it counts.
        assert!(seen.insert(bits[..16].to_owned()), "{bits}");
    }
    // 4096 digits, 256 of each, give or take much more than chance would.
    assert!(
        digits.iter().all(|count| (128..=384).contains(count)),
        "{digits:?}"
    );
}

#[test]
fn nothing_in_the_database_is_a_credential() {
    let mut larder = larder();
    Image::random(&mut Random::seeded(), &[10]).push(&larder.admin(), "team/app", "latest");
    larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "reader");
    let alice = larder.user("alice", larder_tests::larder::PASSWORD);
    let (_, secret) = token(&alice, "", &json!({"name": "ci"}));
    let refresh = alice.get("/v2/token?offline_token=true").json();
    let refresh = refresh["refresh_token"].as_str().expect("token").to_owned();
    larder.stop();
    let mut dump = Vec::new();
    for entry in std::fs::read_dir(larder.data()).expect("data") {
        let path = entry.expect("entry").path();
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        if name.contains(".db") {
            dump.extend(std::fs::read(&path).expect("database"));
        }
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-$,.".contains(byte);
    let words = dump
        .split(|byte| !is_part(byte))
        .filter(|word| word.len() >= 24);
    let words: BTreeSet<String> = words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    // The hashes are found: what is tried is what is there.
    for secret in [&secret, &refresh] {
        let hash = Digest::of(Algorithm::Sha256, secret.as_bytes()).hex();
        assert!(
            words.iter().any(|word| word.contains(&hash)),
            "no hash of a token"
        );
        assert!(
            !words.iter().any(|word| word.contains(&secret[4..])),
            "a token"
        );
    }
    assert!(
        words.iter().any(|word| word.contains("argon2id")),
        "no hash of a password"
    );
    larder.start_again();
    let try_out = |client: Client, word: &str| {
        let answer = client.get("/v2/team/app/tags/list");
        assert_eq!(answer.status, 401, "{word} opens something");
    };
    // Rows stand beside each other without a gap: every 64 digits of a longer word are tried too.
    let digits = |word: &String| -> Vec<String> {
        let is_hex = |part: &&[u8]| part.iter().all(u8::is_ascii_hexdigit);
        let parts = word.as_bytes().windows(64).filter(is_hex);
        parts
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect()
    };
    let all: BTreeSet<String> = words
        .iter()
        .flat_map(digits)
        .chain(words.iter().cloned())
        .collect();
    for word in all.iter().filter(|word| word.len() < 4096) {
        try_out(bearer(&larder, word), word);
        try_out(bearer(&larder, &format!("lrd_{word}")), word);
    }
    let passwords = words
        .iter()
        .filter(|word| word.contains("argon2") || word.len() == 64);
    for word in passwords.take(20) {
        try_out(larder.user("alice", word), word);
    }
    bearer(&larder, &secret)
        .get("/v2/team/app/tags/list")
        .expect(200);
}

/// A token that was made for less tells nothing of the others of its owner.
#[test]
fn a_limited_token_lists_itself_alone() {
    let larder = larder();
    let alice = larder.make_user("alice");
    token(&alice, "", &json!({"name": "laptop"}));
    let grants = json!([{"repository": "npm/local", "role": "reader"}]);
    let limited = json!({"name": "ci", "grants": grants});
    let (id, secret) = token(&alice, "", &limited);
    let ci = bearer(&larder, &secret);
    let names = |path: &str, of: &str| {
        let list = ci.get(path).expect(200).json();
        let items = list[of].as_array().expect("items").clone();
        let text = |item: &Value| {
            item["id"]
                .as_str()
                .or(item["key"].as_str())
                .map(str::to_owned)
        };
        items.iter().filter_map(text).collect::<Vec<_>>()
    };
    assert_eq!(names("/api/v1/tokens", "items"), [&*id]);
    assert_eq!(names("/api/v1/tokens?prefix=c", "items"), [&*id]);
    assert!(names("/api/v1/tokens?prefix=l", "items").is_empty());
    assert!(names(&format!("/api/v1/tokens?after={id}"), "items").is_empty());
    let path = "/npm/local/-/npm/v1/tokens";
    assert_eq!(names(path, "objects").len(), 1);
    let all = alice.get(path).expect(200).json();
    assert_eq!(all["objects"].as_array().expect("objects").len(), 2);
}
