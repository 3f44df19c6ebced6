//! What an index says of an artifact's bytes, and the check while they arrive.

use crate::{Digest, Hasher};
use sha1::Digest as _;

/// What an index says that the bytes of an artifact are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Integrity {
    /// This digest.
    Digest(Digest),
    /// A SHA-1, where an old index has nothing better.
    Sha1([u8; 20]),
    /// Nothing is known: the first bytes stay.
    None,
}

impl Integrity {
    /// As text, to be compared; empty for nothing.
    pub fn text(&self) -> String {
        match self {
            Self::Digest(digest) => digest.to_string(),
            Self::Sha1(bytes) => format!("sha1:{}", crate::hex::encode(bytes)),
            Self::None => String::new(),
        }
    }
}

/// Sees all bytes and tells whether they are the expected ones.
#[derive(Clone)]
pub enum Checker {
    /// Against a digest.
    Digest(Box<Hasher>, Digest),
    /// Against a SHA-1.
    Sha1(Box<sha1::Sha1>, [u8; 20]),
    /// Nothing to compare with.
    None,
}

impl Checker {
    /// A check against `integrity`.
    pub fn new(integrity: &Integrity) -> Self {
        match integrity {
            Integrity::Digest(digest) => {
                Self::Digest(Box::new(Hasher::new(digest.algorithm())), *digest)
            }
            Integrity::Sha1(expected) => Self::Sha1(Box::default(), *expected),
            Integrity::None => Self::None,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Digest(hasher, _) => hasher.update(bytes),
            Self::Sha1(hasher, _) => hasher.update(bytes),
            Self::None => {}
        }
    }

    /// Whether all bytes together are the expected ones.
    pub fn agrees(self) -> bool {
        match self {
            Self::Digest(hasher, expected) => hasher.finish() == expected,
            Self::Sha1(hasher, expected) => hasher.finalize().as_slice() == expected,
            Self::None => true,
        }
    }
}

#[cfg(test)]
mod tests;
