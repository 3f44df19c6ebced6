use super::*;
use crate::keep::tests::{Bed, bed};
use bytes::Bytes;
use larder_metadata::jobs::{JobEnd, NewJob};
use larder_metadata::scrub::Damage;
use larder_model::{FileKind, JobKind, Kind, System, Timestamp};
use std::sync::Arc;

/// Too long for its row.
const LONG: usize = 100_000;

impl Bed {
    /// Gives bytes a name; the file's row.
    async fn bring(&self, bytes: &Bytes) -> Arc<FileRecord> {
        let prepared = self.content.prepare(bytes).await.expect("prepare");
        let digest = prepared.digest();
        self.keep(prepared).await.expect("keep");
        let path = digest.to_string();
        let key = self.putting().package.file(FileKind::Blob, &path);
        let found = self.metadata.find(key).await.expect("find");
        found.expect("a row")
    }

    /// Takes the name away and has the bytes freed, as the collector does.
    async fn free(&self, found: &FileRecord) {
        let (metadata, digest) = (&self.metadata, found.digest);
        let package = self.putting().package;
        let dropped = metadata.drop_blob(package, &digest, true, &System::Larder);
        dropped.await.expect("drop");
        let queued = metadata.queue_job(NewJob::of(JobKind::Gc), &System::Larder);
        queued.await.expect("job");
        let held = metadata.take_job(JobKind::Gc).await.expect("take");
        let held = held.expect("a job");
        // The first look condemns, the second deletes the row.
        for _ in 0..2 {
            let due = metadata.queued_blobs(Timestamp(i64::MAX), None, 10);
            for blob in due.await.expect("queue") {
                let settled = metadata.settle_blob(&held, &blob, Timestamp(2_000_000));
                settled.await.expect("settle");
            }
        }
        self.remove_object(found).await;
        let end = JobEnd::Succeeded(serde_json::json!({}));
        metadata.finish_job(&held, &end).await.expect("finish");
    }

    /// Finds the bytes damaged, as a scrub does.
    async fn damage(&self, found: &FileRecord) {
        let (metadata, digest) = (&self.metadata, found.digest);
        let queued = metadata.queue_job(NewJob::of(JobKind::Scrub), &System::Larder);
        queued.await.expect("job");
        let held = metadata.take_job(JobKind::Scrub).await.expect("take");
        let held = held.expect("a job");
        let blob = metadata.blob_to_scrub(&digest).await.expect("read");
        let blob = blob.expect("a blob");
        let noted = metadata.quarantine_blob(&held, &blob, Damage::Changed);
        noted.await.expect("quarantine");
        let end = JobEnd::Succeeded(serde_json::json!({}));
        metadata.finish_job(&held, &end).await.expect("finish");
    }

    async fn remove_object(&self, found: &FileRecord) {
        let FileRecord {
            digest, generation, ..
        } = *found;
        let removed = self.blobs.remove(ObjectKey { digest, generation });
        assert!(removed.await.expect("remove"), "it was there");
    }

    async fn read(&self, found: &FileRecord, range: Range<u64>) -> Result<Bytes, Problem> {
        let content = self.content.open(found, range).await?;
        Ok(content.collect(LONG).await.expect("read"))
    }
}

fn long() -> Bytes {
    (0..=u8::MAX).cycle().take(LONG).collect()
}

#[tokio::test]
async fn bytes_are_read_from_their_row_and_from_the_store() {
    let bed = bed().await;
    for bytes in [Bytes::from_static(b"short"), long()] {
        let found = bed.bring(&bytes).await;
        let whole = bed.read(&found, 0..found.size).await;
        assert_eq!(whole.expect("whole"), bytes);
        let part = bed.read(&found, 1..4).await;
        assert_eq!(part.expect("part"), bytes.slice(1..4));
    }
}

#[tokio::test]
async fn bytes_that_were_freed_meanwhile_are_not_found() {
    let bed = bed().await;
    let found = bed.bring(&long()).await;
    bed.free(&found).await;
    let problem = bed.read(&found, 0..10).await.expect_err("freed");
    assert_eq!(problem.kind, Kind::NotFound, "{problem}");
}

#[tokio::test]
async fn bytes_that_were_brought_again_meanwhile_are_read() {
    let bed = bed().await;
    let found = bed.bring(&long()).await;
    bed.free(&found).await;
    let again = bed.bring(&long()).await;
    assert_ne!(again.generation, found.generation);
    let read = bed.read(&found, 0..found.size).await;
    assert_eq!(read.expect("read"), long());
}

#[tokio::test]
async fn bytes_that_a_row_has_and_the_store_has_not_are_damage() {
    let bed = bed().await;
    let found = bed.bring(&long()).await;
    bed.remove_object(&found).await;
    let problem = bed.read(&found, 0..10).await.expect_err("damage");
    assert_eq!(problem.kind, Kind::Damaged, "{problem}");
    assert_eq!(bed.blobs.take_suspects(), [found.digest]);
    assert_eq!(bed.blobs.take_suspects(), []);
}

#[tokio::test]
async fn bytes_of_which_the_store_has_a_part_are_damage() {
    let bed = bed().await;
    let found = bed.bring(&long()).await;
    let object = bed.folder.path().join("storage/blobs").join(
        ObjectKey {
            digest: found.digest,
            generation: found.generation,
        }
        .to_string(),
    );
    let file = std::fs::File::options().write(true).open(object);
    file.expect("object").set_len(99_999).expect("truncate");
    // Also where the part is there that is asked for.
    for range in [0..10, 0..found.size, 99_999..found.size] {
        let problem = bed.read(&found, range).await.expect_err("damage");
        assert_eq!(problem.kind, Kind::Damaged, "{problem}");
    }
    assert_eq!(bed.blobs.take_suspects(), [found.digest]);
}

#[tokio::test]
async fn bytes_that_are_known_to_be_damaged_are_read_once_they_are_brought_again() {
    let bed = bed().await;
    for bytes in [Bytes::from_static(b"short"), long()] {
        let found = bed.bring(&bytes).await;
        bed.damage(&found).await;
        let path = found.digest.to_string();
        let key = bed.putting().package.file(FileKind::Blob, &path);
        let damaged = bed.metadata.find(key).await.expect("find");
        let damaged = damaged.expect("a row");
        let problem = bed.read(&damaged, 0..1).await.expect_err("damage");
        assert_eq!(problem.kind, Kind::Damaged, "{problem}");
        assert!(problem.detail.contains(&path), "{problem}");
        bed.bring(&bytes).await;
        let read = bed.read(&damaged, 0..found.size).await;
        assert_eq!(read.expect("read"), bytes);
    }
}
