//! What is damaged here and can be had from an upstream once more.

use crate::artifact::{Artifacts, Wanted};
use crate::document::Documents;
use crate::repo::Repo;
use larder_metadata::scrub::MirrorFile;
use larder_mirrors::{Artifact, Document};
use larder_model::{FileKind, Problem};
use std::sync::Arc;

/// Fetches files of mirrors anew.
pub(crate) struct Healer {
    pub(crate) documents: Arc<Documents>,
    pub(crate) artifacts: Arc<Artifacts>,
}

impl Healer {
    /// Fetches a file whose bytes are known to be damaged, and waits until it is kept.
    pub(crate) async fn fetch_again(
        &self,
        repo: &Arc<Repo>,
        file: &MirrorFile,
    ) -> Result<(), Problem> {
        repo.upstream()?;
        if matches!(file.kind, FileKind::Document | FileKind::Tag) {
            let document = Document {
                package: file.package.clone(),
                kind: file.kind,
                path: file.path.clone(),
            };
            repo.require_not_blocked(&document.package)?;
            return self.documents.fetch_anew(repo, &document).await;
        }
        // As requests name it: where they name no package, the path tells it.
        let is_told = repo.protocol.names().file_name(&file.path).is_some();
        let package = if is_told {
            "".into()
        } else {
            file.package.clone()
        };
        let artifact = Artifact {
            package,
            version: Some(file.version.clone()).filter(|version| !version.is_empty()),
            kind: file.kind,
            path: file.path.clone(),
        };
        repo.require_not_blocked(repo.protocol.names().package_of(&artifact))?;
        self.artifacts
            .get(repo, &artifact, Wanted::Kept)
            .await
            .map(drop)
    }
}
