//! What is secret and what is signed: tokens, seals, the vault of upstream passwords and keys,
//! certificates that we show, `OpenPGP` signatures.
//!
//! Knows: the cryptography, and how a secret is written down.
//! Must never know: who holds a secret, SQL, HTTP requests, where keys are stored.

pub mod ring;
pub mod seal;
pub mod secret;

mod client_certificate;
mod openpgp;
mod vault;

pub use client_certificate::{ClientCertificate, expires_at, read_authorities};
pub use openpgp::{SigningKey, TrustedKeys, Untrusted};
pub use ring::KeyRing;
pub use vault::{Credentials, Vault, client_key_place};
