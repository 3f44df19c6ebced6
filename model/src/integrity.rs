//! What an index says of an artifact's bytes, and the check while they arrive; or of what they
//! contain, and the check once all of them are here.

use crate::{Digest, Hasher, Problem};
use sha1::Digest as _;
use std::fmt::Debug;
use std::io::{Read, Seek};
use std::sync::Arc;

/// A file that can be read again, and in parts.
pub trait Body: Read + Seek + Send {}

impl<T: Read + Seek + Send> Body for T {}

/// Sums up what a file contains, so that two files with the same contents have the same sum, whatever
/// packs them.
pub trait ContentsReader: Send + Sync + Debug {
    /// The sum of a whole file. A problem of kind `DigestMismatch` if it is no file of its kind, or one
    /// that its clients refuse.
    fn sum(&self, file: &mut dyn Body) -> Result<String, Problem>;
}

/// What is said of a file's contents.
#[derive(Clone, Debug)]
pub struct Contents {
    /// How they are summed up.
    pub reader: Arc<dyn ContentsReader>,
    /// Their sum; `None`: nothing is known, and the first contents stay.
    pub sum: Option<Box<str>>,
}

impl Contents {
    /// Reads a whole file. Its sum; a problem of kind `DigestMismatch` if its contents are not what was
    /// said.
    pub fn require(&self, file: &mut dyn Body) -> Result<String, Problem> {
        let sum = self.reader.sum(file)?;
        match &self.sum {
            Some(expected) if **expected != *sum => Err(Problem::new(
                crate::Kind::DigestMismatch,
                "artifact",
                format!("the upstream's file contains {sum}, and {expected} was promised"),
            )),
            _ => Ok(sum),
        }
    }
}

/// Two are the same if they say the same of a file.
impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.sum == other.sum
    }
}

impl Eq for Contents {}

/// What an index says that the bytes of an artifact are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Integrity {
    /// This digest.
    Digest(Digest),
    /// A SHA-1, where an old index has nothing better.
    Sha1([u8; 20]),
    /// These contents, which only the whole file tells: nobody has any of it before.
    Contents(Contents),
    /// Nothing is known: the first bytes stay.
    None,
}

impl Integrity {
    /// As text, to be compared; empty for nothing.
    pub fn text(&self) -> String {
        match self {
            Self::Digest(digest) => digest.to_string(),
            Self::Sha1(bytes) => format!("sha1:{}", crate::hex::encode(bytes)),
            Self::Contents(contents) => contents.sum.as_deref().unwrap_or_default().to_owned(),
            Self::None => String::new(),
        }
    }

    /// Whether a file is what is said here, of which `text` was recorded when it came.
    pub fn is_recorded_as(&self, text: &str) -> bool {
        match self {
            Self::Contents(Contents { sum: None, .. }) => true,
            _ => self.text() == text,
        }
    }

    /// What is said of contents, if that is what is said.
    pub const fn contents(&self) -> Option<&Contents> {
        match self {
            Self::Contents(contents) => Some(contents),
            _ => None,
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
    /// Nothing to compare with, or nothing that bytes tell while they pass.
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
            Integrity::Contents(_) | Integrity::None => Self::None,
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
