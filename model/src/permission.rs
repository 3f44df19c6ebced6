//! What is done to what: the permission that a grant must cover.

use crate::names::{ProtocolName, RepoName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a caller wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verb {
    /// See its name in a list. Whoever may read may list; a token may be for lists only.
    List,
    /// Pull, search.
    Read,
    /// Push, publish.
    Write,
    /// Remove a tag, a version, a blob.
    Delete,
    /// Change the repo itself, its retention, its grants.
    Administer,
}

impl Verb {
    /// The word that a person reads.
    pub const fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Administer => "administer",
        }
    }

    /// The least role that holds it.
    pub const fn least_role(self) -> Role {
        match self {
            Self::List | Self::Read => Role::Reader,
            Self::Write => Role::Writer,
            Self::Delete => Role::Maintainer,
            Self::Administer => Role::Admin,
        }
    }
}

/// A role, from least to most; each holds the verbs of those before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read.
    Reader,
    /// Read and publish.
    Writer,
    /// Writer, and delete.
    Maintainer,
    /// All of a repo.
    Admin,
}

impl Role {
    /// Whether the role allows the verb.
    pub fn allows(self, verb: Verb) -> bool {
        let least = match verb {
            Verb::List | Verb::Read => Self::Reader,
            Verb::Write => Self::Writer,
            Verb::Delete => Self::Maintainer,
            Verb::Administer => Self::Admin,
        };
        self >= least
    }

    /// The word used in the API and in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Maintainer => "maintainer",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Reader, Self::Writer, Self::Maintainer, Self::Admin]
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or(())
    }
}

/// One thing that a request does, on one package of one repo.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Permission {
    /// The protocol of the repo.
    pub protocol: ProtocolName,
    /// The repo.
    pub repo: RepoName,
    /// The package; `None` where the whole repo is meant.
    pub package: Option<Box<str>>,
    /// Which of the package's refs.
    pub refs: RefScope,
    /// What is done.
    pub verb: Verb,
}

/// Which refs of a package a permission is about. Packages of most protocols have none: there it is
/// always [`Self::All`].
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum RefScope {
    /// All of them, and whatever else the package has.
    #[default]
    All,
    /// Any one of them: whether there is one at all.
    Any,
    /// The one of this full name, e.g. `refs/heads/main`.
    Named(Box<str>),
}

impl RefScope {
    /// The one ref that is meant.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::All | Self::Any => None,
        }
    }
}

impl Permission {
    /// The repo as people name it everywhere: `oci/team`.
    pub fn repository(&self) -> String {
        [self.protocol.0, "/", self.repo.as_str()].concat()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.verb.word(), self.protocol, self.repo)?;
        if let Some(package) = &self.package {
            write!(f, " {package}")?;
        }
        match self.refs.name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}
