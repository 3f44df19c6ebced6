//! Backups that the server makes by itself, and keeps beside its blobs.

use crate::export::{Backups, Export};
use crate::reading::Reading;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use larder_model::{Algorithm, Digest, Problem, Timestamp};
use larder_storage::{BackupName, Staging};
use std::time::Duration;

/// How many backups are kept, and for how long. The newest always is.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// How many at most.
    pub count: usize,
    /// How long at most; zero: for good.
    pub age: Duration,
}

impl Keep {
    /// Those of `backups`, the oldest first, that go at a moment.
    pub fn expired(&self, backups: &[BackupName], now: Timestamp) -> Vec<BackupName> {
        let Some((_, older)) = backups.split_last() else {
            return Vec::new();
        };
        let too_many = backups.len().saturating_sub(self.count);
        let is_old =
            |name: &BackupName| !self.age.is_zero() && now.since(name.created_at()) > self.age;
        let older = older.iter().enumerate();
        older
            .filter(|(at, name)| *at < too_many || is_old(name))
            .map(|(_, name)| *name)
            .collect()
    }
}

/// A backup that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptBackup {
    /// Its name.
    pub name: BackupName,
    /// Its bytes.
    pub size: u64,
}

impl Backups {
    /// Keeps a backup beside the blobs; it and the digest of its file. `progress` is told the bytes
    /// that are there, and says whether to go on; `None`: it did not, and nothing is kept.
    pub async fn keep(
        &self,
        export: Export,
        progress: impl FnMut(u64) -> bool,
    ) -> Result<Option<(KeptBackup, Digest)>, Problem> {
        let name = BackupName::new(export.created_at(), self.metadata.new_id());
        let id = format!("{:016x}", self.metadata.new_id());
        let guard = self.blobs.guard(&id);
        let mut staging = self.blobs.stage(&id, Algorithm::Sha256).await?;
        let kept = match gather(export, &mut staging, progress).await {
            Ok(true) => {
                let kept = self.blobs.keep_backup(staging, name).await;
                kept.map(Some).map_err(Problem::from)
            }
            Ok(false) => Ok(None),
            Err(problem) => Err(problem),
        };
        guard.discard().await?;
        Ok(kept?.map(|(size, digest)| (KeptBackup { name, size }, digest)))
    }

    /// The backups that are kept, the oldest first.
    pub async fn kept(&self) -> Result<Vec<KeptBackup>, Problem> {
        let kept = self.blobs.backups().await?.into_iter();
        Ok(kept.map(|(name, size)| KeptBackup { name, size }).collect())
    }

    /// One of them.
    pub async fn find(&self, name: &str) -> Result<Option<KeptBackup>, Problem> {
        let kept = self.kept().await?.into_iter();
        Ok(kept.into_iter().find(|kept| kept.name.to_string() == name))
    }

    /// The bytes of a backup that is kept.
    pub async fn open(
        &self,
        kept: KeptBackup,
    ) -> Result<BoxStream<'static, Result<Bytes, Problem>>, Problem> {
        let content = self.blobs.open_backup(&kept.name, kept.size).await?;
        let reading = Reading::new(content, kept.size);
        let pieces = try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|bytes| (bytes, reading)))
        });
        Ok(pieces.boxed())
    }

    /// Deletes a backup that is kept; whether it was there.
    pub async fn delete(&self, name: BackupName) -> Result<bool, Problem> {
        Ok(self.blobs.remove_backup(name).await?)
    }
}

/// Writes a backup into a staging file, for as long as `progress` says so; whether it is whole.
async fn gather(
    mut export: Export,
    staging: &mut Staging,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<bool, Problem> {
    while let Some(bytes) = export.next().await? {
        staging.append(bytes).await?;
        if !progress(staging.offset()) {
            return Ok(false);
        }
    }
    Ok(true)
}
