//! The work of `usage`: counts the bytes that names hold, by protocol, repository and package.
//!
//! First it walks the digests, each with all that names it: what is shared between repositories or
//! protocols is seen there, and only sums are held in memory. Then it walks the packages. It reads
//! page by page, and writes what has changed.

use async_trait::async_trait;
use larder_jobs::{Ended, JobContext, Progress, Work, WorkError};
use larder_metadata::Metadata;
use larder_metadata::files::PackageKey;
use larder_metadata::series::NewPoint;
use larder_metadata::usage::{ALL, NamedBlob, RepoUsage, UsageSum};
use larder_model::{ProtocolName, SeriesName, Timestamp};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Digests read at once: one that very many packages name comes with all of them.
const DIGESTS: u64 = 500;
/// Packages counted at once.
const PACKAGES: u64 = 50;

/// What counts the bytes that names hold.
#[derive(Clone)]
pub struct UsageCount {
    metadata: Metadata,
}

/// What was counted so far.
#[derive(Default)]
struct Count {
    /// The protocol of each repo.
    protocols: BTreeMap<i64, ProtocolName>,
    repos: BTreeMap<i64, RepoUsage>,
    sums: BTreeMap<&'static str, UsageSum>,
    digests: u64,
}

impl Count {
    fn new(protocols: BTreeMap<i64, ProtocolName>) -> Self {
        let all = (ALL, UsageSum::default());
        Self {
            protocols,
            sums: [all].into(),
            ..Self::default()
        }
    }

    /// Counts a digest for all that name it.
    fn add(&mut self, blob: &NamedBlob) {
        self.digests += 1;
        let repos: BTreeSet<i64> = blob.names.iter().map(|(repo, _)| *repo).collect();
        for repo in &repos {
            let usage = self.repos.entry(*repo).or_default();
            usage.bytes += blob.size;
            usage.blobs += 1;
            usage.unique_bytes += if repos.len() == 1 { blob.size } else { 0 };
        }
        let of = |repo: &i64| self.protocols.get(repo).map(|protocol| protocol.0);
        // A repo that was made since the count began is of none yet.
        let mut places: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (repo, _) in &blob.names {
            if let Some(protocol) = of(repo) {
                *places.entry(protocol).or_default() += 1;
            }
        }
        let protocols = places.len();
        for (protocol, packages) in places {
            let sum = self.sums.entry(protocol).or_default();
            sum.bytes += blob.size;
            sum.blobs += 1;
            sum.unique_bytes += if protocols == 1 { blob.size } else { 0 };
            sum.saved_bytes += blob.size * (packages - 1);
        }
        let all = self.sums.entry(ALL).or_default();
        match blob.names.len() as u64 {
            0 => all.unnamed_bytes += blob.size,
            packages => {
                all.bytes += blob.size;
                all.blobs += 1;
                all.unique_bytes += if repos.len() == 1 { blob.size } else { 0 };
                all.saved_bytes += blob.size * (packages - 1);
            }
        }
    }

    /// Counts a package that has so many versions; without any it is only a name.
    fn add_package(&mut self, repo: i64, versions: u64) {
        if versions == 0 {
            return;
        }
        let usage = self.repos.entry(repo).or_default();
        usage.packages += 1;
        usage.versions += versions;
    }

    /// The sums of all scopes, as of a moment.
    fn sums(&mut self, as_of: Timestamp) -> Vec<UsageSum> {
        for (repo, usage) in &self.repos {
            let protocol = self.protocols.get(repo).map(|protocol| protocol.0);
            for scope in [Some(ALL), protocol].into_iter().flatten() {
                let sum = self.sums.entry(scope).or_default();
                sum.repositories += 1;
                sum.packages += usage.packages;
                sum.versions += usage.versions;
            }
        }
        let scopes = std::mem::take(&mut self.sums).into_iter();
        let sums = scopes.map(|(scope, sum)| UsageSum {
            scope: scope.into(),
            as_of,
            ..sum
        });
        sums.collect()
    }
}

impl UsageCount {
    /// Counts in this database.
    pub const fn new(metadata: Metadata) -> Self {
        Self { metadata }
    }

    /// Walks the digests; whether all of them.
    async fn digests(&self, job: &JobContext, count: &mut Count) -> Result<bool, WorkError> {
        let mut after = Box::from("");
        while !job.is_cancelled() {
            let page = self.metadata.named_blobs(&after, DIGESTS).await?;
            let Some(last) = page.last() else {
                return Ok(true);
            };
            after = last.digest.clone();
            for blob in &page {
                count.add(blob);
            }
            let bytes = count.sums.get(ALL).map_or(0, |sum| sum.bytes);
            job.progress(progress("digests", count.digests, "blobs", bytes));
        }
        Ok(false)
    }

    /// Counts each package; whether all of them.
    async fn packages(&self, job: &JobContext, count: &mut Count) -> Result<bool, WorkError> {
        let (mut after, mut done) = ((i64::MIN, Box::from("")), 0);
        while !job.is_cancelled() {
            let key = PackageKey {
                repo: after.0,
                package: &after.1,
            };
            let page = self.metadata.count_packages(key, PACKAGES).await?;
            let Some(last) = page.last() else {
                return Ok(true);
            };
            after = (last.repo, last.package.clone());
            done += page.len() as u64;
            for package in &page {
                count.add_package(package.repo, package.versions);
            }
            let news: Vec<_> = page.into_iter().filter(|package| package.is_news).collect();
            self.metadata.put_package_usage(job.held(), &news).await?;
            job.progress(progress("packages", done, "packages", 0));
        }
        Ok(false)
    }

    /// Forgets the counts of packages that are gone; whether all of them.
    async fn gone(&self, job: &JobContext) -> Result<bool, WorkError> {
        let mut after = (i64::MIN, Box::from(""));
        while !job.is_cancelled() {
            let key = PackageKey {
                repo: after.0,
                package: &after.1,
            };
            let last = self.metadata.drop_gone_usage(job.held(), key, DIGESTS);
            let Some(last) = last.await? else {
                return Ok(true);
            };
            after = last;
        }
        Ok(false)
    }
}

fn progress(phase: &str, done: u64, unit: &str, bytes: u64) -> Progress {
    Progress {
        phase: phase.to_owned(),
        done,
        total: None,
        unit: unit.to_owned(),
        bytes,
    }
}

#[async_trait]
impl Work for UsageCount {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        let as_of = self.metadata.shared_now().await?;
        let repos = self.metadata.repos().await?;
        let mut count = Count::new(repos.iter().map(|it| (it.id, it.protocol)).collect());
        let is_whole = self.digests(job, &mut count).await?
            && self.packages(job, &mut count).await?
            && self.gone(job).await?;
        let result = |count: &Count| {
            let all = count.sums.get(ALL).cloned().unwrap_or_default();
            json!({"examined": count.digests, "bytes": all.bytes, "blobs": all.blobs})
        };
        if !is_whole {
            return Ok(Ended::Cancelled(result(&count)));
        }
        let result = result(&count);
        let sums = count.sums(as_of);
        let held = job.held();
        self.metadata.put_usage(held, &count.repos, &sums).await?;
        let point = |name: SeriesName, label, value| NewPoint {
            name: name.word(),
            label,
            part: "",
            value,
        };
        // Sums of protocols would count twice what they share.
        let mut points: Vec<_> = sums
            .iter()
            .flat_map(|sum| {
                let (label, bytes, blobs) = (&*sum.scope, sum.bytes, sum.blobs);
                [
                    point(SeriesName::StoredBytes, label, bytes),
                    point(SeriesName::StoredBlobs, label, blobs),
                ]
            })
            .collect();
        self.metadata.set_series(as_of, &mut points).await?;
        Ok(Ended::Done(result))
    }
}

#[cfg(test)]
mod tests;
