//! Uploads that have not ended, as whoever frees room sees them.

use crate::Registry;
use crate::sessions::{Sessions, stage_id};
use larder_metadata::uploads::UnfinishedUpload;
use larder_metadata::{Error, Metadata, Requirement};
use larder_model::{Problem, Timestamp};
use larder_storage::BlobStore;
use std::time::Duration;

/// Sessions read at once.
const PAGE: u64 = 500;

/// The uploads of this server that have not ended.
#[derive(Clone)]
pub struct UnfinishedUploads {
    metadata: Metadata,
    blobs: BlobStore,
    sessions: Sessions,
}

/// How many uploads, and the bytes that are staged of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// How many.
    pub uploads: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Registry {
    /// Its uploads that have not ended.
    pub fn unfinished_uploads(&self) -> UnfinishedUploads {
        UnfinishedUploads {
            metadata: self.metadata.clone(),
            blobs: self.blobs.clone(),
            sessions: self.sessions.clone(),
        }
    }

    /// Forgets uploads that lay idle for too long, and staged bytes that no session owns. How many
    /// there were.
    pub async fn forget_idle_uploads(&self) -> Result<usize, Problem> {
        let before = self
            .metadata
            .shared_now_estimate()
            .before(self.limits.upload_idle);
        let mut forgotten = 0;
        let mut after: Option<UnfinishedUpload> = None;
        loop {
            let page = self
                .metadata
                .unfinished_uploads(before, after.as_ref(), PAGE);
            let page = page.await?;
            for upload in &page {
                forgotten += usize::from(self.forget_idle(&upload.id, before).await?);
            }
            let Some(last) = page.into_iter().last() else {
                break;
            };
            after = Some(last);
        }
        for id in self
            .blobs
            .stale(self.limits.upload_idle + Duration::from_hours(1))
            .await?
        {
            self.blobs.discard(&id).await?;
        }
        match self.blobs.abort_left().await? {
            0 => {}
            count => tracing::info!(
                count,
                "objects given up whose server ended while it sent them"
            ),
        }
        Ok(forgotten)
    }

    /// Forgets one that lay idle; `false` if it went on. One that is receiving is noted at its end.
    async fn forget_idle(&self, id: &str, before: Timestamp) -> Result<bool, Problem> {
        let Ok(_busy) = self.sessions.enter(id) else {
            return Ok(false);
        };
        // Its bytes go once nobody can go on with them.
        match self.metadata.forget_upload(id, before).await {
            Err(Error::Unmet(Requirement::Upload)) => return Ok(false),
            forgotten => forgotten?,
        }
        self.blobs.discard(&stage_id(id)).await?;
        Ok(true)
    }
}

impl UnfinishedUploads {
    /// Ends those of which nothing came since `until`, and removes what is staged of them; where it
    /// is `dry` only counts them. One that is receiving stays, and so does one whose bytes are
    /// staged at another server. Goes on as long as `goes_on` says.
    pub async fn give_up(
        &self,
        until: Timestamp,
        dry: bool,
        goes_on: impl Fn() -> bool,
    ) -> Result<Staged, Problem> {
        let mut staged = Staged::default();
        let mut after: Option<UnfinishedUpload> = None;
        loop {
            let page = self
                .metadata
                .unfinished_uploads(until, after.as_ref(), PAGE);
            let page = page.await?;
            for upload in &page {
                if !goes_on() {
                    return Ok(staged);
                }
                if let Some(bytes) = self.give_up_one(&upload.id, until, dry).await? {
                    staged.uploads += 1;
                    staged.bytes += bytes;
                }
            }
            let Some(last) = page.into_iter().last() else {
                return Ok(staged);
            };
            after = Some(last);
        }
    }

    /// Ends one; its staged bytes, or `None` if it stays.
    async fn give_up_one(
        &self,
        id: &str,
        until: Timestamp,
        dry: bool,
    ) -> Result<Option<u64>, Problem> {
        // Nobody begins to work on it meanwhile.
        let Ok(_busy) = self.sessions.enter(id) else {
            return Ok(None);
        };
        let stage = stage_id(id);
        let Some(bytes) = self.blobs.staged_bytes(&stage).await? else {
            return Ok(None);
        };
        if dry {
            return Ok(Some(bytes));
        }
        match self.metadata.give_up_upload(id, until).await {
            Err(Error::Unmet(Requirement::Upload)) => return Ok(None),
            given_up => given_up?,
        }
        self.blobs.discard(&stage).await?;
        Ok(Some(bytes))
    }
}
