//! The files under a tag of a repository.

use super::{Repositories, holding};
use crate::oid::Oid;
use crate::program::Place;
use crate::workspace::Kept;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use larder_metadata::files::PackageKey;
use larder_mirrors::tagged::WantedFiles;
use larder_model::{Problem, Timestamp};

/// The most bytes of a file that is read besides the folder.
const MAX_FILE: u64 = 16 << 20;

/// What was wanted of a commit.
pub struct Tree {
    /// Below which path of this server the repository is.
    pub path: String,
    /// The ref that names the commit.
    pub reference: String,
    /// The commit.
    pub commit: Oid,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// The files that were wanted, in their order; `None` for one that is not there.
    pub files: Vec<Option<Bytes>>,
    /// A zip file of the folder.
    pub archive: BoxStream<'static, Result<Bytes, Problem>>,
}

/// A commit that is here.
pub struct NamedCommit<'a> {
    /// Below which path of this server its repository is.
    pub path: String,
    /// The ref that names it.
    pub reference: String,
    /// The commit.
    pub commit: &'a Oid,
}

impl Repositories {
    /// What is wanted of a commit, which is here.
    pub async fn tree(
        &self,
        package: PackageKey<'_>,
        kept: &Kept,
        (named, wanted): (NamedCommit<'_>, &WantedFiles),
    ) -> Result<Tree, Problem> {
        let commit = named.commit;
        let program = self.program().await?;
        let slot = self.slots.take().await?;
        let folder = self.workspaces.at(package, kept).await?;
        let place = Place {
            folder: &folder,
            quarantine: None,
        };
        let path = &*wanted.folder;
        if !path.is_empty() && !program.has_folder(place, (commit, path)).await? {
            let detail = format!("there is no folder {path} under this tag");
            return Err(Problem::not_found("tag", detail));
        }
        let mut files = Vec::new();
        for file in &wanted.files {
            files.push(program.file(place, (commit, file), MAX_FILE).await?);
        }
        let committed_at = program.committed_at(place, commit).await?;
        self.workspaces.keep_all_files(&folder)?;
        let archive = program.archive(&folder, (commit, path))?;
        Ok(Tree {
            path: named.path,
            reference: named.reference,
            commit: commit.clone(),
            committed_at,
            files,
            archive: holding(archive, slot).boxed(),
        })
    }
}
