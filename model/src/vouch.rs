//! What an index says of an artifact's bytes, and the check while they arrive.

use crate::{Digest, Hasher};
use sha1::Digest as _;

/// What vouches for an artifact's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Vouch {
    /// This digest.
    Digest(Digest),
    /// A SHA-1, where an old index has nothing better.
    Sha1([u8; 20]),
    /// Nothing: the first bytes stay.
    Nothing,
}

impl Vouch {
    /// As text, to be compared; empty for nothing.
    pub fn text(&self) -> String {
        match self {
            Self::Digest(digest) => digest.to_string(),
            Self::Sha1(bytes) => format!("sha1:{}", crate::hex::encode(bytes)),
            Self::Nothing => String::new(),
        }
    }
}

/// Sees all bytes and tells whether they are those that were vouched for.
#[derive(Clone)]
pub enum Checker {
    /// Against a digest.
    Digest(Box<Hasher>, Digest),
    /// Against a SHA-1.
    Sha1(Box<sha1::Sha1>, [u8; 20]),
    /// Against nothing.
    Nothing,
}

impl Checker {
    /// A check against `vouch`.
    pub fn new(vouch: &Vouch) -> Self {
        match vouch {
            Vouch::Digest(digest) => {
                Self::Digest(Box::new(Hasher::new(digest.algorithm())), *digest)
            }
            Vouch::Sha1(expected) => Self::Sha1(Box::default(), *expected),
            Vouch::Nothing => Self::Nothing,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Digest(hasher, _) => hasher.update(bytes),
            Self::Sha1(hasher, _) => hasher.update(bytes),
            Self::Nothing => {}
        }
    }

    /// Whether all bytes together are what was vouched for.
    pub fn agrees(self) -> bool {
        match self {
            Self::Digest(hasher, expected) => hasher.finish() == expected,
            Self::Sha1(hasher, expected) => hasher.finalize().as_slice() == expected,
            Self::Nothing => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    #[test]
    fn bytes_are_what_was_vouched_for_or_not() {
        let sha1 =
            *b"\x0a\x4d\x55\xa8\xd7\x78\xe5\x02\x2f\xab\x70\x19\x77\xc5\xd8\x40\xbb\xc4\x86\xd0"; // "Hello World"
        let vouches = [
            Vouch::Digest(Digest::of(Algorithm::Sha512, b"Hello World")),
            Vouch::Sha1(sha1),
            Vouch::Nothing,
        ];
        for (vouch, wrong) in vouches.iter().zip([false, false, true]) {
            let mut checker = Checker::new(vouch);
            checker.update(b"Hello ");
            checker.update(b"World");
            assert!(checker.agrees(), "{vouch:?}");
            let mut checker = Checker::new(vouch);
            checker.update(b"hello World");
            assert_eq!(checker.agrees(), wrong, "{vouch:?}");
        }
    }
}
