//! What is named in the database, and who writes there.

use crate::Value;
use larder_model::{Author, FileKind};
use quick_cache::Equivalent;
use std::hash::{Hash, Hasher};

/// A package of a repo: where files stand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PackageKey<'a> {
    /// The repo's id.
    pub repo: i64,
    /// The package in it; empty for files of the whole repo.
    pub package: &'a str,
}

/// A file of a package.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileKey<'a> {
    /// The package.
    pub package: PackageKey<'a>,
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: &'a str,
}

impl<'a> PackageKey<'a> {
    /// A file of this package.
    pub const fn file(self, kind: FileKind, path: &'a str) -> FileKey<'a> {
        FileKey {
            package: self,
            kind,
            path,
        }
    }

    pub(crate) fn value(self) -> [Value; 2] {
        [self.repo.into(), self.package.into()]
    }
}

impl FileKey<'_> {
    pub(crate) fn value(self) -> [Value; 4] {
        let [repo, package] = self.package.value();
        [repo, package, self.kind.into(), self.path.into()]
    }
}

/// The same, with texts of its own. In maps a [`FileKey`] finds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct OwnedFileKey {
    pub(crate) repo: i64,
    pub(crate) package: Box<str>,
    pub(crate) kind: FileKind,
    pub(crate) path: Box<str>,
}

impl OwnedFileKey {
    /// What it is a key of.
    pub(crate) fn key(&self) -> FileKey<'_> {
        let package = PackageKey {
            repo: self.repo,
            package: &self.package,
        };
        package.file(self.kind, &self.path)
    }
}

impl From<FileKey<'_>> for OwnedFileKey {
    fn from(key: FileKey<'_>) -> Self {
        Self {
            repo: key.package.repo,
            package: key.package.package.into(),
            kind: key.kind,
            path: key.path.into(),
        }
    }
}

impl Hash for OwnedFileKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Equivalent<OwnedFileKey> for FileKey<'_> {
    fn equivalent(&self, other: &OwnedFileKey) -> bool {
        *self == other.key()
    }
}

/// The first text behind all that begin with `folder`, which ends in `/`.
pub fn end_of(folder: &str) -> String {
    format!("{}0", folder.trim_end_matches('/')) // `0` is the character after `/`
}

/// The first text behind all that begin with `prefix`, where texts are in the order of their bytes.
pub fn after_prefix(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The names of one page, in the order of their bytes: from `from` on, before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameRange {
    pub(crate) from: String,
    pub(crate) end: String,
}

impl NameRange {
    /// Names that begin with `prefix` and come after the name `after`. Both bounds are on the name
    /// alone, so that an index leads to the first and past none that is not meant.
    pub(crate) fn of(prefix: &str, after: &str) -> Self {
        let from = if after < prefix {
            prefix.to_owned()
        } else {
            format!("{after}\u{1}") // names have no control characters: none is in between
        };
        Self {
            from,
            end: after_prefix(prefix),
        }
    }
}

/// Who puts something where.
#[derive(Clone, Copy, Debug)]
pub struct Putting<'a> {
    /// The package.
    pub package: PackageKey<'a>,
    /// Who.
    pub by: &'a dyn Author,
}
