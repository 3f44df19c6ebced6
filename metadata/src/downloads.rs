//! How often versions were downloaded, as [`write_uses`](Metadata::write_uses) has counted.

use crate::files::PackageKey;
use crate::listing::VersionBy;
use crate::use_marks::day_of;
use crate::uses::ALL_DAYS;
use crate::{Batch, Error, Metadata, Row};
use larder_model::Timestamp;
use std::collections::BTreeMap;

const OF_VERSIONS: &str = "select version, \
    cast(sum(case when day >= ?5 then count else 0 end) as bigint), \
    cast(sum(case when day = 0 then count else 0 end) as bigint) from downloads \
    where repo = ?1 and package = ?2 and version >= ?3 and version <= ?4 \
    group by version order by version";
/// A tag is downloaded by its name, or by the digest that a client was told for it.
const OF_TAGS: &str = "select f.path, \
    (select cast(coalesce(sum(d.count), 0) as bigint) from downloads d where d.repo = f.repo \
    and d.package = f.package and d.version in (f.path, f.digest) and d.day >= ?5), \
    (select cast(coalesce(sum(d.count), 0) as bigint) from downloads d where d.repo = f.repo \
    and d.package = f.package and d.version in (f.path, f.digest) and d.day = 0) \
    from files f where f.repo = ?1 and f.package = ?2 and f.kind = 'tag' \
    and f.path >= ?3 and f.path <= ?4 order by f.path";
const OF_PACKAGE: &str = "select day, cast(sum(count) as bigint) from downloads \
    where repo = ?1 and package = ?2 and day >= ?3 group by day order by day";
const PRUNE: &str = "delete from downloads where day > 0 and day < ?1";

/// Days of the sum that lists of versions tell.
pub const RECENT_DAYS: i64 = 30;

const SECONDS_OF_DAY: i64 = 24 * 60 * 60;

/// How often something was downloaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Downloads {
    /// In the last [`RECENT_DAYS`], today among them.
    pub recent: u64,
    /// Ever.
    pub total: u64,
}

/// Downloads of a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayOfDownloads {
    /// When the day began.
    pub at: Timestamp,
    /// How many.
    pub count: u64,
}

impl Metadata {
    /// How often versions were downloaded, by name, from one in the order of their letters up to
    /// another; those that never were are left out, but for tags.
    pub async fn downloads_of_versions(
        &self,
        package: PackageKey<'_>,
        by: VersionBy,
        (first, last): (&str, &str),
    ) -> Result<BTreeMap<Box<str>, Downloads>, Error> {
        let [repo, package] = package.value();
        let since = day_of(self.now()) - RECENT_DAYS + 1;
        let values = vec![repo, package, first.into(), last.into(), since.into()];
        let text = match by {
            VersionBy::Version => OF_VERSIONS,
            VersionBy::Tag => OF_TAGS,
        };
        let read = |row: &mut Row| {
            let (recent, total) = (row.count(1)?, row.count(2)?);
            Ok((row.text(0)?, Downloads { recent, total }))
        };
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Downloads of a package by day, from the day of `since` on; days without any are left out.
    pub async fn downloads_by_day(
        &self,
        package: PackageKey<'_>,
        since: Timestamp,
    ) -> Result<Vec<DayOfDownloads>, Error> {
        let [repo, package] = package.value();
        let first = day_of(since).max(ALL_DAYS + 1);
        let read = |row: &mut Row| {
            Ok(DayOfDownloads {
                at: Timestamp(row.int(0)? * SECONDS_OF_DAY * 1_000_000),
                count: row.count(1)?,
            })
        };
        let values = vec![repo, package, first.into()];
        let mut rows = self.sql.scan(OF_PACKAGE, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Forgets downloads by day from before the day of `before`; what they add up to stays.
    pub async fn prune_downloads(&self, before: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(PRUNE, [day_of(before).into()]);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
