use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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
            .verify("password", Some(&old), HERE, open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        !passwords
            .verify("passwore", Some(&old), HERE, open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        passwords
            .verify("secret", Some(&stored), HERE, open)
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
            .verify("decoy", None, HERE, open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        passwords
            .verify("secret", Some(&real.to_string()), HERE, open)
            .await
            .expect("verify")
            .holds
    );
    assert!(
        !passwords
            .verify("Secret", Some(&real.to_string()), HERE, open)
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
        let verdict = passwords.verify("wrong", stored, HERE, open).await;
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

/// Of names that nobody has, any number can be sent: those who have one need not wait for them.
#[tokio::test]
async fn names_that_nobody_has_take_no_turns() {
    let passwords = Passwords::new(7 << 20).expect("passwords");
    let own = passwords.hash("secret").await.expect("hash");
    let held: Vec<_> = (0..AT_ONCE)
        .map_while(|_| passwords.turns.at_once())
        .collect();
    let computed = passwords.computed();
    for _ in 0..100 {
        let verdict = passwords.verify("any", None, HERE, open).await;
        assert!(!verdict.expect("verify").holds);
    }
    assert_eq!(
        (passwords.computed(), passwords.turns.waiting()),
        (computed, 0)
    );
    let waits = passwords.verify("secret", Some(&own), HERE, open);
    let (verdict, ()) = tokio::join!(waits, async { drop(held) });
    assert!(verdict.expect("verify").holds);
}

/// A name that fails too often is told so, though its turn would never come.
#[tokio::test]
async fn names_that_nobody_has_are_shut_too() {
    let passwords = Passwords::new(7 << 20).expect("passwords");
    let held: Vec<_> = (0..AT_ONCE)
        .map_while(|_| passwords.turns.at_once())
        .collect();
    let shut = || Err(Problem::new(Kind::TooMany, "credentials", "wait"));
    let verdict = passwords.verify("any", None, HERE, shut).await;
    assert!(verdict.is_err_and(|problem| problem.kind == Kind::TooMany));
    drop(held);
}
