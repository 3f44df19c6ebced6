//! Passwords: argon2id, two at a time at most, and the same time for a user that is not there.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use larder_model::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes computed at once: logins must not take all memory and all processors.
const AT_ONCE: usize = 2;

/// Passes over the memory.
const PASSES: u32 = 2;

/// Hashes and checks passwords off the request threads.
pub(crate) struct Passwords {
    argon: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Checked against when there is no such user: a hash like any other, over a password that nobody has.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(memory_bytes: u64) -> Result<Self, Problem> {
        let kib = u32::try_from(memory_bytes / 1024).unwrap_or(u32::MAX);
        let params = Params::new(kib, PASSES, 1, None).map_err(|error| Problem::internal(error.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        // Written, not computed: the check costs the same, and a start need not wait for it.
        let (salt, sum) = ("bGFyZGVyLWRlY295LXNhbHQ", "A".repeat(43));
        let decoy = format!("$argon2id$v=19$m={kib},t={PASSES},p=1${salt}${sum}");
        Ok(Self { argon, slots: Arc::new(Semaphore::new(AT_ONCE)), decoy: decoy.into() })
    }

    /// A password's hash, with its salt and parameters (PHC string).
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Problem> {
        let (argon, password) = (self.argon.clone(), password.to_owned());
        self.run(move || hash(&argon, password.as_bytes())).await?
    }

    /// Whether the password is the one of `stored`; takes as long without it.
    pub(crate) async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, Problem> {
        let (argon, password) = (self.argon.clone(), password.to_owned());
        let known = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.decoy), Arc::from);
        let verify = move || -> Result<bool, Problem> {
            let parsed = PasswordHash::new(&stored).map_err(|error| Problem::internal(error.to_string()))?;
            Ok(argon.verify_password(password.as_bytes(), &parsed).is_ok())
        };
        Ok(self.run(verify).await?? && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(Problem::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(slot);
            done
        });
        done.await.map_err(Problem::internal)
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8]) -> Result<String, Problem> {
    let hash = argon.hash_password(password).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_decoy_is_checked_like_a_hash() {
        let passwords = Passwords::new(7 << 20).expect("passwords");
        let decoy = PasswordHash::new(&passwords.decoy).expect("a well-formed hash");
        let real = passwords.hash("secret").await.expect("hash");
        let real = PasswordHash::new(&real).expect("hash");
        assert_eq!(decoy.params.to_string(), real.params.to_string(), "the same work");
        assert!(!passwords.verify("decoy", None).await.expect("verify"));
        assert!(passwords.verify("secret", Some(&real.to_string())).await.expect("verify"));
        assert!(!passwords.verify("Secret", Some(&real.to_string())).await.expect("verify"));
    }
}
