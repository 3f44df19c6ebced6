use super::*;

/// Nobody failed meanwhile.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is asked as one that may refuse"
)]
fn open() -> Result<(), Problem> {
    Ok(())
}
use argon2::{PasswordHasher, PasswordVerifier};

/// What is stored is what any other program would store and read.
#[tokio::test]
async fn hashes_are_those_of_the_library() {
    let passwords = Passwords::new(7 << 20).expect("passwords");
    let stored = passwords.hash("secret").await.expect("hash");
    assert_ne!(
        stored,
        passwords.hash("secret").await.expect("hash"),
        "each has a salt of its own"
    );
    Argon2::default()
        .verify_password(b"secret", &PasswordHash::new(&stored).expect("hash"))
        .expect("the password");
    // Of other parameters, from times before a change of the configuration.
    let old = Argon2::new(
        Algorithm::Argon2i,
        Version::V0x10,
        Params::new(256, 3, 2, None).expect("parameters"),
    );
    let old = old.hash_password(b"password").expect("hash").to_string();
    assert!(
        passwords
            .verify("password", Some(&old), open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        !passwords
            .verify("passwore", Some(&old), open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        passwords
            .verify("secret", Some(&stored), open)
            .await
            .expect("verify")
            .holds,
        "after one of another size"
    );
}

#[tokio::test]
async fn the_decoy_is_checked_like_a_hash() {
    let passwords = Passwords::new(7 << 20).expect("passwords");
    let decoy = PasswordHash::new(&passwords.decoy).expect("a well-formed hash");
    let real = passwords.hash("secret").await.expect("hash");
    let real = PasswordHash::new(&real).expect("hash");
    assert_eq!(
        decoy.params.to_string(),
        real.params.to_string(),
        "the same work"
    );
    assert!(
        !passwords
            .verify("decoy", None, open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        passwords
            .verify("secret", Some(&real.to_string()), open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        !passwords
            .verify("Secret", Some(&real.to_string()), open)
            .await
            .expect("verify")
            .holds
    );
}
