//! Secrets that must be read again: upstream passwords and the keys of client certificates,
//! encrypted in the database under the server's key file.

use crate::ring::KeyRing;
use crate::seal::Seal;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use larder_model::{Kind, Problem, UpstreamSettings};
use std::fmt;

const NONCE_BYTES: usize = 12;

/// What lets us in at an upstream.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The `Authorization` header.
    pub authorization: Option<HeaderValue>,
    /// The certificate that is shown, with its private key (PEM).
    pub client_certificate: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// The place for which the key of an upstream's client certificate is closed.
pub fn client_key_place(url: &str) -> String {
    format!("client key of {url}")
}

/// Encrypts and decrypts (AES-256-GCM). What was encrypted for one place is of no use in another.
pub struct Vault {
    newest: RandomizedNonceKey,
    older: Vec<RandomizedNonceKey>,
}

impl Vault {
    /// A vault under the newest of the server's keys, which all open it.
    pub fn new(ring: &KeyRing) -> Result<Self, Problem> {
        let older = ring.all().skip(1).map(own_key);
        Ok(Self {
            newest: own_key(ring.newest())?,
            older: older.collect::<Result<_, _>>()?,
        })
    }

    /// Text that only [`Self::open`] with the same `place` can read.
    pub fn close(&self, secret: &str, place: &str) -> Result<String, Problem> {
        let mut sealed = secret.as_bytes().to_vec();
        let nonce = self
            .newest
            .seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut sealed)
            .map_err(Problem::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// The secret; `None` if it was not closed here for this place.
    pub fn open(&self, text: &str, place: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let open = |key: &RandomizedNonceKey| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let opened = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed);
            String::from_utf8(opened.ok()?.to_vec()).ok()
        };
        open(&self.newest).or_else(|| self.older.iter().find_map(open))
    }

    /// What lets us in at an upstream.
    pub fn credentials(&self, upstream: &UpstreamSettings) -> Result<Credentials, Problem> {
        Ok(Credentials {
            authorization: self.authorization(upstream)?,
            client_certificate: self.client_certificate(upstream)?,
        })
    }

    /// The client certificate for an upstream with its key, if it has one.
    fn client_certificate(&self, upstream: &UpstreamSettings) -> Result<Option<String>, Problem> {
        let both = upstream.client_certificate.as_ref();
        let Some((certificate, key)) = both.zip(upstream.client_key.as_ref()) else {
            return Ok(None);
        };
        let key = self.open(key, &client_key_place(&upstream.url));
        let key = key.ok_or_else(|| unreadable("key of its client certificate"))?;
        Ok(Some(format!("{key}{certificate}")))
    }

    /// The `Authorization` header for an upstream, if it has a password.
    fn authorization(&self, upstream: &UpstreamSettings) -> Result<Option<HeaderValue>, Problem> {
        let Some(password) = &upstream.password else {
            return Ok(None);
        };
        let password = self.open(password, &upstream.url);
        let password = password.ok_or_else(|| unreadable("password"))?;
        let text = match &upstream.username {
            Some(name) => format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))),
            None => format!("Bearer {password}"),
        };
        let mut value = HeaderValue::try_from(text).map_err(Problem::internal)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// What was closed under another key, or for another place.
fn unreadable(what: &str) -> Problem {
    let detail =
        format!("the upstream's {what} cannot be read with this server's key; set it again");
    Problem::new(Kind::Upstream, "upstream", detail)
}

fn own_key(key: &[u8; 32]) -> Result<RandomizedNonceKey, Problem> {
    let text = Seal::new(key, "vault").make(&[]);
    let own = URL_SAFE_NO_PAD.decode(text).map_err(Problem::internal)?;
    RandomizedNonceKey::new(&AES_256_GCM, &own).map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
