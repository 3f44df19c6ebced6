//! What can be asked of the API.

use crate::page::Page;
use larder_metadata::repos::RepoRecord;
use larder_model::{Permission, Problem, ProtocolName, RepoName, UserName, Verb};
use std::fmt;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Repositories of which the caller may see something.
    ListRepositories(Page),
    /// A new repository.
    CreateRepository,
    /// One repository.
    GetRepository(RepoPath),
    /// Other settings for it.
    ChangeRepository(RepoPath),
    /// No such repository any more, even if something refers to it.
    DeleteRepository(RepoPath, bool),
    /// Whether the upstream of a mirror answers now.
    CheckUpstream(RepoPath),
    /// How the upstreams of mirrors have answered lately.
    ListUpstreams(Page),
    /// Packages of a repository.
    ListPackages {
        /// Which one.
        path: RepoPath,
        /// Which part.
        page: Page,
        /// What their names hold.
        words: String,
    },
    /// No such package any more.
    DeletePackage(PackagePath),
    /// Versions of a package.
    ListVersions(PackagePath, Page),
    /// One version with its files.
    GetVersion(PackagePath, Box<str>),
    /// A version that is yanked, or is not any more.
    ChangeVersion(PackagePath, Box<str>),
    /// No such version any more.
    DeleteVersion(PackagePath, Box<str>),
    /// All users.
    ListUsers(Page),
    /// A new user.
    CreateUser,
    /// One user.
    GetUser(UserName),
    /// Another password, other flags.
    ChangeUser(UserName),
    /// No such user any more.
    DeleteUser(UserName),
    /// The tokens of the caller or of `owner`.
    ListTokens {
        /// Whose; `None`: the caller's.
        owner: Option<UserName>,
        /// Which part.
        page: Page,
    },
    /// A new token for the caller or for this user.
    CreateToken(Option<UserName>),
    /// No such token any more.
    DeleteToken(i64),
    /// The grants that the caller administers.
    ListGrants(Page),
    /// A new grant.
    CreateGrant,
    /// No such grant any more.
    DeleteGrant(i64),
    /// The server's settings.
    GetSettings,
    /// Other settings for it.
    ChangeSettings,
    /// What a client must be told so that it asks a repository here.
    Connect {
        /// Which one, e.g. `npm`.
        client: &'static str,
        /// The repository.
        path: RepoPath,
    },
    /// Who the caller is.
    Whoami,
    /// Whether someone may do something.
    Can {
        /// Who, as `user:alice`; `None`: the caller.
        who: Option<String>,
        /// What.
        what: Permission,
    },
}

/// A repository as people name it: `oci/team`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoPath {
    /// What its clients speak.
    pub protocol: ProtocolName,
    /// Its name.
    pub name: RepoName,
}

impl RepoPath {
    /// Reads `protocol/name`.
    pub(crate) fn read(protocol: &str, name: &str) -> Option<Self> {
        Some(Self {
            protocol: protocol.parse().ok()?,
            name: name.parse().ok()?,
        })
    }

    /// Something done to the whole of it.
    pub(crate) fn permission(&self, verb: Verb) -> Permission {
        Permission {
            protocol: self.protocol,
            repo: self.name.clone(),
            package: None,
            verb,
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol, self.name)
    }
}

/// A package of a repository: `npm/main/@acme/app`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagePath {
    /// Where.
    pub repo: RepoPath,
    /// Its name in canonical form.
    pub package: Box<str>,
}

impl PackagePath {
    /// Something done to it where it was asked for.
    pub(crate) fn permission(&self, verb: Verb) -> Permission {
        Permission {
            package: Some(self.package.clone()),
            ..self.repo.permission(verb)
        }
    }

    /// Something done to it in a member of the group where it was asked for.
    pub(crate) fn within(&self, member: &RepoRecord, verb: Verb) -> Permission {
        Permission {
            repo: member.name.clone(),
            ..self.permission(verb)
        }
    }
}

impl fmt::Display for PackagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.repo, self.package)
    }
}

pub(crate) fn no_repo() -> Problem {
    Problem::not_found("repository", "no such repository, or you may not see it")
}

pub(crate) fn no_package() -> Problem {
    Problem::not_found("package", "no such package here, or you may not see it")
}

pub(crate) fn no_user() -> Problem {
    Problem::not_found("user", "no such user, or you may not see it")
}
