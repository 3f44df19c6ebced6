//! What can go wrong with the database.

use larder_model::{Kind, Problem, RuleKind, Ruling, Shortage};
use std::fmt;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a batch requires of the rows that it changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Requirement {
    /// The blob is kept, or stands in the package.
    Blob,
    /// The file to mount is there.
    Source,
    /// The upload was not moved on by another request.
    Upload,
    /// The tag is as it was expected.
    Tag,
    /// The manifest is there.
    Manifest,
    /// The package is at the revision that was read.
    Revision,
    /// A new file's path is free, or the file to change is there.
    File,
    /// The version has files.
    Version,
    /// The package is there.
    Package,
    /// The package's name is not reserved.
    NameFree,
    /// The repository is there, as it was read.
    Repo,
    /// A member is there, and may be in the group.
    Member,
    /// Nothing refers to what is to go: no group or setting to a repository, no manifest to a blob.
    Unreferenced,
    /// The reservation is there.
    Reservation,
    /// The user is there, as it was read.
    User,
    /// The group is there.
    Group,
    /// The person is there who is to answer for a robot.
    Owner,
    /// Another superuser stays.
    OtherSuperuser,
    /// The token is there.
    Token,
    /// The session is there.
    Session,
    /// What was shown for a token or a session is there.
    Shown,
    /// The grant is there.
    Grant,
    /// Users, groups, grants, repositories and settings are as their change was decided on.
    Policy,
    /// The key of a request is free, or held by the run that is meant.
    IdempotencyKey,
    /// The job is as it was read, or held by the server that works on it.
    Job,
    /// The schedule is as it was read.
    Schedule,
    /// The hold on objects is there.
    Hold,
    /// The entry of the trash is there.
    Trash,
    /// The quota is there.
    Quota,
    /// The end of the audit trail, or one of its entries, is as it was read.
    Audit,
}

/// A failure of the database, or of a requirement.
#[derive(Debug)]
pub enum Error {
    /// The requirement did not hold; nothing of the batch was done.
    Unmet(Requirement),
    /// The row exists already; nothing of the batch was done.
    Exists(Source),
    /// Another row refers to the row that was to go; nothing of the batch was done.
    Referenced(Source),
    /// A version that nobody can move, replace or delete was to be; nothing of the batch was done.
    Immutable(Source),
    /// It does not fit into a quota; nothing of the batch was done.
    Quota(Box<Shortage>),
    /// No room left; nothing was done.
    Full(Source),
    /// The database cannot be reached or cannot commit now; nothing was acknowledged.
    Unavailable(Source),
    /// The database is newer than this program.
    TooNew {
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A row has another shape than the code expects.
    Shape(String),
    /// Any other failure.
    Database(Source),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmet(requirement) => write!(f, "requirement not met: {requirement:?}"),
            Self::Exists(source) => write!(f, "exists already: {source}"),
            Self::Referenced(source) => write!(f, "still referred to: {source}"),
            Self::Immutable(source) => write!(f, "immutable: {source}"),
            Self::Quota(shortage) => shortage.fmt(f),
            Self::Full(source) => write!(f, "no room left: {source}"),
            Self::Unavailable(source) => write!(f, "database unavailable: {source}"),
            Self::TooNew { found, known } => write!(
                f,
                "the database has schema version {found}, and this larder knows versions up to \
                 {known}: run the newer larder that migrated it, or restore the backup that was made \
                 before (docs/backup.md)"
            ),
            Self::Shape(what) => f.write_str(what),
            Self::Database(source) => write!(f, "database: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Exists(source)
            | Self::Referenced(source)
            | Self::Immutable(source)
            | Self::Full(source)
            | Self::Unavailable(source)
            | Self::Database(source) => Some(source.as_ref()),
            Self::Unmet(_) | Self::Quota(_) | Self::TooNew { .. } | Self::Shape(_) => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Full(_) => Self::new(
                Kind::Full,
                "storage",
                "the server's storage is full; nothing was changed",
            )
            .because(error),
            Error::Immutable(_) => Self::new(
                Kind::Conflict,
                "version",
                "a version or tag that this would move, replace or delete is immutable: a pattern \
                 in `immutable` of the repository matches it; publish another version, or have the \
                 pattern taken away first",
            )
            .ruled(Ruling::of(RuleKind::Immutable))
            .because(error),
            Error::Unavailable(_) => Self::busy(
                "the server's database fails; nothing was changed, try again",
                Duration::from_secs(5),
            )
            .because(error),
            Error::Quota(shortage) => Self::quota(*shortage),
            Error::Unmet(Requirement::Policy) => Self::new(
                Kind::Precondition,
                "policy",
                "someone changed users, groups, repositories or settings meanwhile; nothing was \
                 changed, look at them again",
            )
            .because(error),
            error => Self::internal(error),
        }
    }
}
