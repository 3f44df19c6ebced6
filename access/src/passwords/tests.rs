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

/// Who is unknown costs as much as who is known (class 24): the memory of a hash was filled, as
/// large as it is for anyone.
#[tokio::test]
async fn a_name_without_a_password_costs_a_hash() {
    let work = async |stored: Option<&str>| {
        let passwords = Passwords::new(7 << 20).expect("passwords");
        let own = passwords.hash("secret").await.expect("hash");
        *passwords.memory.0.lock().expect("memory") = Vec::new();
        let stored = stored.map(|_| &*own);
        let verdict = passwords.verify("wrong", stored, open).await;
        assert!(!verdict.expect("verify").holds);
        let memory = passwords.memory.0.lock().expect("memory");
        let filled = memory
            .iter()
            .filter(|block| block.as_ref().iter().any(|word| *word != 0));
        (memory.len(), filled.count())
    };
    let known = work(Some("a hash")).await;
    assert!(known.1 > 1000, "{known:?}");
    assert_eq!(work(None).await, known);
}
