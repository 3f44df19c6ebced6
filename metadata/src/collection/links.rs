//! Rows of blobs in hosted images: clients are told that a blob is there before a manifest names it.

use crate::blobs::DROP_UNNAMED;
#[cfg(test)]
use crate::blobs::USED_BY;
use crate::jobs::HeldJob;
use crate::keys::PackageKey;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Digest, Timestamp};
use std::time::Duration;

/// A row of a queue with the row that it is about, if that is there, and a manifest that names it.
macro_rules! due {
    ($queue:literal, $since:literal, $id:literal) => {
        concat!(
            "select q.",
            $since,
            ", ",
            $id,
            ", q.repo, q.package, q.digest, f.checked_at, (select max(e.parent) from edges e \
             where e.child = q.digest and e.repo = q.repo and e.package = q.package \
             and e.kind <> 'subject') from ",
            $queue,
            " q left join files f on f.repo = q.repo and f.package = q.package \
             and f.kind = 'blob' and f.path = q.digest where q.",
            $since,
            " <= ?1 and "
        )
    };
}

const UPLOADS: &str = concat!(
    due!("uploads", "touched_at", "q.id"),
    "q.finished = 1 and (q.touched_at, q.id) > (?2, ?3) order by q.touched_at, q.id limit ?4"
);
const LINKS: &str = concat!(
    due!("gc_links", "since", "''"),
    "(q.since, q.repo, q.package, q.digest) > (?2, ?3, ?4, ?5) \
     order by q.since, q.repo, q.package, q.digest limit ?6"
);
/// Takes the row's lock: what names the blob by then is seen by the next statement.
const LOCK: &str = "update files set checked_at = checked_at \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3 and checked_at <= ?4";
/// The bytes of a row that has waited need not wait again.
const HAS_WAITED: &str = "update gc_blobs set since = 0 where digest = ?1";
const LOOK_AGAIN: &str = "insert into gc_links (repo, package, digest, since) \
    values (?1, ?2, ?3, ?4) on conflict (repo, package, digest) do update set \
    since = excluded.since where gc_links.since < excluded.since";
const DONE: &str = "delete from gc_links \
    where repo = ?1 and package = ?2 and digest = ?3 and since = ?4";
const UPLOAD_DONE: &str = "delete from uploads where id = ?1 and finished = 1";
/// The client may rely on it for a while.
const RENEW: &str = "update files set \
    checked_at = case when checked_at > ?4 then checked_at else ?4 end \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3";
/// Which queue a row comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkQueue {
    /// An upload that has ended, by its id.
    Uploads(Box<str>),
    /// Rows that a manifest stopped naming, or that were mounted.
    Links,
}

/// A row of a blob to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLink {
    /// Where it was queued.
    pub queue: LinkQueue,
    /// Since when.
    pub since: Timestamp,
    /// The repository's id.
    pub repo: i64,
    /// The image in it.
    pub package: Box<str>,
    /// The blob; `None`: the upload has brought none.
    pub digest: Option<Digest>,
    /// When a client was last told that it is there; `None`: it is not.
    pub told_at: Option<Timestamp>,
    /// A manifest of the image that names it.
    pub named_by: Option<Box<str>>,
}

/// What is to become of a row of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPlan {
    /// There is nothing to look at any more.
    Forget,
    /// A manifest names it.
    Named,
    /// A client may still name it.
    Wait(Timestamp),
    /// It goes.
    Drop,
}

impl DueLink {
    /// What is to become of it where clients rely on what they were told after `told_before`.
    pub fn plan(&self, told_before: Timestamp) -> LinkPlan {
        match (&self.named_by, self.told_at) {
            (_, None) => LinkPlan::Forget,
            (Some(_), _) => LinkPlan::Named,
            (None, Some(told_at)) if told_at > told_before => LinkPlan::Wait(told_at),
            (None, Some(_)) => LinkPlan::Drop,
        }
    }

    fn package(&self) -> PackageKey<'_> {
        PackageKey {
            repo: self.repo,
            package: &self.package,
        }
    }

    fn key(&self) -> Option<[Value; 3]> {
        let [repo, package] = self.package().value();
        Some([repo, package, self.digest?.into()])
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let upload = row.text(1)?;
        let digest = row.text(4)?;
        let bad = |_| Error::Shape("a queue has a digest that is none".to_owned());
        Ok(Self {
            since: Timestamp(row.int(0)?),
            queue: if upload.is_empty() {
                LinkQueue::Links
            } else {
                LinkQueue::Uploads(upload)
            },
            repo: row.int(2)?,
            package: row.text(3)?,
            digest: (!digest.is_empty())
                .then(|| digest.parse())
                .transpose()
                .map_err(bad)?,
            told_at: row.optional_int(5)?.map(Timestamp),
            named_by: row.optional_text(6)?,
        })
    }
}

impl Metadata {
    /// Uploads that ended at `until` or before, the oldest first, behind `after`.
    pub async fn ended_uploads(
        &self,
        until: Timestamp,
        after: Option<&DueLink>,
        limit: u64,
    ) -> Result<Vec<DueLink>, Error> {
        let (since, id) = match after {
            Some(DueLink {
                queue: LinkQueue::Uploads(id),
                since,
                ..
            }) => (*since, id.as_ref()),
            _ => (Timestamp(i64::MIN), ""),
        };
        let values = vec![until.into(), since.into(), id.into(), limit.into()];
        let mut rows = self.sql.scan(UPLOADS, values).await?;
        rows.iter_mut().map(DueLink::read).collect()
    }

    /// Rows of blobs that were queued at `until` or before, the oldest first, behind `after`.
    pub async fn queued_links(
        &self,
        until: Timestamp,
        after: Option<&DueLink>,
        limit: u64,
    ) -> Result<Vec<DueLink>, Error> {
        let since = after.map_or(Timestamp(i64::MIN), |it| it.since);
        let key = after.and_then(DueLink::key);
        let [repo, package, digest] = key.unwrap_or([0_i64.into(), "".into(), "".into()]);
        let values = vec![
            until.into(),
            since.into(),
            repo,
            package,
            digest,
            limit.into(),
        ];
        let mut rows = self.sql.scan(LINKS, values).await?;
        rows.iter_mut().map(DueLink::read).collect()
    }

    /// Does what was planned for a row of a blob. [`Error::Unmet`]: it is not as it was read
    /// ([`Requirement::Blob`]), or the job is another server's ([`Requirement::Job`]).
    pub async fn settle_link(
        &self,
        held: &HeldJob,
        link: &DueLink,
        told_before: Timestamp,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        if let Some([repo, package, digest]) = link.key() {
            let plan = link.plan(told_before);
            match plan {
                LinkPlan::Forget | LinkPlan::Named => {}
                LinkPlan::Wait(told_at) => {
                    let again = [
                        repo.clone(),
                        package.clone(),
                        digest.clone(),
                        told_at.into(),
                    ];
                    batch.run(LOOK_AGAIN, again);
                }
                LinkPlan::Drop => {
                    batch.touch(link.package());
                    let key = [repo.clone(), package.clone(), digest.clone()];
                    let [a, b, c] = key.clone();
                    let lock = [a, b, c, told_before.into()];
                    batch.require(Requirement::Blob, LOCK, lock);
                    batch.require(Requirement::Blob, DROP_UNNAMED, key);
                    batch.run(HAS_WAITED, [digest.clone()]);
                }
            }
            if link.queue == LinkQueue::Links && !matches!(plan, LinkPlan::Wait(_)) {
                batch.run(DONE, [repo, package, digest, link.since.into()]);
            }
        }
        if let LinkQueue::Uploads(id) = &link.queue {
            batch.run(UPLOAD_DONE, [id.as_ref().into()]);
        }
        self.sql.apply(batch).await
    }

    /// Has the collector look at a blob's row in the package, from this moment on: for blobs that
    /// come in without an upload whose end says so.
    pub(crate) fn queue_link(
        batch: &mut Batch,
        package: PackageKey<'_>,
        digest: &Digest,
        at: Timestamp,
    ) {
        let [repo, package] = package.value();
        batch.run(LOOK_AGAIN, [repo, package, digest.into(), at.into()]);
    }

    /// Makes sure that a client which is told now that a blob is there can name it in a manifest for
    /// the `lease`, and tells whether that had to be noted: not within a lease of `told_at`, when a
    /// client was told last, for what was noted holds for two, and not where a manifest names the
    /// blob. [`Error::Unmet`]: the [`Requirement::Blob`] is gone.
    pub async fn promise_blob(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
        (told_at, lease): (Timestamp, Duration),
    ) -> Result<bool, Error> {
        let now = self.shared_now_estimate();
        if now.since(told_at) < lease || self.used_by(package, digest).await?.is_some() {
            return Ok(false);
        }
        let mut batch = Batch::at(package);
        let [repo, name] = package.value();
        let values = [repo, name, digest.into(), now.into()];
        batch.require(Requirement::Blob, RENEW, values);
        self.sql.apply(batch).await?;
        Ok(true)
    }
}

/// All statements, with how many values each takes.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, usize)] = &[
    (UPLOADS, 4),
    (LINKS, 6),
    (LOCK, 4),
    (DROP_UNNAMED, 3),
    (HAS_WAITED, 1),
    (DONE, 4),
    (UPLOAD_DONE, 1),
    (RENEW, 4),
    (USED_BY, 3),
];
