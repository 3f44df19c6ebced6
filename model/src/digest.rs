//! Content digests (OCI image-spec "Digests"): `sha256:<64 hex>` and `sha512:<128 hex>`.

use crate::hex;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt;
use std::str::FromStr;

/// A registered digest algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub enum Algorithm {
    /// SHA-256, the default everywhere.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The registered name: the part before the colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of a digest in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl FromStr for Algorithm {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(BadDigest),
        }
    }
}

/// The digest of some bytes. Made only from checked text or by a [`Hasher`]; its order is that of
/// its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: [u8; 64], // the tail beyond the algorithm's size is zero
}

impl Digest {
    /// The algorithm before the colon.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw digest bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.size()]
    }

    /// The lower-case hex after the colon.
    pub fn hex(&self) -> String {
        hex::encode(self.bytes())
    }

    /// Its text, which takes no memory of its own.
    pub fn text(&self) -> DigestText {
        let name = self.algorithm.name().as_bytes();
        let start = name.len() + 1;
        let length = start + 2 * self.algorithm.size();
        let mut bytes = [b':'; LONGEST];
        bytes[..name.len()].copy_from_slice(name);
        hex::encode_into(self.bytes(), &mut bytes[start..length]);
        DigestText { bytes, length }
    }

    /// The digest of bytes at hand.
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

impl FromStr for Digest {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let (name, encoded) = text.split_once(':').ok_or(BadDigest)?;
        let algorithm = name.parse::<Algorithm>()?;
        let mut bytes = [0; 64];
        hex::decode_into(encoded, &mut bytes[..algorithm.size()]).ok_or(BadDigest)?;
        Ok(Self { algorithm, bytes })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The bytes of the longest text of a digest.
const LONGEST: usize = "sha512:".len() + 128;

/// The text of a digest.
#[derive(Clone, Copy, Debug)]
pub struct DigestText {
    bytes: [u8; LONGEST],
    length: usize,
}

impl DigestText {
    /// The hex after the colon.
    pub fn hex(&self) -> &str {
        self.split_once(':').map_or("", |(_, hex)| hex)
    }
}

impl std::ops::Deref for DigestText {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default() // it is ASCII
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no digest: unknown algorithm, wrong length, or not lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadDigest;

impl fmt::Display for BadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "not a digest: expected sha256:<64 hex digits> or sha512:<128 hex digits>, lower case",
        )
    }
}

impl std::error::Error for BadDigest {}

/// Hashes a stream. Its state can be stored and taken up again, by another process if need be.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256 in progress.
    Sha256(Sha256),
    /// SHA-512 in progress.
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// The algorithm that is being computed.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        let mut bytes = [0; 64];
        let algorithm = self.algorithm();
        match self {
            Self::Sha256(hasher) => bytes[..32].copy_from_slice(&hasher.finalize()),
            Self::Sha512(hasher) => bytes.copy_from_slice(&hasher.finalize()),
        }
        Digest { algorithm, bytes }
    }

    /// The state as bytes, for an upload session that outlives this process (104 or 208 bytes).
    pub fn state(&self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.serialize().to_vec(),
            Self::Sha512(hasher) => hasher.serialize().to_vec(),
        }
    }

    /// Takes up a stored state; `None` if the bytes are not one of `algorithm`.
    pub fn resume(algorithm: Algorithm, state: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Sha256 => {
                let state = <&SerializedState<Sha256>>::try_from(state).ok()?;
                Sha256::deserialize(state).ok().map(Self::Sha256)
            }
            Algorithm::Sha512 => {
                let state = <&SerializedState<Sha512>>::try_from(state).ok()?;
                Sha512::deserialize(state).ok().map(Self::Sha512)
            }
        }
    }
}

#[cfg(test)]
mod tests;
