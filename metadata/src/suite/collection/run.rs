//! A run of the collector, step by step, and what it runs over.

use super::super::fixture::{ALICE, Bed, Push, digest};
use crate::blobs::{Bytestore, NewBlob};
use crate::collection::{BlobPlan, DueBlob, DueLink};
use crate::jobs::{HeldJob, JobEnd, NewJob};
use crate::{Error, Metadata};
use larder_model::{Digest, FileKind, JobKind, RetentionPolicy, Span, Timestamp};
use serde_json::json;
use std::time::Duration;

/// Everything has waited long enough.
pub(in crate::suite) const EVER: Timestamp = Timestamp(i64::MAX);
/// Nothing has.
pub(in crate::suite) const NEVER: Timestamp = Timestamp(0);

/// A run of the collector. One of the kind is there at a time.
pub(in crate::suite) struct Run<'a> {
    pub(in crate::suite) metadata: &'a Metadata,
    pub(in crate::suite) held: HeldJob,
}

impl<'a> Run<'a> {
    pub(in crate::suite) async fn begin(metadata: &'a Metadata) -> Self {
        let text = "delete from jobs where kind = 'gc'".to_owned();
        metadata.sql.script(text).await.expect("clear");
        let new = NewJob::of(JobKind::Gc);
        metadata.queue_job(new, &ALICE).await.expect("queue");
        let held = metadata.take_job(JobKind::Gc).await.expect("take");
        let held = held.expect("a job");
        Self { metadata, held }
    }

    pub(in crate::suite) async fn end(self) {
        let end = JobEnd::Succeeded(json!({}));
        let ended = self.metadata.finish_job(&self.held, &end).await;
        ended.expect("finish");
    }

    /// What is queued of the links of a package.
    pub(in crate::suite) async fn links(&self, bed: &Bed<'_>, package: &str) -> Vec<DueLink> {
        let uploads = self.metadata.ended_uploads(EVER, None, 10_000).await;
        let links = self.metadata.queued_links(EVER, None, 10_000).await;
        let mut all = uploads.expect("uploads");
        all.extend(links.expect("links"));
        all.retain(|link| link.repo == bed.repo.id && &*link.package == package);
        all
    }

    /// Looks at all links of a package.
    pub(in crate::suite) async fn settle_links(
        &self,
        bed: &Bed<'_>,
        package: &str,
        told_before: Timestamp,
    ) {
        for link in self.links(bed, package).await {
            let settled = self.metadata.settle_link(&self.held, &link, told_before);
            settled.await.expect("settle");
        }
    }

    /// What is queued of a digest.
    pub(in crate::suite) async fn blob(&self, digest: Digest) -> Option<DueBlob> {
        let queued = self.metadata.queued_blobs(EVER, None, 10_000).await;
        let mut queued = queued.expect("queue").into_iter();
        queued.find(|blob| blob.digest == digest)
    }

    pub(in crate::suite) async fn settle(&self, blob: &DueBlob) -> Result<(), Error> {
        let now = self.metadata.now();
        self.metadata.settle_blob(&self.held, blob, now).await
    }

    /// Looks at a digest once: what was planned and done.
    pub(in crate::suite) async fn look(&self, digest: Digest) -> Option<BlobPlan> {
        let blob = self.blob(digest).await?;
        self.settle(&blob).await.expect("settle");
        Some(blob.plan())
    }

    /// Looks at a digest until nothing is left to look at; whether its row went.
    pub(in crate::suite) async fn collects(&self, digest: Digest) -> bool {
        let mut gone = false;
        while let Some(plan) = self.look(digest).await {
            gone |= matches!(plan, BlobPlan::Delete(_));
        }
        gone
    }
}

pub(in crate::suite) fn text(metadata: &Metadata) -> String {
    format!("{:x}", metadata.new_id())
}

pub(in crate::suite) async fn has_link(bed: &Bed<'_>, package: &str, digest: Digest) -> bool {
    let path = digest.to_string();
    bed.has(bed.package(package).file(FileKind::Blob, &path))
        .await
}

pub(in crate::suite) async fn push(
    bed: &Bed<'_>,
    image: &str,
    text: &str,
    blobs: &[Digest],
) -> Digest {
    let push = Push {
        blobs,
        ..Push::new(text, &["v1"])
    };
    bed.try_push(image, push).await.expect("push");
    digest(text)
}

/// Deletes a manifest for good.
pub(in crate::suite) async fn drop_manifest(bed: &Bed<'_>, image: &str, manifest: Digest) {
    let policy = RetentionPolicy {
        trash: Span(Duration::ZERO),
        ..RetentionPolicy::default()
    };
    let set = bed.metadata.set_retention(bed.repo.id, &policy, &ALICE);
    set.await.expect("no trash");
    let package = bed.package(image);
    let dropped = bed.metadata.drop_manifest(package, &manifest, &ALICE);
    dropped.await.expect("drop");
}

/// A blob with an object of its own.
pub(in crate::suite) async fn keep_object(bed: &Bed<'_>, image: &str, text: &str) -> i64 {
    let generation = bed.metadata.new_id();
    let new = NewBlob {
        digest: digest(text),
        size: text.len() as u64,
        bytes: Bytestore::Object(generation),
    };
    let kept = bed.metadata.keep_blob(bed.putting(image), new, None);
    kept.await.expect("keep");
    generation
}

pub(in crate::suite) async fn objects_of(metadata: &Metadata, digest: Digest) -> Vec<i64> {
    let gone = metadata.gone_objects(None, 10_000).await.expect("objects");
    let of = gone.iter().filter(|object| object.digest == digest);
    of.map(|object| object.generation).collect()
}
