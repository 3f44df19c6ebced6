//! Names of objects: the hash of what they are.

use std::fmt;
use std::str::FromStr;

/// What names of objects are hashed with (gitformat-hash).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ObjectFormat {
    /// SHA-1.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

impl ObjectFormat {
    /// Its name in the protocol.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// The hexadecimal digits of a name.
    pub const fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }

    /// The name of no object.
    pub fn zero(self) -> Oid {
        Oid("0".repeat(self.digits()).into())
    }
}

impl FromStr for ObjectFormat {
    type Err = BadOid;

    fn from_str(word: &str) -> Result<Self, BadOid> {
        match word {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            _ => Err(BadOid),
        }
    }
}

/// The name of an object, in lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Oid(Box<str>);

/// A text that is no name of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadOid;

impl Oid {
    /// Its text.
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the name of no object: of a ref that is not there.
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|digit| digit == b'0')
    }

    /// What it is hashed with.
    pub const fn format(&self) -> ObjectFormat {
        match self.0.len() {
            64 => ObjectFormat::Sha256,
            _ => ObjectFormat::Sha1,
        }
    }
}

impl FromStr for Oid {
    type Err = BadOid;

    fn from_str(text: &str) -> Result<Self, BadOid> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 40 | 64) && text.bytes().all(is_digit) {
            Ok(Self(text.into()))
        } else {
            Err(BadOid)
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BadOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of an object: 40 or 64 lower-case hexadecimal digits")
    }
}

impl std::error::Error for BadOid {}

#[cfg(test)]
mod tests;
