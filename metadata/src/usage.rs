//! The bytes that names hold, as they were last counted: nothing is counted when somebody asks.
//!
//! A count walks the digests with all that names them, and then the packages. Each page is one short
//! statement that reads; only what has changed is written.

use crate::files::PackageKey;
use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Row};
use larder_model::Timestamp;
use std::collections::BTreeMap;

/// What names the next digests: a row for each package, one without for what nothing names.
const NAMES: &str = "select distinct b.digest, b.size, f.repo, f.package from \
    (select digest, size from blobs where digest > ?1 order by digest limit ?2) b \
    left join files f on f.digest = b.digest order by b.digest, f.repo, f.package";
/// A tag without a version is that of an image.
const PACKAGES: &str = "select p.repo, p.name, \
    (select cast(coalesce(sum(b.size), 0) as bigint) from blobs b where b.digest in \
    (select f.digest from files f where f.repo = p.repo and f.package = p.name)), \
    (select cast(coalesce(sum(b.size), 0) as bigint) from blobs b where b.digest in \
    (select f.digest from files f where f.repo = p.repo and f.package = p.name) and not exists \
    (select 1 from files o where o.digest = b.digest \
    and (o.repo <> p.repo or o.package <> p.name))), \
    (select count(distinct f.version) from files f where f.repo = p.repo and f.package = p.name \
    and f.version <> '' and f.kind = 'artifact') + \
    (select count(*) from files f where f.repo = p.repo and f.package = p.name \
    and f.kind = 'tag' and f.version = ''), \
    u.bytes, u.unique_bytes, u.versions from packages p \
    left join usage_packages u on u.repo = p.repo and u.package = p.name \
    where (p.repo, p.name) > (?1, ?2) order by p.repo, p.name limit ?3";
const GONE: &str = "select u.repo, u.package, case when exists (select 1 from packages p \
    where p.repo = u.repo and p.name = u.package) then 1 else 0 end from usage_packages u \
    where (u.repo, u.package) > (?1, ?2) order by u.repo, u.package limit ?3";
const PUT_PACKAGE: &str = "insert into usage_packages (repo, package, bytes, unique_bytes, versions) \
    select ?1, ?2, ?3, ?4, ?5 where exists (select 1 from repos where id = ?1) \
    on conflict (repo, package) do update set bytes = excluded.bytes, \
    unique_bytes = excluded.unique_bytes, versions = excluded.versions";
const DROP_PACKAGE: &str = "delete from usage_packages where repo = ?1 and package = ?2";
const PUT_REPO: &str = "insert into usage_repos (repo, bytes, unique_bytes, blobs, packages, versions) \
    select ?1, ?2, ?3, ?4, ?5, ?6 where exists (select 1 from repos where id = ?1) \
    on conflict (repo) do update set bytes = excluded.bytes, \
    unique_bytes = excluded.unique_bytes, blobs = excluded.blobs, packages = excluded.packages, \
    versions = excluded.versions";
const DROP_REPO: &str = "delete from usage_repos where repo = ?1";
const DROP_SUMS: &str = "delete from usage_sums";
const PUT_SUM: &str = "insert into usage_sums (scope, bytes, unique_bytes, blobs, repositories, \
    packages, versions, saved_bytes, unnamed_bytes, as_of) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const SUMS: &str = "select scope, bytes, unique_bytes, blobs, repositories, packages, versions, \
    saved_bytes, unnamed_bytes, as_of from usage_sums order by scope";
const LARGEST_REPOS: &str = "select repo, bytes, unique_bytes, blobs, packages, versions \
    from usage_repos where (bytes, repo) < (?1, ?2) order by bytes desc, repo desc limit ?3";
const OF_REPO: &str = "select bytes, unique_bytes, blobs, packages, versions \
    from usage_repos where repo = ?1";
const LARGEST_PACKAGES: &str = "select repo, package, bytes, unique_bytes, versions \
    from usage_packages where (bytes, repo, package) < (?1, ?2, ?3) \
    order by bytes desc, repo desc, package desc limit ?4";
const LARGEST_OF_REPO: &str = "select repo, package, bytes, unique_bytes, versions \
    from usage_packages where repo = ?4 and (bytes, package) < (?1, ?2) \
    order by bytes desc, package desc limit ?3";

/// Rows written in one batch.
const BATCH: usize = 500;

/// The scope of all that is here together.
pub const ALL: &str = "";

/// A digest, and who names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedBlob {
    /// Its digest, as text.
    pub digest: Box<str>,
    /// Its size in bytes.
    pub size: u64,
    /// The packages, by the id of their repo; a package without a name is the repo itself.
    pub names: Vec<(i64, Box<str>)>,
}

/// The bytes of a package, and whether that is news.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackageUsage {
    /// The repo's id.
    pub repo: i64,
    /// The package; empty: what is of the whole repo.
    pub package: Box<str>,
    /// Bytes of the digests that it names, each once.
    pub bytes: u64,
    /// Those of digests that no other package names.
    pub unique_bytes: u64,
    /// How many versions it has; of an image, tags.
    pub versions: u64,
    /// Whether another count was written last.
    pub is_news: bool,
}

/// The bytes of a repo.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RepoUsage {
    /// Bytes of the digests that it names, each once.
    pub bytes: u64,
    /// Those of digests that no other repo names.
    pub unique_bytes: u64,
    /// How many digests it names.
    pub blobs: u64,
    /// How many packages have versions.
    pub packages: u64,
    /// How many versions they have.
    pub versions: u64,
}

/// The bytes of a protocol's repos, or of all together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UsageSum {
    /// The protocol, or [`ALL`].
    pub scope: Box<str>,
    /// Bytes of the digests that are named, each once.
    pub bytes: u64,
    /// Those of digests that nothing else names: of a protocol no other one, of all but one repo.
    pub unique_bytes: u64,
    /// How many digests are named.
    pub blobs: u64,
    /// How many repos name anything.
    pub repositories: u64,
    /// How many packages have versions.
    pub packages: u64,
    /// How many versions they have.
    pub versions: u64,
    /// The bytes that would be kept in addition if each package had its own.
    pub saved_bytes: u64,
    /// Of all: bytes that no file names. They are in the trash, or wait for the collector.
    pub unnamed_bytes: u64,
    /// When the count began.
    pub as_of: Timestamp,
}

/// Where a list of packages, the largest first, goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AfterPackage {
    /// The bytes of the last one.
    pub bytes: u64,
    /// The id of its repo.
    pub repo: i64,
    /// Its name.
    pub package: Box<str>,
}

impl Metadata {
    /// The next digests and their names, after a digest, at most `limit`.
    pub async fn named_blobs(&self, after: &str, limit: u64) -> Result<Vec<NamedBlob>, Error> {
        let rows = self.sql.scan(NAMES, vec![after.into(), limit.into()]);
        let mut blobs: Vec<NamedBlob> = Vec::new();
        for mut row in rows.await? {
            let (digest, size, repo) = (row.text(0)?, row.count(1)?, row.optional_int(2)?);
            let package = row.optional_text(3)?.unwrap_or_default();
            if blobs.last().is_none_or(|last| last.digest != digest) {
                let names = Vec::new();
                blobs.push(NamedBlob {
                    digest,
                    size,
                    names,
                });
            }
            if let (Some(last), Some(repo)) = (blobs.last_mut(), repo) {
                last.names.push((repo, package));
            }
        }
        Ok(blobs)
    }

    /// Counts the next packages, after one, at most `limit`.
    pub async fn count_packages(
        &self,
        after: PackageKey<'_>,
        limit: u64,
    ) -> Result<Vec<PackageUsage>, Error> {
        let [repo, package] = after.value();
        let read = |row: &mut Row| {
            let (bytes, unique_bytes, versions) = (row.count(2)?, row.count(3)?, row.count(4)?);
            let is = |known: Option<i64>, now: u64| {
                known.is_some_and(|known| u64::try_from(known) == Ok(now))
            };
            let is_same = is(row.optional_int(5)?, bytes)
                & is(row.optional_int(6)?, unique_bytes)
                & is(row.optional_int(7)?, versions);
            Ok(PackageUsage {
                repo: row.int(0)?,
                package: row.text(1)?,
                bytes,
                unique_bytes,
                versions,
                is_news: !is_same,
            })
        };
        let mut rows = self
            .sql
            .scan(PACKAGES, vec![repo, package, limit.into()])
            .await?;
        rows.iter_mut().map(read).collect()
    }

    /// Writes the counts of packages, of which there are few, for a job. [`Error::Unmet`]: the job is
    /// another server's.
    pub async fn put_package_usage(
        &self,
        held: &HeldJob,
        counts: &[PackageUsage],
    ) -> Result<(), Error> {
        for part in counts.chunks(BATCH) {
            let mut batch = Batch::default();
            held.require(&mut batch);
            for count in part {
                let values = [
                    count.repo.into(),
                    (&*count.package).into(),
                    count.bytes.into(),
                    count.unique_bytes.into(),
                    count.versions.into(),
                ];
                batch.run(PUT_PACKAGE, values);
            }
            self.sql.apply(batch).await?;
        }
        Ok(())
    }

    /// Forgets the counts of packages that are gone, among the next `limit` after one. The last that
    /// was looked at; `None`: there are no more.
    pub async fn drop_gone_usage(
        &self,
        held: &HeldJob,
        after: PackageKey<'_>,
        limit: u64,
    ) -> Result<Option<(i64, Box<str>)>, Error> {
        let [repo, package] = after.value();
        let mut rows = self
            .sql
            .scan(GONE, vec![repo, package, limit.into()])
            .await?;
        let (mut batch, mut last) = (Batch::default(), None);
        held.require(&mut batch);
        for row in &mut rows {
            let (repo, package, is_there) = (row.int(0)?, row.text(1)?, row.int(2)? != 0);
            if !is_there {
                batch.run(DROP_PACKAGE, [repo.into(), (&*package).into()]);
            }
            last = Some((repo, package));
        }
        if batch.statements.len() > 1 {
            self.sql.apply(batch).await?;
        }
        Ok(last)
    }

    /// Writes the counts of all repos, by their ids, and of what they add up to, for a job.
    pub async fn put_usage(
        &self,
        held: &HeldJob,
        repos: &BTreeMap<i64, RepoUsage>,
        sums: &[UsageSum],
    ) -> Result<(), Error> {
        let known = self.usage_of_repos(None, u64::MAX).await?;
        let mut batch = Batch::default();
        held.require(&mut batch);
        for (gone, _) in known.iter().filter(|(id, _)| !repos.contains_key(id)) {
            batch.run(DROP_REPO, [(*gone).into()]);
        }
        for (id, usage) in repos {
            if known.contains(&(*id, *usage)) {
                continue;
            }
            let values = [
                (*id).into(),
                usage.bytes.into(),
                usage.unique_bytes.into(),
                usage.blobs.into(),
                usage.packages.into(),
                usage.versions.into(),
            ];
            batch.run(PUT_REPO, values);
        }
        batch.run(DROP_SUMS, []);
        for sum in sums {
            let values = [
                (&*sum.scope).into(),
                sum.bytes.into(),
                sum.unique_bytes.into(),
                sum.blobs.into(),
                sum.repositories.into(),
                sum.packages.into(),
                sum.versions.into(),
                sum.saved_bytes.into(),
                sum.unnamed_bytes.into(),
                sum.as_of.into(),
            ];
            batch.run(PUT_SUM, values);
        }
        self.sql.apply(batch).await
    }

    /// What all repos and those of each protocol add up to; empty: nothing was counted yet.
    pub async fn usage_sums(&self) -> Result<Vec<UsageSum>, Error> {
        let read = |row: &mut Row| {
            Ok(UsageSum {
                scope: row.text(0)?,
                bytes: row.count(1)?,
                unique_bytes: row.count(2)?,
                blobs: row.count(3)?,
                repositories: row.count(4)?,
                packages: row.count(5)?,
                versions: row.count(6)?,
                saved_bytes: row.count(7)?,
                unnamed_bytes: row.count(8)?,
                as_of: Timestamp(row.int(9)?),
            })
        };
        let mut rows = self.sql.rows(SUMS, &[]).await?;
        rows.iter_mut().map(read).collect()
    }

    /// The repos by their ids, the largest first, after one of so many bytes, at most `limit`.
    pub async fn usage_of_repos(
        &self,
        after: Option<(u64, i64)>,
        limit: u64,
    ) -> Result<Vec<(i64, RepoUsage)>, Error> {
        let (bytes, repo) = after.unwrap_or((u64::MAX, i64::MAX));
        let read = |row: &mut Row| {
            let usage = RepoUsage {
                bytes: row.count(1)?,
                unique_bytes: row.count(2)?,
                blobs: row.count(3)?,
                packages: row.count(4)?,
                versions: row.count(5)?,
            };
            Ok((row.int(0)?, usage))
        };
        let values = vec![bytes.into(), repo.into(), limit.into()];
        let mut rows = self.sql.scan(LARGEST_REPOS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// What a repo had when it was counted last; `None`: it never was.
    pub async fn counted_usage(&self, repo: i64) -> Result<Option<RepoUsage>, Error> {
        let mut rows = self.sql.rows(OF_REPO, &[repo.into()]).await?;
        let read = |row: &mut Row| {
            Ok(RepoUsage {
                bytes: row.count(0)?,
                unique_bytes: row.count(1)?,
                blobs: row.count(2)?,
                packages: row.count(3)?,
                versions: row.count(4)?,
            })
        };
        rows.first_mut().map(read).transpose()
    }

    /// The packages of a repo, or of all, the largest first, at most `limit`.
    pub async fn usage_of_packages(
        &self,
        repo: Option<i64>,
        after: Option<AfterPackage>,
        limit: u64,
    ) -> Result<Vec<PackageUsage>, Error> {
        let after = after.unwrap_or_else(|| AfterPackage {
            bytes: u64::MAX,
            repo: i64::MAX,
            package: "".into(),
        });
        let read = |row: &mut Row| {
            Ok(PackageUsage {
                repo: row.int(0)?,
                package: row.text(1)?,
                bytes: row.count(2)?,
                unique_bytes: row.count(3)?,
                versions: row.count(4)?,
                is_news: false,
            })
        };
        let (bytes, package) = (after.bytes.into(), (&*after.package).into());
        let (text, values) = match repo {
            Some(repo) => (
                LARGEST_OF_REPO,
                vec![bytes, package, limit.into(), repo.into()],
            ),
            None => (
                LARGEST_PACKAGES,
                vec![bytes, after.repo.into(), package, limit.into()],
            ),
        };
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(read).collect()
    }
}

#[cfg(test)]
mod tests;
