//! What must be allowed to read from a repository.

use crate::repo::Repo;
use larder_metadata::repos::RepoRecord;
use larder_model::{Permission, RefScope, Verb};

/// The permission to read a package of a repository; if `package` is empty, the repository.
pub(crate) fn read_of(repo: &Repo, package: &str) -> Permission {
    read_in(&repo.record, package)
}

/// The same for the record of a repository.
pub(crate) fn read_in(record: &RepoRecord, package: &str) -> Permission {
    Permission {
        protocol: record.protocol,
        repo: record.name.clone(),
        package: Some(package)
            .filter(|package| !package.is_empty())
            .map(Into::into),
        refs: RefScope::All,
        verb: Verb::Read,
    }
}

/// The permission to read all packages of a repository, and the documents that list them. For a
/// mirror it is the permission to read the repository, because only the upstream's index has its
/// packages.
pub(crate) fn read_all(repo: &Repo) -> Permission {
    let package = repo.is_hosted().then(|| "".into());
    Permission {
        package,
        ..read_of(repo, "")
    }
}
