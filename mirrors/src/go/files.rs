//! The files of modules, as they are kept here.

use crate::resource::Artifact;
use larder_model::Problem;

/// The list of a module's versions, and what tells of the latest.
pub(super) const LIST: &str = "list";
pub(super) const LATEST: &str = "latest";
/// The folder of what tells of branches, commits and the beginnings of versions.
pub(super) const QUERY: &str = "query/";
pub(super) const INFO: &str = ".info";
pub(super) const MOD: &str = ".mod";
pub(super) const ZIP: &str = ".zip";

/// A file of a version.
pub(super) fn artifact(module: &str, version: &str, ending: &str) -> Artifact {
    let path = format!("{version}{ending}");
    Artifact::new(module, Some(version.into()), path)
}

/// The problem of a path that does not exist.
pub(super) fn no_such_path() -> Problem {
    Problem::not_found("path", "no such path in a module proxy")
}
