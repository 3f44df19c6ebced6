//! From the name of an image to its repo, its package and the rights on it.

use crate::Registry;
use larder_access::Admission;
use larder_metadata::Error;
use larder_metadata::files::PackageKey;
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_model::{
    ImageName, Kind, Permission, Problem, ProtocolName, RefScope, RepoKind, RepoSettings, Verb,
};
use std::sync::Arc;

/// What is done to an image.
pub(crate) fn permission(name: &ImageName, verb: Verb) -> Permission {
    Permission {
        protocol: ProtocolName::OCI,
        repo: name.repo().clone(),
        package: Some(name.image().into()),
        refs: RefScope::All,
        verb,
    }
}

pub(crate) fn no_name() -> Problem {
    Problem::not_found("name", "no such name here, or you may not see it")
}

/// The image as a package of its repo.
pub(crate) fn package_key<'a>(repo: &RepoRecord, name: &'a ImageName) -> PackageKey<'a> {
    PackageKey {
        repo: repo.id,
        package: name.image(),
    }
}

/// The repo of an image, to read from.
pub(crate) fn repo_of(admission: &Admission, name: &ImageName) -> Result<Arc<RepoRecord>, Problem> {
    admission
        .policy()
        .repo(ProtocolName::OCI, name.repo())
        .cloned()
        .ok_or_else(no_name)
}

impl Registry {
    /// The repo of an image, to write to: it is made by the first push of whoever may write there.
    pub(crate) async fn repo_to_push(
        &self,
        admission: &Admission,
        name: &ImageName,
    ) -> Result<Arc<RepoRecord>, Problem> {
        let repo = match repo_of(admission, name) {
            Ok(repo) => repo,
            Err(_) => self.make_repo(admission, name).await?,
        };
        if repo.kind != RepoKind::Hosted {
            let detail = format!(
                "oci/{} is a {}: images cannot be pushed to it",
                repo.name, repo.kind
            );
            return Err(Problem::new(Kind::Unsupported, "name", detail));
        }
        Ok(repo)
    }

    async fn make_repo(
        &self,
        admission: &Admission,
        name: &ImageName,
    ) -> Result<Arc<RepoRecord>, Problem> {
        let new = NewRepo {
            protocol: ProtocolName::OCI,
            name: name.repo(),
            kind: RepoKind::Hosted,
            description: "",
            settings: &RepoSettings::default(),
            members: &[],
        };
        let by = admission.require(&permission(name, Verb::Write))?;
        match self.metadata.add_repo(new, &by).await {
            Ok(_) => tracing::info!(repo = %name.repo(), "repository made by its first push"),
            Err(Error::Exists(_)) => {} // another push was first
            Err(error) => return Err(error.into()),
        }
        self.gate.refresh().await?;
        self.gate
            .policy()
            .repo(ProtocolName::OCI, name.repo())
            .cloned()
            .ok_or_else(|| Problem::internal("a new repo is not there"))
    }
}
