//! Kinds of rows: of files, repositories, users and tokens. Each has one word, which the database
//! and the API use.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Text that names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind")
    }
}

impl std::error::Error for UnknownKind {}

/// Declares an enum whose variants each have a word.
macro_rules! kinds {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word in the database and in the API.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $type {
            type Err = UnknownKind;
            fn from_str(text: &str) -> Result<Self, UnknownKind> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownKind),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

pub(crate) use kinds;

kinds! {
    /// What a file of a package is. With the path it is the file's key, so that no name that a
    /// client chooses meets one of ours.
    FileKind {
        /// The package's name is taken, whatever else is there. Its path is empty.
        Name = "name",
        /// A blob of an image; the path is its digest.
        Blob = "blob",
        /// A manifest of an image; the path is its digest.
        Manifest = "manifest",
        /// A name that may move to other bytes: a tag of an image, a dist-tag.
        Tag = "tag",
        /// What changes: an index, a packument. Fetched from an upstream or composed here.
        Document = "document",
        /// What never changes: a tarball, a wheel.
        Artifact = "artifact",
        /// A document in another representation; made here and made again at any time.
        Representation = "representation",
        /// A version or a file that was deleted, and whose name stays reserved.
        Tombstone = "tombstone",
    }
}

kinds! {
    /// What a repository is.
    RepoKind {
        /// What is published here.
        Hosted = "hosted",
        /// An upstream, pulled through and kept.
        Mirror = "mirror",
        /// An ordered list of repositories under one address.
        Group = "group",
    }
}

kinds! {
    /// Whom a user's row is for.
    UserKind {
        /// A person.
        Person = "person",
        /// A machine.
        Robot = "robot",
    }
}

kinds! {
    /// How a token came to be.
    TokenKind {
        /// Made by a person.
        Access = "access",
        /// Made by a client's login.
        Offline = "offline",
    }
}

#[cfg(test)]
mod tests;
