//! What must be allowed to read from a repository.

use crate::repo::Repo;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::resource::ReadRequest;
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

/// The permission to read what is asked for. Where requests name no package, that is of an artifact the
/// package which its path tells, and of what is published, whoever it belongs to, all packages.
pub(crate) fn read_for(repo: &Repo, read: &ReadRequest) -> Permission {
    match read {
        ReadRequest::Artifact(artifact) if artifact.package.is_empty() => {
            if repo.is_hosted() {
                return read_all(repo);
            }
            let name = repo.protocol.names().file_name(&artifact.path);
            read_of(repo, name.map_or("", |name| name.package))
        }
        _ => read_of(repo, read.package()),
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
