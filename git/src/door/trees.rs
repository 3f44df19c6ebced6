//! The files under a tag, for whoever makes packages of them.

use super::{Git, key, no_repo, permission};
use crate::endpoint::{Address, PROTOCOL, path_of};
use crate::refs::{RefName, TAGS};
use crate::repositories::{Found, NamedCommit, Tree};
use larder_access::Admission;
use larder_mirrors::source_path::{ENDING, written};
use larder_mirrors::tagged::WantedFiles;
use larder_model::{Problem, RepoKind, RepoName, Verb};

impl Git {
    /// What is wanted of a tag of the repository at a path of a repo. The right to read it is demanded
    /// here; the tag is named without what all tags begin with.
    pub async fn tree(
        &self,
        admission: &Admission,
        (repo, path): (&RepoName, &str),
        (tag, wanted): (&str, &WantedFiles),
    ) -> Result<Tree, Problem> {
        let address = Address {
            repo: repo.clone(),
            path: path_of(path)?,
        };
        admission.require(&permission(repo, &address.path, Verb::Read))?;
        let owner = self.owner(admission, &address).await?;
        let mut found = owner.found.ok_or_else(no_repo)?;
        let reference = format!("{TAGS}{tag}");
        let named = |found: &Found| {
            let name: RefName = reference.parse().ok()?;
            found.kept.state.refs.names.get(&name).cloned()
        };
        let is_mirror = owner.record.kind == RepoKind::Mirror;
        let mut target = named(&found);
        if target.is_none() && is_mirror {
            // Whoever has just tagged is not to wait until what was told before is old.
            let newest = self.mirroring.newest(&owner.record, &address.path, found);
            found = newest.await?;
            target = named(&found);
        }
        let target = target.ok_or_else(|| {
            let detail = format!("the repository {} has no tag {tag:.200}", address.path);
            Problem::not_found("tag", detail)
        })?;
        if is_mirror {
            let with = (found, std::slice::from_ref(&target.oid));
            let brought = self
                .mirroring
                .with_objects(&owner.record, &address.path, with);
            found = brought.await?;
        }
        let named = NamedCommit {
            path: format!("/{PROTOCOL}/{repo}/{}{ENDING}", written(&address.path)),
            reference,
            commit: target.peeled.as_ref().unwrap_or(&target.oid),
        };
        let package = key(&owner.record, &address.path);
        let wanted = (named, wanted);
        self.repositories.tree(package, &found.kept, wanted).await
    }
}
