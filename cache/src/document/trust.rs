//! Whether what is kept is signed by the keys that are trusted now: the operator may have changed them
//! since it came.

use super::documents::Documents;
use super::signed::require_signed;
use super::states::path_of;
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_mirrors::protocol::Signature;
use larder_model::{Problem, Timestamp};

impl Documents {
    /// Whether a kept document is signed by a key that is trusted, if it has to be. A key that expired
    /// after it came signed it all the same.
    pub(super) async fn is_trusted(
        &self,
        repo: &Repo,
        document: &Document,
        found: &FileRecord,
    ) -> Result<bool, Problem> {
        self.is_signed(repo, (document, None), found).await
    }

    /// The same of a state that is past, which came at a time with what signs it.
    pub(super) async fn is_trusted_past(
        &self,
        repo: &Repo,
        (document, at): (&Document, Timestamp),
        found: &FileRecord,
    ) -> Result<bool, Problem> {
        self.is_signed(repo, (document, Some(at)), found).await
    }

    async fn is_signed(
        &self,
        repo: &Repo,
        (document, past): (&Document, Option<Timestamp>),
        found: &FileRecord,
    ) -> Result<bool, Problem> {
        let upstream = repo.upstream.as_ref();
        let (Some(upstream), Some(sets)) = (upstream, repo.protocol.sets()) else {
            return Ok(true);
        };
        let signature = sets.signature(document);
        let Some(trusted) = upstream.trusted().filter(|_| signature != Signature::None) else {
            return Ok(true);
        };
        if upstream.has_verified(&found.digest) {
            return Ok(true);
        }
        let body = self.bodies.read(found).await?;
        let mut signing = None;
        if let Signature::By(other) = signature {
            let path = past.map(|at| path_of(&other, at));
            let key = match &path {
                Some(path) => repo.address_key(path),
                None => repo.document_key(&other),
            };
            let kept = self.metadata.find(key).await?;
            signing = Some(other).zip(self.bodies.read_if_any(kept).await?);
        }
        let beside = signing.as_ref().map(|(other, body)| (other, &**body));
        let head = (document, &*body);
        let all: Vec<(&Document, &[u8])> = std::iter::once(head).chain(beside).collect();
        match require_signed(sets, trusted, head, &all, found.created_at) {
            Ok(()) => {
                upstream.note_verified(found.digest);
                Ok(true)
            }
            Err(problem) => {
                let (problem, repo) = (problem.with_causes(), &repo.record.name);
                tracing::debug!(problem, %repo, "what is kept is not served: it is asked for anew");
                Ok(false)
            }
        }
    }
}
