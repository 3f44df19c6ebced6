//! The audit mark: what manifests name, read from their own bytes, compared with the rows that keep
//! bytes. It only tells: where they differ, the collector frees too little, or would free too much.
//!
//! Roots are all manifests of an image: tags name some, and those without a tag stay until a rule lets
//! them go. What the trash holds, and what other protocols publish, are files that have their digests
//! themselves. Memory holds one image at a time.

use crate::run::Run;
use crate::seam::Named;
use crate::state::Phase;
use larder_jobs::{Item, WorkError};
use larder_metadata::files::PackageKey;
use larder_model::{Digest, RepoPath};
use std::collections::BTreeSet;

/// Manifests read at once.
const MANIFESTS: u64 = 16;
/// Rows read at once that hold no bytes.
const ROWS: u64 = 512;
/// How often an image is read once more that changed meanwhile.
const TRIES: usize = 3;

/// What differs in an image.
#[derive(Debug, Default)]
struct Differences {
    manifests: u64,
    /// Of a manifest and what it names, or does not.
    unbound: Vec<(Digest, Digest)>,
    bound: Vec<(Digest, Digest)>,
    absent: Vec<(Digest, Digest)>,
    unnamed: Vec<Digest>,
}

impl Run<'_> {
    /// Compares all images behind the last one.
    pub(crate) async fn images(&mut self) -> Result<(), WorkError> {
        while self.is_in(Phase::Images) {
            let (repo, package) = after(&self.state.after);
            let key = PackageKey {
                repo,
                package: &package,
            };
            let page = self.metadata.hosted_images(key, ROWS).await?;
            if page.is_empty() {
                return self.end_phase(Phase::Unreachable).await;
            }
            for (repo, package) in page {
                if self.is_cancelled() {
                    return Ok(());
                }
                let key = PackageKey {
                    repo,
                    package: &package,
                };
                self.image(key).await?;
                self.state.after = format!("{repo} {package}");
                self.state.done += 1;
                self.went_on().await?;
            }
        }
        Ok(())
    }

    async fn image(&mut self, package: PackageKey<'_>) -> Result<(), WorkError> {
        for _ in 0..TRIES {
            let before = self.metadata.revision(package).await?;
            let found = self.compare(package).await?;
            if self.metadata.revision(package).await? == before {
                return self.tell_differences(package, found).await;
            }
        }
        Ok(()) // whoever pushes all the time is compared another time
    }

    async fn compare(&self, package: PackageKey<'_>) -> Result<Differences, WorkError> {
        let mut found = Differences::default();
        let (mut named, mut last) = (BTreeSet::new(), String::new());
        loop {
            let page = self
                .metadata
                .manifests_to_mark(package, &last, MANIFESTS)
                .await?;
            let Some(manifest) = page.last() else { break };
            last = manifest.digest.to_string();
            for manifest in &page {
                found.manifests += 1;
                let Ok(Named { parts, subject }) =
                    self.manifests.named(&manifest.body, &manifest.content_type)
                else {
                    continue; // it was read when it was pushed; that its bytes are right was looked at
                };
                let rows = self.metadata.edges_of(package, &manifest.digest).await?;
                let rows: BTreeSet<_> = rows.into_iter().collect();
                let own = parts.iter().map(|part| (*part, false));
                let own: BTreeSet<_> = own.chain(subject.map(|it| (it, true))).collect();
                let pair = |(it, _): &(Digest, bool)| (manifest.digest, *it);
                found.unbound.extend(own.difference(&rows).map(pair));
                found.bound.extend(rows.difference(&own).map(pair));
                for part in parts {
                    if named.insert(part) && !self.metadata.has_in_image(package, &part).await? {
                        found.absent.push((manifest.digest, part));
                    }
                }
            }
        }
        last.clear();
        loop {
            let page = self.metadata.blobs_of_image(package, &last, ROWS).await?;
            let Some(blob) = page.last() else { break };
            last = blob.to_string();
            for blob in &page {
                if !named.contains(blob) && !self.metadata.is_link_queued(package, blob).await? {
                    found.unnamed.push(*blob);
                }
            }
        }
        Ok(found)
    }

    async fn tell_differences(
        &mut self,
        package: PackageKey<'_>,
        found: Differences,
    ) -> Result<(), WorkError> {
        let mark = &mut self.state.outcome.mark;
        mark.images += 1;
        mark.manifests += found.manifests;
        mark.unbound += found.unbound.len() as u64;
        mark.bound += found.bound.len() as u64;
        mark.absent += found.absent.len() as u64;
        mark.unnamed += found.unnamed.len() as u64;
        let repos = self.metadata.repos().await?;
        let repo = repos.iter().find(|repo| repo.id == package.repo);
        let repository = repo.map(|repo| RepoPath {
            protocol: repo.protocol,
            name: repo.name.clone(),
        });
        let item = |digest: Digest, reason: String| Item {
            action: "mark".to_owned(),
            repository: repository.clone(),
            package: Some(package.package.to_owned()),
            version: None,
            digest: Some(digest.to_string()),
            bytes: None,
            reason,
        };
        for (pairs, text) in [
            (
                &found.unbound,
                "names it, and no row says so: the collector might free it",
            ),
            (&found.bound, "does not name it, and a row says so"),
            (&found.absent, "names it, and the image does not have it"),
        ] {
            for (manifest, digest) in pairs {
                let reason = format!("the manifest {manifest} {text}");
                self.job.item(&item(*digest, reason)).await?;
            }
        }
        for digest in &found.unnamed {
            let reason = "no manifest of the image names it, and the collector does not look at it";
            self.job.item(&item(*digest, reason.to_owned())).await?;
        }
        Ok(())
    }

    /// Looks for blobs that nothing accounts for.
    pub(crate) async fn unreachable(&mut self) -> Result<(), WorkError> {
        while self.is_in(Phase::Unreachable) {
            let page = self.metadata.held_blobs(&self.state.after, ROWS).await?;
            let Some(last) = page.last() else {
                return self.end_phase(Phase::Done).await;
            };
            self.state.after = last.digest.to_string();
            self.state.done += page.len() as u64;
            for blob in page.iter().filter(|blob| !blob.known) {
                let mark = &mut self.state.outcome.mark;
                mark.unreachable += 1;
                mark.unreachable_bytes += blob.size;
                let reason = "no file and nothing in the trash has it, and the collector does not look \
                              at it";
                self.job
                    .item(&Item {
                        action: "mark".to_owned(),
                        digest: Some(blob.digest.to_string()),
                        bytes: Some(blob.size),
                        reason: reason.to_owned(),
                        ..Item::default()
                    })
                    .await?;
            }
            self.went_on().await?;
        }
        Ok(())
    }
}

/// The image that was looked at last.
fn after(text: &str) -> (i64, String) {
    let parts = text.split_once(' ');
    let read = parts.and_then(|(repo, package)| Some((repo.parse().ok()?, package.to_owned())));
    read.unwrap_or((i64::MIN, String::new()))
}
