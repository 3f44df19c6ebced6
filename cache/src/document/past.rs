//! States that the heads of sets had: each stays under a path of its own, so that a set can be read as it
//! was.

use super::documents::Documents;
use super::states::{folder, path_of, time_of};
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_model::{FileKind, Problem, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// States that are looked at at once.
const PAGE: u64 = 1000;

impl Documents {
    /// The state that a document had at a time; `None`: none of that time is kept.
    pub(crate) async fn state_at(
        &self,
        repo: &Repo,
        document: &Document,
        at: Timestamp,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        let states = self.states_until(repo, document, at, 1).await?;
        Ok(states.into_iter().next())
    }

    /// The states that a document had until a time, the last first, so many at most.
    pub(crate) async fn states_until(
        &self,
        repo: &Repo,
        document: &Document,
        at: Timestamp,
        count: usize,
    ) -> Result<Vec<Arc<FileRecord>>, Problem> {
        let (folder, end) = (folder(document), path_of(document, at));
        let (mut after, mut last) = (Box::<str>::from(&*folder), VecDeque::new());
        loop {
            let key = repo.package_key("");
            let page = self
                .metadata
                .list(key, FileKind::Artifact, &after, PAGE)
                .await?;
            let paths = page.into_iter().map(|file| file.path);
            let before = paths.filter(|path| path.starts_with(&folder) && **path <= *end);
            let before: Vec<Box<str>> = before.collect();
            let Some(latest) = before.last() else {
                break;
            };
            after.clone_from(latest);
            last.extend(before);
            last.drain(..last.len().saturating_sub(count));
        }
        let mut states = Vec::new();
        for path in last.into_iter().rev() {
            let came = time_of(&path);
            let found = self.metadata.find(repo.address_key(&path)).await?;
            let (Some(found), Some(came)) = (found, came) else {
                continue;
            };
            // What nobody who is trusted now has signed is no state any more.
            if self.is_trusted_past(repo, (document, came), &found).await? {
                states.push(found);
            }
        }
        Ok(states)
    }
}
