//! What counts, and how it is counted at once: when a repository gets its first quota, after a restore,
//! and of repositories without a quota when somebody asks.

use crate::whole::Load;
use crate::{Batch, Error, Metadata};

/// Rows of files that name what counts, but for blobs that no manifest names.
macro_rules! published {
    () => {
        "f.kind in ('blob', 'manifest', 'artifact') and f.lifetime = '' and f.owner = ''"
    };
}

/// Rows of files that make a version.
macro_rules! versions {
    () => {
        "f.lifetime = '' and f.owner = '' and ((f.kind = 'tag' and f.version = '') \
         or (f.kind = 'artifact' and f.version <> ''))"
    };
}

/// A blob's row that no manifest names.
macro_rules! unnamed {
    () => {
        "f.kind = 'blob' and not exists (select 1 from edges e where e.child = f.path \
         and e.repo = f.repo and e.package = f.package and e.kind <> 'subject')"
    };
}

/// Adds all that counts in repositories, which the text names.
macro_rules! count_bytes {
    ($repos:expr) => {
        concat!(
            "insert into quota_items (repo, kind, package, name, refs, bytes) \
             select f.repo, 'bytes', '', f.digest, count(*), b.size \
             from files f join blobs b on b.digest = f.digest where f.repo in (",
            $repos,
            ") and ",
            published!(),
            " group by f.repo, f.digest, b.size"
        )
    };
}
macro_rules! count_versions {
    ($repos:expr) => {
        concat!(
            "insert into quota_items (repo, kind, package, name, refs, bytes) \
             select f.repo, 'version', f.package, \
             case f.kind when 'tag' then f.path else f.version end, count(*), 0 \
             from files f where f.repo in (",
            $repos,
            ") and ",
            versions!(),
            " group by f.repo, f.package, case f.kind when 'tag' then f.path else f.version end"
        )
    };
}
macro_rules! release {
    ($repos:expr) => {
        concat!(
            "insert into quota_released (repo, package, digest) \
             select f.repo, f.package, f.path from files f where f.repo in (",
            $repos,
            ") and ",
            unnamed!()
        )
    };
}

/// Repositories of the quota `?1` that no other quota has had counted.
macro_rules! uncounted {
    () => {
        "select q.repo from quota_repos q where q.quota = ?1 and not exists \
         (select 1 from quota_repos o where o.repo = q.repo and o.quota <> ?1)"
    };
}

/// Locks the repository's row, so that nobody changes what is counted.
const ENTER: &str = "insert into quota_repos (repo, quota) \
    select r.id, cast(?2 as bigint) from repos r where r.id = ?1 /*alone*/";
const ENTER_MATCHING: &str = "insert into quota_repos (repo, quota) select r.id, m.quota \
    from quota_matches m join repos r on r.id = m.repo where m.quota = ?1 \
    order by r.id /*alone*/";
const ENTER_SHARED: &str =
    "insert into quota_repos (repo, quota) select repo, quota from quota_matches where repo = ?1";
/// Left by whoever published while the last quota was taken away.
const CLEAR_RELEASED: &str = concat!(
    "delete from quota_released where repo in (",
    uncounted!(),
    ")"
);
const CLEAR_ITEMS: &str = concat!("delete from quota_items where repo in (", uncounted!(), ")");
const COUNT_BYTES: &str = count_bytes!(uncounted!());
const COUNT_VERSIONS: &str = count_versions!(uncounted!());
const RELEASE: &str = release!(uncounted!());
const SUM: &str = "update quotas set \
    bytes = (select cast(coalesce(sum(i.bytes), 0) as bigint) from quota_items i \
    where i.repo in (select o.repo from quota_repos o where o.quota = ?1)), \
    versions = (select count(*) from quota_items i where i.kind = 'version' \
    and i.repo in (select o.repo from quota_repos o where o.quota = ?1)), open = 2 where id = ?1";

/// Nobody else publishes into the repository from here on. No quota has this id.
const LEAVE_ALONE: &str = "insert into quota_repos (repo, quota) \
    select r.id, 0 from repos r where r.id = ?1 /*alone*/";
const LEAVE_COUNTS: &str = "update quotas set \
    bytes = bytes - (select cast(coalesce(sum(i.bytes), 0) as bigint) from quota_items i \
    where i.repo = ?1), \
    versions = versions - (select count(*) from quota_items i \
    where i.repo = ?1 and i.kind = 'version'), \
    bytes_before = bytes, versions_before = versions, open = 1 \
    where id in (select quota from quota_repos where repo = ?1)";
const LEAVE_ALL: &str = "delete from quota_repos where repo = ?1";
const DROP_RELEASED: &str = "delete from quota_released where repo = ?1";
const DROP_ITEMS: &str = "delete from quota_items where repo = ?1";
const DROP_OWN_ROW: &str = "delete from quotas where repo = ?1";

const LEAVE_OWN: &str = "delete from quota_repos where repo = ?1 \
    and quota in (select id from quotas where repo = ?1)";
const DROP_RELEASED_IF_LAST: &str = "delete from quota_released where repo = ?1 \
    and not exists (select 1 from quota_repos where repo = ?1)";
const DROP_ITEMS_IF_LAST: &str = "delete from quota_items where repo = ?1 \
    and not exists (select 1 from quota_repos where repo = ?1)";
const LEAVE_QUOTA: &str = "delete from quota_repos where quota = ?1";

const USAGE: &str = "select cast(coalesce(sum(bytes), 0) as bigint), \
    cast(coalesce(sum(case kind when 'version' then 1 else 0 end), 0) as bigint) \
    from quota_items where repo = ?1";
pub(super) const UNIQUE: &str = "select cast(coalesce(sum(i.bytes), 0) as bigint) from quota_items i \
    where i.repo = ?1 and i.kind = 'bytes' and not exists \
    (select 1 from files f where f.digest = i.name and f.repo <> ?1)";
pub(super) const IS_COUNTED: &str = "select 1 from quota_repos where repo = ?1 limit 1";

/// Blobs of a hosted image that no manifest names wait for the collector.
macro_rules! digests_of {
    () => {
        concat!(
            "select f.digest from files f where f.repo = ?1 and ",
            published!(),
            " and not exists (select 1 from repos r where r.id = f.repo and r.kind = 'hosted' and ",
            unnamed!(),
            ")"
        )
    };
}
const UNCOUNTED_BYTES: &str = concat!(
    "select cast(coalesce(sum(b.size), 0) as bigint), \
     cast(coalesce(sum(case when exists (select 1 from files o where o.digest = b.digest \
     and o.repo <> ?1) then 0 else b.size end), 0) as bigint) from blobs b where b.digest in (",
    digests_of!(),
    ")"
);
const UNCOUNTED_VERSIONS: &str = concat!(
    "select count(*) from (select distinct f.package, \
     case f.kind when 'tag' then f.path else f.version end as name from files f \
     where f.repo = ?1 and ",
    versions!(),
    ") v"
);

/// Of all repositories with a quota.
macro_rules! all {
    () => {
        "select q.repo from quota_repos q"
    };
}
/// What a restore does behind the rows, in order. Nothing is judged: what was there stays.
const RECOUNT: &[&str] = &[
    "update quotas set open = 3",
    "insert into quota_repos (repo, quota) select repo, quota from quota_matches",
    "insert into quota_repos (repo, quota) select repo, id from quotas where repo is not null",
    count_bytes!(all!()),
    count_versions!(all!()),
    release!(all!()),
    "update quotas set bytes = (select cast(coalesce(sum(i.bytes), 0) as bigint) from quota_items i \
     where i.repo in (select o.repo from quota_repos o where o.quota = quotas.id)), \
     versions = (select count(*) from quota_items i where i.kind = 'version' \
     and i.repo in (select o.repo from quota_repos o where o.quota = quotas.id)), open = 2",
];
/// And last where the database does not judge by itself.
const CLOSE: &str = "update quotas set open = 0";
/// The first schema with quotas.
const FIRST_SCHEMA: i64 = 21;

/// Counts anew once all rows of a snapshot of this schema are there: counts are in none.
pub(crate) fn recount(schema: i64, dialect: &str) -> Vec<Load> {
    if schema < FIRST_SCHEMA {
        return Vec::new();
    }
    let close = Some(CLOSE).filter(|_| dialect == "sqlite");
    let load = |text: &&'static str| Load::Rows {
        text: (*text).into(),
        rows: vec![Vec::new()],
    };
    RECOUNT.iter().chain(close.iter()).map(load).collect()
}

/// What a repository has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Bytes of what is published, or fetched and kept: each digest once.
    pub bytes: u64,
    /// Of these, the bytes of digests that no other repository names.
    pub unique_bytes: u64,
    /// Versions of packages, of images tags.
    pub versions: u64,
}

impl Metadata {
    /// What a repository has. Where no quota fits it, all of its files are looked at.
    pub async fn usage(&self, repo: i64) -> Result<Usage, Error> {
        let one = async |text| {
            let rows = self.sql.scan(text, vec![repo.into()]).await?;
            let row = rows.into_iter().next();
            row.ok_or_else(|| Error::Shape("a count has no row".to_owned()))
        };
        if self.sql.rows(IS_COUNTED, &[repo.into()]).await?.is_empty() {
            let mut bytes = one(UNCOUNTED_BYTES).await?;
            return Ok(Usage {
                bytes: bytes.count(0)?,
                unique_bytes: bytes.count(1)?,
                versions: one(UNCOUNTED_VERSIONS).await?.count(0)?,
            });
        }
        let mut counted = one(USAGE).await?;
        Ok(Usage {
            bytes: counted.count(0)?,
            unique_bytes: one(UNIQUE).await?.count(0)?,
            versions: counted.count(1)?,
        })
    }

    /// The repository is to fit a quota of its own.
    pub(super) fn enter(batch: &mut Batch, repo: i64, quota: i64) {
        batch.run(ENTER, [repo.into(), quota.into()]);
    }

    /// All repositories that are there are to fit a quota whose pattern fits them.
    pub(super) fn enter_matching(batch: &mut Batch, quota: i64) {
        batch.run(ENTER_MATCHING, [quota.into()]);
    }

    /// A new repository is to fit the quotas whose pattern fits it. Comes behind
    /// [`Self::touch_policy`].
    pub(crate) fn enter_shared_quotas(batch: &mut Batch, repo: i64) {
        batch.run(ENTER_SHARED, [repo.into()]);
    }

    /// Counts what a new quota's repositories have.
    pub(super) fn count(batch: &mut Batch, quota: i64) {
        for text in [
            CLEAR_RELEASED,
            CLEAR_ITEMS,
            COUNT_BYTES,
            COUNT_VERSIONS,
            RELEASE,
            SUM,
        ] {
            batch.run(text, [quota.into()]);
        }
    }

    /// What only this quota has had counted is not counted any more.
    pub(super) fn forget_counts(batch: &mut Batch, quota: i64) {
        for text in [CLEAR_RELEASED, CLEAR_ITEMS, LEAVE_QUOTA] {
            batch.run(text, [quota.into()]);
        }
    }

    /// The repository has no quota of its own any more.
    pub(super) fn drop_own_quota(batch: &mut Batch, repo: i64) {
        for text in [
            LEAVE_OWN,
            DROP_RELEASED_IF_LAST,
            DROP_ITEMS_IF_LAST,
            DROP_OWN_ROW,
        ] {
            batch.run(text, [repo.into()]);
        }
    }

    /// The repository goes with all that it has.
    pub(crate) fn leave_quotas(batch: &mut Batch, repo: i64) {
        for text in [
            LEAVE_ALONE,
            LEAVE_COUNTS,
            LEAVE_ALL,
            DROP_RELEASED,
            DROP_ITEMS,
            DROP_OWN_ROW,
        ] {
            batch.run(text, [repo.into()]);
        }
    }
}
