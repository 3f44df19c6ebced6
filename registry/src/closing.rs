//! The closing PUT of an upload, which clients send again where its answer was lost or late.

use crate::Registry;
use crate::blobs::blob_created;
use crate::endpoint::Session;
use crate::names::{package_key, permission, repo_of};
use larder_access::Admission;
use larder_door::{Answer, Incoming};
use larder_model::{Digest, FileKind, ImageName, Kind, Problem, Verb};
use std::time::Duration;

/// So long the same PUT waits for the one before it: a store may take long to take all of it.
const WAIT: Duration = Duration::from_mins(1);

impl Registry {
    /// end-6: the last bytes, if any, and the digest. Once more the same: what came of it the first
    /// time.
    pub(crate) async fn close_upload(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
        digest: Digest,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let outcome = self
            .finish_upload(admission, name, session, digest, body)
            .await;
        let Err(problem) = outcome else {
            return outcome;
        };
        match problem.kind {
            Kind::NotFound => {}
            // Another request works on it, perhaps this one's first try.
            Kind::Range => self.sessions.settled(&session.id, WAIT).await,
            _ => return Err(problem),
        }
        if self.has_brought(admission, name, session, digest).await? {
            return Ok(blob_created(name, &digest).into());
        }
        Err(problem)
    }

    /// Whether a session of the caller ended with this blob, which is still there.
    async fn has_brought(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
        digest: Digest,
    ) -> Result<bool, Problem> {
        admission.require(&permission(name, Verb::Write))?;
        let Ok(repo) = repo_of(admission, name) else {
            return Ok(false);
        };
        let Some(row) = self.metadata.upload(&session.id).await? else {
            return Ok(false);
        };
        let is_same = row.finished
            && row.digest == Some(digest)
            && row.repo == repo.id
            && *row.package == *name.image()
            && *row.principal == *admission.principal().label;
        if !is_same {
            return Ok(false);
        }
        let (package, path) = (package_key(&repo, name), digest.to_string());
        let found = self
            .metadata
            .stat(package.file(FileKind::Blob, &path))
            .await?;
        let Some(found) = found.filter(|found| !found.damaged) else {
            return Ok(false);
        };
        self.promise(package, &digest, &found).await?;
        Ok(true)
    }
}
