//! A repository as people and the API name it: `oci/team`.

use crate::names::{BadName, ProtocolName, RepoName};
use crate::permission::{Permission, RefScope, Verb};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A protocol and the name of a repository of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RepoPath {
    /// What its clients speak.
    pub protocol: ProtocolName,
    /// Its name.
    pub name: RepoName,
}

impl RepoPath {
    /// The path of a protocol and a name that are texts; `None` if one of them is none.
    pub fn of(protocol: &str, name: &str) -> Option<Self> {
        Some(Self {
            protocol: protocol.parse().ok()?,
            name: name.parse().ok()?,
        })
    }

    /// Something done to the whole of it.
    pub fn permission(&self, verb: Verb) -> Permission {
        Permission {
            protocol: self.protocol,
            repo: self.name.clone(),
            package: None,
            refs: RefScope::All,
            verb,
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol, self.name)
    }
}

impl FromStr for RepoPath {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let (protocol, name) = text.split_once('/').ok_or(BadName(
            "a repository is written as protocol/name, e.g. oci/team",
        ))?;
        Ok(Self {
            protocol: protocol.parse()?,
            name: name.parse()?,
        })
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
