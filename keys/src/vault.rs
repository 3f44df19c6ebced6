//! Secrets that must be read again: upstream passwords, encrypted in the database under the
//! server's key file.

use crate::ring::KeyRing;
use crate::seal::Seal;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderValue;
use larder_model::{Kind, Problem, UpstreamSettings};

const NONCE_BYTES: usize = 12;

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

    /// The `Authorization` header for an upstream, if it has credentials.
    pub fn authorization(
        &self,
        upstream: &UpstreamSettings,
    ) -> Result<Option<HeaderValue>, Problem> {
        let Some(password) = &upstream.password else {
            return Ok(None);
        };
        let password = self.open(password, &upstream.url).ok_or_else(|| {
            let detail =
                "the upstream's password cannot be read with this server's key; set it again";
            Problem::new(Kind::Upstream, "upstream", detail)
        })?;
        let text = match &upstream.username {
            Some(name) => format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))),
            None => format!("Bearer {password}"),
        };
        let mut value = HeaderValue::try_from(text).map_err(Problem::internal)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn own_key(key: &[u8; 32]) -> Result<RandomizedNonceKey, Problem> {
    let text = Seal::new(key, "vault").make(&[]);
    let own = URL_SAFE_NO_PAD.decode(text).map_err(Problem::internal)?;
    RandomizedNonceKey::new(&AES_256_GCM, &own).map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
