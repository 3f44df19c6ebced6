//! Names, checked when they are made and opaque afterwards.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Text that is not a valid name, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName(pub &'static str);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadName {}

/// Declares a checked string: made only by `FromStr`, shown as its text.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $type(Box<str>);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::names::BadName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use name;

name!(
    /// A repository's name: one path segment, lower case, e.g. `team`, `docker.io`.
    RepoName, check_repo
);
name!(
    /// A package's name inside a repo, in the canonical form of its protocol; at most 512 bytes, no
    /// control characters.
    PackageName, check_package
);
name!(
    /// A user's, group's or robot's name.
    UserName, check_user
);

/// A protocol's label: `oci`, `cargo`, `npm` and so on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ProtocolName(pub &'static str);

impl ProtocolName {
    /// Container images.
    pub const OCI: Self = Self("oci");

    /// All labels that addresses may have. Which of them this server can do is known where
    /// protocols are listed (`larder_mirrors::all`), not here.
    pub const ALL: [Self; 11] = [
        Self::OCI,
        Self("cargo"),
        Self("npm"),
        Self("pypi"),
        Self("rpm"),
        Self("go"),
        Self("deb"),
        Self("git"),
        Self("composer"),
        Self("maven"),
        Self("files"),
    ];
}

impl FromStr for ProtocolName {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.0 == text)
            .ok_or(BadName("unknown protocol"))
    }
}

impl fmt::Display for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for ProtocolName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for ProtocolName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One path component of the distribution spec's `<name>`: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
pub(crate) fn is_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut at = 0;
    loop {
        let start = at;
        while at < bytes.len() && plain(bytes[at]) {
            at += 1;
        }
        if at == start {
            return false;
        }
        if at == bytes.len() {
            return true;
        }
        let separator = at;
        while at < bytes.len() && bytes[at] == bytes[separator] {
            at += 1;
        }
        let allowed = match bytes[separator] {
            b'.' => at - separator == 1,
            b'_' => at - separator <= 2,
            b'-' => true,
            _ => false,
        };
        if !allowed {
            return false;
        }
    }
}

fn check_repo(text: &str) -> Result<(), BadName> {
    if text.len() <= 128 && is_component(text) {
        return Ok(());
    }
    Err(BadName(
        "a repository's name is at most 128 characters of a-z, 0-9 and single . _ - between them, e.g. team-images",
    ))
}

fn check_package(text: &str) -> Result<(), BadName> {
    if !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(BadName(
        "a package's name has 1 to 512 bytes and no control characters",
    ))
}

fn check_user(text: &str) -> Result<(), BadName> {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(byte);
    let first = text.as_bytes().first();
    if text.len() <= 64
        && first.is_some_and(u8::is_ascii_alphanumeric)
        && text.as_bytes().iter().all(inner)
    {
        return Ok(());
    }
    Err(BadName(
        "a user's name is 1 to 64 of A-Z, a-z, 0-9 and . _ - @ +, beginning with a letter or digit",
    ))
}

/// Under which name clients know a repository among other registries. Two repositories have two names;
/// dots would have clients read it as several.
pub fn client_key(repository: &str) -> String {
    match repository {
        "main" => "larder".to_owned(),
        other => format!("larder-{}", other.replace('.', "-")),
    }
}

#[cfg(test)]
mod tests;
