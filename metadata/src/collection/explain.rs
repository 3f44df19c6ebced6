//! Who holds a blob, and what the queues have.

use crate::{Error, Metadata, Row};
use larder_model::{Digest, FileKind, RepoPath, Timestamp};

const BLOB: &str = "select b.size, b.state, q.since from blobs b \
    left join gc_blobs q on q.digest = b.digest where b.digest = ?1";
const HOLDERS: &str = "select r.protocol || '/' || r.name, f.package, f.kind, f.path, f.version, \
    f.repo, f.checked_at, r.kind, (select max(e.parent) from edges e where e.child = f.path \
    and e.repo = f.repo and e.package = f.package and e.kind <> 'subject'), \
    (select max(t.path) from edges e join files t on t.digest = e.parent and t.repo = e.repo \
    and t.package = e.package and t.kind = 'tag' where e.child = f.path and e.repo = f.repo \
    and e.package = f.package and e.kind <> 'subject') \
    from files f join repos r on r.id = f.repo where f.digest = ?1 \
    order by f.repo, f.package, f.kind, f.path limit ?2";
const TRASHED: &str = "select r.protocol || '/' || r.name, t.package, f.kind, f.path, \
    case when f.version <> '' then f.version else t.version end, t.repo, t.id, t.expires_at \
    from trash_files f join trash t on t.id = f.trash join repos r on r.id = t.repo \
    where f.digest = ?1 order by f.trash limit ?2";
const WAITING: &str = "select count(*) from gc_blobs";
/// Blobs that nothing names but rows in images that no manifest names.
const RECLAIMABLE: &str = "select cast(coalesce(sum(b.size), 0) as bigint) from \
    (select digest from gc_blobs union select digest from gc_links \
    union select digest from uploads where finished = 1 and digest <> '') q \
    join blobs b on b.digest = q.digest where not exists \
    (select 1 from files f join repos r on r.id = f.repo where f.digest = b.digest and \
    (f.kind <> 'blob' or r.kind <> 'hosted' or exists (select 1 from edges e \
    where e.child = f.path and e.repo = f.repo and e.package = f.package \
    and e.kind <> 'subject'))) \
    and not exists (select 1 from trash_files t where t.digest = b.digest)";
const GONE: &str = "select count(*), cast(coalesce(sum(size), 0) as bigint) from gc_objects";
const LINKS: &str = "select count(*) from gc_links";

/// A file that has a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobHolder {
    /// Its repository.
    pub repository: RepoPath,
    /// The repository's id.
    pub repo: i64,
    /// Its package.
    pub package: Box<str>,
    /// Its kind.
    pub kind: FileKind,
    /// Its path among the files of the kind.
    pub path: Box<str>,
    /// The version that it belongs to; empty: none.
    pub version: Box<str>,
    /// It is a row of a blob in an image that is pushed here.
    pub is_link: bool,
    /// When a client was last told of it, of such a row; in the trash, when its time there is over.
    pub told_at: Timestamp,
    /// The entry of the trash that it is in; `None`: it is there.
    pub trash: Option<i64>,
    /// A manifest of the package that names it.
    pub named_by: Option<Box<str>>,
    /// A tag of a manifest of the package that names it.
    pub named_by_tag: Option<Box<str>>,
}

/// What is known of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobReport {
    /// Its size in bytes.
    pub size: u64,
    /// A look has found that no file has it.
    pub condemned: bool,
    /// Since when it is queued.
    pub queued_since: Option<Timestamp>,
    /// Files that have it, the first of them.
    pub held_by: Vec<BlobHolder>,
}

/// What waits for the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct QueueReport {
    /// Rows of the queues.
    pub queued: u64,
    /// Bytes that no file has any more but rows of blobs that no manifest names: so many are free
    /// once all waits are over, if nobody names them until then.
    pub reclaimable_bytes: u64,
}

impl Metadata {
    /// What is known of a blob, with at most `limit` of its files.
    pub async fn explain_blob(
        &self,
        digest: &Digest,
        limit: u64,
    ) -> Result<Option<BlobReport>, Error> {
        let mut rows = self.sql.rows(BLOB, &[digest.into()]).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let (size, state) = (row.count(0)?, row.text(1)?);
        let queued_since = row.optional_int(2)?.map(Timestamp);
        Ok(Some(BlobReport {
            size,
            condemned: matches!(&*state, "condemned" | "lost"),
            queued_since,
            held_by: self.holders_of(digest, limit).await?,
        }))
    }

    /// Files that have a digest, and those in the trash behind them, at most `limit`.
    pub async fn holders_of(&self, digest: &Digest, limit: u64) -> Result<Vec<BlobHolder>, Error> {
        let read = |row: &mut Row| {
            let kind = row.parsed(2)?;
            let hosted = &*row.text(7)? == "hosted";
            Ok::<_, Error>(BlobHolder {
                repository: row.parsed(0)?,
                repo: row.int(5)?,
                package: row.text(1)?,
                kind,
                path: row.text(3)?,
                version: row.text(4)?,
                is_link: hosted && kind == FileKind::Blob,
                told_at: Timestamp(row.int(6)?),
                trash: None,
                named_by: row.optional_text(8)?,
                named_by_tag: row.optional_text(9)?,
            })
        };
        let values = vec![digest.into(), limit.into()];
        let mut rows = self.sql.scan(HOLDERS, values).await?;
        let mut holders: Vec<BlobHolder> = rows.iter_mut().map(read).collect::<Result<_, _>>()?;
        let left = limit.saturating_sub(holders.len() as u64);
        let values = vec![digest.into(), left.into()];
        for row in &mut self.sql.scan(TRASHED, values).await? {
            holders.push(Self::trashed(row)?);
        }
        Ok(holders)
    }

    fn trashed(row: &mut Row) -> Result<BlobHolder, Error> {
        Ok(BlobHolder {
            repository: row.parsed(0)?,
            repo: row.int(5)?,
            package: row.text(1)?,
            kind: row.parsed(2)?,
            path: row.text(3)?,
            version: row.text(4)?,
            is_link: false,
            told_at: Timestamp(row.int(7)?),
            trash: Some(row.int(6)?),
            named_by: None,
            named_by_tag: None,
        })
    }

    /// How many things wait for the collector.
    pub async fn collection_queue_length(&self) -> Result<u64, Error> {
        Ok(self.queues().await?.queued)
    }

    /// What waits for the collector.
    pub async fn collection_queue(&self) -> Result<QueueReport, Error> {
        let mut report = self.queues().await?;
        let mut rows = self.sql.scan(RECLAIMABLE, Vec::new()).await?;
        if let Some(row) = rows.first_mut() {
            report.reclaimable_bytes += row.count(0)?;
        }
        Ok(report)
    }

    /// The rows of the queues, with the bytes of objects that only wait to be removed.
    async fn queues(&self) -> Result<QueueReport, Error> {
        let mut report = QueueReport::default();
        for text in [WAITING, LINKS, GONE] {
            let mut rows = self.sql.scan(text, Vec::new()).await?;
            if let Some(row) = rows.first_mut() {
                report.queued += row.count(0)?;
                if text == GONE {
                    report.reclaimable_bytes += row.count(1)?;
                }
            }
        }
        Ok(report)
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[(BLOB, 1), (HOLDERS, 2), (TRASHED, 2)];
