//! Secrets of our making: `lrd_` and 256 random bits, stored only as their SHA-256.

use larder_model::{Algorithm, Digest, hex};
use std::fmt;

/// What every token begins with, so that scanners and people know it.
pub const PREFIX: &str = "lrd_";

/// A secret on its way to the one who asked for it. Has no `Display` and an empty `Debug`.
pub struct Secret(String);

impl Secret {
    /// A new token.
    pub fn token() -> Result<Self, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self::of(&random))
    }

    /// The token of these 256 bits, which nobody else can know.
    pub fn of(bits: &[u8]) -> Self {
        Self(format!("{PREFIX}{}", hex::encode(bits)))
    }

    /// The text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is stored of a token that someone shows.
pub fn hash(token: &str) -> String {
    Digest::of(Algorithm::Sha256, token.as_bytes()).hex()
}

/// A text for the log, without the secrets of tokens in it.
pub fn hidden(text: &str) -> String {
    let mut parts = text.split(PREFIX);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.extend([PREFIX, "…"]);
        shown.push_str(part.trim_start_matches(|char: char| char.is_ascii_alphanumeric()));
    }
    shown
}

#[cfg(test)]
mod tests;
