//! The packages of hosted repos, as their rows have them.

use crate::repo::Repo;
use larder_metadata::Metadata;
use larder_metadata::files::end_of;
use larder_mirrors::Publishing;
use larder_model::{Kind, Problem, StoredFile};
use std::collections::HashSet;

/// Names of packages read at once.
pub(crate) const NAMES: usize = 1000;

/// The packages of hosted repos.
pub(crate) struct HostedPackages {
    metadata: Metadata,
}

impl HostedPackages {
    /// Those that a database has.
    pub(crate) const fn new(metadata: Metadata) -> Self {
        Self { metadata }
    }

    /// Whether a name is published in a repo, or was.
    pub(crate) async fn owns(&self, repo: &Repo, package: &str) -> Result<bool, Problem> {
        Ok(self.metadata.owns_name(repo.package_key(package)).await?)
    }

    /// The next names of packages that are published in a repo, or were, after the name `after`:
    /// fewer than [`NAMES`] are the last ones.
    pub(crate) async fn names_after(
        &self,
        repo: &Repo,
        after: &str,
    ) -> Result<Vec<Box<str>>, Problem> {
        let prefix = repo.prefix();
        let names = self
            .metadata
            .packages(&format!("{prefix}{after}"), &end_of(&prefix), NAMES as u64)
            .await?;
        Ok(names
            .iter()
            .filter_map(|name| name.strip_prefix(&*prefix))
            .map(Into::into)
            .collect())
    }

    /// Adds the names of all packages that are published in a repo, or were.
    pub(crate) async fn add_names(
        &self,
        repo: &Repo,
        names: &mut HashSet<Box<str>>,
    ) -> Result<(), Problem> {
        let mut after = Box::<str>::default();
        loop {
            let page = self.names_after(repo, &after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.clone();
            names.extend(page);
        }
    }

    /// The files of a package.
    pub(crate) async fn files(
        &self,
        repo: &Repo,
        package: &str,
    ) -> Result<Vec<StoredFile>, Problem> {
        Ok(self.metadata.published(repo.package_key(package)).await?)
    }
}

/// Publishing, in the protocol of a repo.
pub(crate) fn publishing_of(repo: &Repo) -> Result<&'static dyn Publishing, Problem> {
    let detail = "nothing can be published to repositories of this protocol yet";
    repo.protocol
        .publishing()
        .ok_or_else(|| Problem::new(Kind::Unsupported, "repository", detail))
}
