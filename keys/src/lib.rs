//! What is secret and what is signed: tokens, seals, the vault of upstream passwords, `OpenPGP`
//! signatures.
//!
//! Knows: the cryptography, and how a secret is written down.
//! Must never know: who holds a secret, SQL, HTTP requests, where keys are stored.

pub mod ring;
pub mod seal;
pub mod secret;

mod openpgp;
mod vault;

pub use openpgp::SigningKey;
pub use ring::KeyRing;
pub use vault::Vault;
