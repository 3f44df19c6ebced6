//! Quotas: how much a repository may have, or those together whose names fit a pattern. Triggers count
//! what is published, deleted and restored (`0021_quotas.sql`), in repositories that a quota fits
//! alone; each batch is judged before it is done.

mod counts;
mod room;
mod warnings;

pub use crate::announced::Announcement;
pub use counts::Usage;
pub(crate) use counts::recount;
pub use room::ComingBytes;
pub use warnings::QuotaWarning;

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, Pattern, QuotaLimits, Timestamp};
use serde_json::json;

const ADD: &str = "insert into quotas (id, repo, repositories, max_bytes, max_versions, bytes, versions, \
    bytes_before, versions_before, open, warning, created_at, created_by) \
    values (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 2, 0, ?6, ?7)";
const CHANGE: &str = "update quotas set max_bytes = ?2, max_versions = ?3, open = 2 where id = ?1 and repo is null \
    and max_bytes is not distinct from ?4 and max_versions is not distinct from ?5";
const CHANGE_OWN: &str =
    "update quotas set max_bytes = ?2, max_versions = ?3, open = 2 where repo = ?1";
const DROP: &str = "delete from quotas where id = ?1 and repo is null";
const SHARED: &str = "select id, repositories, max_bytes, max_versions, bytes, versions, warning, \
    created_at, created_by from quotas where repo is null and id > ?1 order by id limit ?2";
const ONE: &str = "select id, repositories, max_bytes, max_versions, bytes, versions, warning, \
    created_at, created_by from quotas where repo is null and id = ?1";
const IS_WARNED: &str = "select warning from quotas where repo = ?1";

/// A quota that repositories share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedQuota {
    /// Its id.
    pub id: i64,
    /// Whose it is: hosted repositories as `oci/team`.
    pub repositories: Pattern,
    /// The limits.
    pub limits: QuotaLimits,
    /// Bytes that the repositories have, the sum over all.
    pub bytes: u64,
    /// Versions that they have.
    pub versions: u64,
    /// Whether four fifths are used.
    pub warning: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Box<str>,
}

impl SharedQuota {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            repositories: row.parsed(1)?,
            limits: limits(row, 2)?,
            bytes: row.count(4)?,
            versions: row.count(5)?,
            warning: row.int(6)? != 0,
            created_at: Timestamp(row.int(7)?),
            created_by: row.text(8)?,
        })
    }
}

/// The limits in two columns from `at` on.
fn limits(row: &mut Row, at: usize) -> Result<QuotaLimits, Error> {
    let bad = |_| Error::Shape("a quota is negative".to_owned());
    let mut limit = |column| {
        let limit = row.optional_int(column)?;
        limit.map(u64::try_from).transpose().map_err(bad)
    };
    Ok(QuotaLimits {
        bytes: limit(at)?,
        versions: limit(at + 1)?,
    })
}

impl Metadata {
    /// Quotas that repositories share, by id after `after`.
    pub async fn shared_quotas(&self, after: i64, limit: u64) -> Result<Vec<SharedQuota>, Error> {
        let values = vec![after.into(), limit.into()];
        let mut rows = self.sql.scan(SHARED, values).await?;
        rows.iter_mut().map(SharedQuota::read).collect()
    }

    /// Such a quota; `None`: there is none of this id.
    pub async fn shared_quota(&self, id: i64) -> Result<Option<SharedQuota>, Error> {
        let mut rows = self.sql.rows(ONE, &[id.into()]).await?;
        rows.first_mut().map(SharedQuota::read).transpose()
    }

    /// Has repositories share a quota, those that are there and those that come. They may have more
    /// than it allows; then they get no more. Its id.
    pub async fn add_quota(
        &self,
        repositories: &Pattern,
        limits: QuotaLimits,
        by: &dyn Author,
    ) -> Result<i64, Error> {
        let id = self.new_id();
        let mut batch = Batch::default();
        batch.judge_quotas();
        // First: of this and a repository that is made meanwhile the later one sees the other.
        self.touch_policy(&mut batch, by);
        self.add_quota_row(&mut batch, (id, None, repositories.as_str()), limits, by);
        Self::enter_matching(&mut batch, id);
        Self::count(&mut batch, id);
        let details = details(repositories.as_str(), limits);
        let object = Object::Named("quotas");
        self.note(&mut batch, by, Action::QuotaCreate, object, &details);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Sets other limits. [`Error::Unmet`]: the [`Requirement::Quota`] is not there, or has others
    /// than `quota` tells.
    pub async fn change_quota(
        &self,
        quota: &SharedQuota,
        limits: QuotaLimits,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.judge_quotas();
        let values = [
            quota.id.into(),
            limits.bytes.into(),
            limits.versions.into(),
            quota.limits.bytes.into(),
            quota.limits.versions.into(),
        ];
        batch.require(Requirement::Quota, CHANGE, values);
        let details = details(quota.repositories.as_str(), limits);
        let object = Object::Named("quotas");
        self.note(&mut batch, by, Action::QuotaChange, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Takes a quota away. [`Error::Unmet`]: the [`Requirement::Quota`] is not there.
    pub async fn drop_quota(&self, quota: &SharedQuota, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.judge_quotas();
        Self::forget_counts(&mut batch, quota.id);
        batch.require(Requirement::Quota, DROP, [quota.id.into()]);
        let details = json!({"repositories": quota.repositories});
        let object = Object::Named("quotas");
        self.note(&mut batch, by, Action::QuotaDelete, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    fn add_quota_row(
        &self,
        batch: &mut Batch,
        (id, repo, repositories): (i64, Option<i64>, &str),
        limits: QuotaLimits,
        by: &dyn Author,
    ) {
        let values = [
            id.into(),
            repo.into(),
            repositories.into(),
            limits.bytes.into(),
            limits.versions.into(),
            self.now().into(),
            by.label().into(),
        ];
        batch.run(ADD, values);
    }

    /// Sets the quota of one repository as part of the batch that changes it.
    pub(crate) fn put_own_quota(
        &self,
        batch: &mut Batch,
        repo: i64,
        limits: QuotaLimits,
        by: &dyn Author,
    ) {
        batch.judge_quotas();
        if limits.is_none() {
            Self::drop_own_quota(batch, repo);
            return;
        }
        let values = [repo.into(), limits.bytes.into(), limits.versions.into()];
        batch.unless(CHANGE_OWN, values, |batch| {
            let id = self.new_id();
            self.add_quota_row(batch, (id, Some(repo), ""), limits, by);
            Self::enter(batch, repo, id);
            Self::count(batch, id);
        });
    }

    /// Whether a repository has used four fifths of its own quota.
    pub async fn is_quota_warned(&self, repo: i64) -> Result<bool, Error> {
        let mut rows = self.sql.rows(IS_WARNED, &[repo.into()]).await?;
        rows.first_mut()
            .map_or(Ok(false), |row| Ok(row.int(0)? != 0))
    }
}

/// What the audit trail tells of a quota.
fn details(repositories: &str, limits: QuotaLimits) -> serde_json::Value {
    json!({"repositories": repositories, "bytes": limits.bytes, "versions": limits.versions})
}

#[cfg(test)]
mod tests;
