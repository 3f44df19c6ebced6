//! Names of packages, as each protocol compares them.

use crate::resource::Artifact;
use larder_model::RepoName;
use std::borrow::Cow;

/// What the path of a file tells of the package that it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileName<'a> {
    /// The package's name.
    pub package: &'a str,
    /// Its version, as far as the path tells it; empty: not at all.
    pub version: &'a str,
}

/// How a protocol compares the names of packages.
pub trait Names: Send + Sync {
    /// The canonical form of a name, or of a pattern of names, whose stars stay as they are.
    /// Default: names have one spelling.
    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        name.into()
    }

    /// The name under which a package, in its canonical form, is published or blocked: whoever has that
    /// name has all that look like it. A pattern keeps its stars. Default: the same.
    fn claimed<'a>(&self, canonical: &'a str) -> Cow<'a, str> {
        canonical.into()
    }

    /// The packages above one that are whose it is, too: who publishes one of them has all names below
    /// it. Default: none.
    fn above<'a>(&self, canonical: &'a str) -> Vec<&'a str> {
        let _ = canonical;
        Vec::new()
    }

    /// The package of an artifact, if its path contains it; else empty. Default: the package of the
    /// request.
    fn package_of<'a>(&self, artifact: &'a Artifact) -> &'a str {
        &artifact.package
    }

    /// Of a protocol whose requests name no package, what the path of a package's file tells: as that a
    /// mirror keeps it and lists it, so it is asked for each artifact, and reads nothing but the path. The
    /// package is the one of [`Self::package_of`]. `None` for all else that is kept, as lists and keys.
    /// Default: requests name packages.
    fn file_name<'a>(&self, path: &'a str) -> Option<FileName<'a>> {
        let _ = path;
        None
    }

    /// The shorter name of a package of this mirror, such as `nginx` for `library/nginx` of
    /// `docker.io`. Default: none.
    fn hub_alias<'a>(&self, mirror: &RepoName, package: &'a str) -> Option<&'a str> {
        let _ = (mirror, package);
        None
    }
}

/// Names that have one spelling.
#[derive(Debug)]
pub struct PlainNames;

impl Names for PlainNames {}
