//! Backups: what the server's are made of, and the work of `backup`, which makes one and keeps it.

use async_trait::async_trait;
use larder_access::Gate;
use larder_backup::{Backups, Contents, Keep, KeptBackup, KeyFile};
use larder_config::Config;
use larder_jobs::{Ended, Item, JobContext, Progress, Work, WorkError};
use larder_metadata::Metadata;
use larder_model::System;
use larder_storage::BlobStore;
use serde_json::json;
use std::sync::Arc;

/// The files without which what the database holds is of no use.
pub(crate) fn key_files(config: &Config) -> Vec<KeyFile> {
    let tls = config.data.join("tls");
    let file = |name, path| KeyFile {
        name,
        path,
        is_needed: false,
    };
    vec![
        file("tls-ca.crt", tls.join("ca.crt")),
        file("tls-ca.key", tls.join("ca.key")),
        KeyFile {
            name: "token.key",
            path: config.auth.token_key.clone(),
            is_needed: true,
        },
    ]
}

/// The backups of this server.
pub(crate) fn backups(config: &Config, metadata: &Metadata, blobs: &BlobStore) -> Backups {
    let server = config.server.public_url.as_ref().map(ToString::to_string);
    Backups::new(metadata.clone(), blobs.clone(), key_files(config), server)
}

/// What makes a backup and keeps it beside the blobs.
pub(crate) struct BackupWork {
    pub(crate) gate: Arc<Gate>,
    pub(crate) metadata: Metadata,
    pub(crate) backups: Backups,
    pub(crate) contents: Contents,
    pub(crate) keep: Keep,
}

impl BackupWork {
    /// The work that a configuration asks for.
    pub(crate) fn new(
        config: &Config,
        gate: &Arc<Gate>,
        metadata: &Metadata,
        backups: &Backups,
    ) -> Self {
        Self {
            gate: Arc::clone(gate),
            metadata: metadata.clone(),
            backups: backups.clone(),
            contents: Contents {
                blobs: config.backup.blobs,
                keys: config.backup.keys,
            },
            keep: Keep {
                count: config.backup.keep,
                age: config.backup.keep_for,
            },
        }
    }

    /// Deletes the backups that are too many or too old; how many.
    async fn delete_expired(&self, job: &JobContext) -> Result<u64, WorkError> {
        let kept = self.backups.kept().await?;
        let names: Vec<_> = kept.iter().map(|kept| kept.name).collect();
        let mut deleted = 0;
        for name in self.keep.expired(&names, self.metadata.now()) {
            // Another server may have the job by now; then it deletes what is too old.
            if !job.is_held() {
                return Err(WorkError::Lost);
            }
            self.backups.delete(name).await?;
            deleted += 1;
            let size = kept.iter().find(|kept| kept.name == name);
            job.item(&Item {
                action: "delete".to_owned(),
                bytes: size.map(|kept| kept.size),
                reason: format!("{name} is one too many, or older than backup.keep_for"),
                ..Item::default()
            })
            .await?;
        }
        Ok(deleted)
    }
}

#[async_trait]
impl Work for BackupWork {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        job.forget_items().await?;
        // What was recorded by now is in it.
        self.gate.write_events().await?;
        let export = self.backups.export(self.contents, &System::Housekeeping);
        let export = export.await?;
        let (size, objects) = (export.size, export.manifest.objects);
        let progress = |bytes: u64| {
            job.progress(Progress {
                phase: "write".to_owned(),
                done: bytes,
                total: Some(size),
                unit: "bytes".to_owned(),
                bytes,
            });
            !job.is_cancelled()
        };
        let Some((kept, digest)) = self.backups.keep(export, progress).await? else {
            return Ok(Ended::Cancelled(json!({})));
        };
        let KeptBackup { name, size } = kept;
        job.item(&Item {
            action: "keep".to_owned(),
            digest: Some(digest.to_string()),
            bytes: Some(size),
            reason: format!("{name} has the state of {}", name.created_at()),
            ..Item::default()
        })
        .await?;
        let deleted = self.delete_expired(job).await?;
        tracing::info!(backup = %name, size, %digest, "a backup is kept");
        Ok(Ended::Done(json!({
            "name": name.to_string(),
            "digest": digest.to_string(),
            "size_bytes": size,
            "blobs": if self.contents.blobs { "include" } else { "reference" },
            "objects": objects.count,
            "deleted": deleted,
        })))
    }
}
