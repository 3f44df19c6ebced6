//! What a policy would do, told beforehand.

use super::look::{Decided, Look, look_at};
use super::mirror::{Mirrors, Verdict};
use super::seam::PackageVersions;
use crate::retain::{Action, UnitKind};
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::StoredPreview;
use larder_model::{Algorithm, Digest, Problem, RepoKind, RetentionPolicy};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Versions that a preview tells of: first those that go. Its counts are of all.
const MAX_ITEMS: usize = 10_000;
/// Packages read at once.
const PAGE: u64 = 1000;
/// Bytes that stand for a deletion.
const MARK: usize = 8;

/// A version, or a manifest without a tag, and what would become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreviewItem {
    /// The package.
    pub package: Box<str>,
    /// The version; `None`: the manifest has no tag.
    pub version: Option<Box<str>>,
    /// Of an image, the manifest.
    pub digest: Option<Digest>,
    /// What would become of it.
    pub action: Action,
    /// Why: a sentence.
    pub reason: String,
    /// The rule that says so; `None`: no rule does.
    pub rule: Option<usize>,
    /// The bytes of all its files.
    pub bytes: u64,
}

/// What a policy would do.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Preview {
    /// Versions, those that go first; not all where there are very many.
    pub items: Vec<PreviewItem>,
    /// Whether there are more.
    pub more: bool,
    /// How many stay.
    pub keep: u64,
    /// How many go.
    pub delete: u64,
    /// Bytes that only those have that go, counted package by package.
    pub bytes: u64,
    marks: BTreeSet<[u8; MARK]>,
}

impl PreviewItem {
    fn of(package: &str, item: Decided) -> Self {
        Self {
            package: package.into(),
            version: item.version,
            digest: item.digest,
            action: item.decision.action,
            reason: item.decision.reason,
            rule: item.decision.rule,
            bytes: item.bytes,
        }
    }

    /// What stands for it where previews are compared.
    fn mark(&self) -> [u8; MARK] {
        let digest = self
            .digest
            .map(|digest| digest.to_string())
            .unwrap_or_default();
        let version = self.version.as_deref().unwrap_or_default();
        let text = format!("{}\0{version}\0{digest}", self.package);
        let hex = Digest::of(Algorithm::Sha256, text.as_bytes()).hex();
        let number = u64::from_str_radix(&hex[..2 * MARK], 16).unwrap_or_default();
        number.to_be_bytes()
    }
}

impl Preview {
    fn add(&mut self, package: &str, look: Look, kept: &mut Vec<PreviewItem>) {
        self.bytes += look.bytes;
        for item in look.items {
            self.add_item(PreviewItem::of(package, item), kept);
        }
    }

    fn add_item(&mut self, item: PreviewItem, kept: &mut Vec<PreviewItem>) {
        if item.action == Action::Delete {
            self.delete += 1;
            self.marks.insert(item.mark());
            if self.items.len() < MAX_ITEMS {
                self.items.push(item);
            }
        } else {
            self.keep += 1;
            if kept.len() < MAX_ITEMS {
                kept.push(item);
            }
        }
    }

    /// What goes stands before what stays.
    fn end(&mut self, mut kept: Vec<PreviewItem>) {
        kept.truncate(MAX_ITEMS - self.items.len());
        self.items.extend(kept);
        self.more = self.keep + self.delete > self.items.len() as u64;
    }

    /// As it is kept, to be compared when it is run.
    pub fn stored(&self, policy: RetentionPolicy) -> StoredPreview {
        StoredPreview {
            policy,
            deletions: self
                .marks
                .iter()
                .flatten()
                .copied()
                .collect::<Vec<u8>>()
                .into(),
        }
    }

    /// Whether what would go differs from what was told by more than a tenth: so many more or fewer.
    pub fn differs_from(&self, stored: &StoredPreview) -> bool {
        let told: BTreeSet<[u8; MARK]> = stored
            .deletions
            .as_chunks::<MARK>()
            .0
            .iter()
            .copied()
            .collect();
        let differing = told.symmetric_difference(&self.marks).count();
        differing * 10 > told.len()
    }
}

/// Tells what policies would do.
#[derive(Clone)]
pub struct Previews {
    metadata: Metadata,
    versions: Arc<dyn PackageVersions>,
}

impl Previews {
    /// Over the database of a server.
    pub fn new(metadata: Metadata, versions: Arc<dyn PackageVersions>) -> Self {
        Self { metadata, versions }
    }

    /// What a policy would do now.
    pub async fn preview(
        &self,
        repo: &RepoRecord,
        policy: &RetentionPolicy,
    ) -> Result<Preview, Problem> {
        if repo.kind == RepoKind::Mirror {
            return self.preview_mirror(repo, policy).await;
        }
        let (mut preview, mut kept) = (Preview::default(), Vec::new());
        let mut after: Box<str> = "".into();
        loop {
            let page = self.metadata.packages_of(repo.id, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.name.clone();
            for package in page.iter().filter(|package| package.live) {
                let (metadata, versions) = (&self.metadata, &*self.versions);
                let now = metadata.now();
                let looked = look_at(metadata, versions, repo, &package.name, policy, now);
                if let Some(look) = looked.await? {
                    preview.add(&package.name, look, &mut kept);
                }
            }
        }
        preview.end(kept);
        Ok(preview)
    }

    async fn preview_mirror(
        &self,
        repo: &RepoRecord,
        policy: &RetentionPolicy,
    ) -> Result<Preview, Problem> {
        // What was read a moment ago counts.
        self.metadata.write_uses().await?;
        let mirrors = Mirrors {
            metadata: &self.metadata,
            versions: &*self.versions,
        };
        let Verdict {
            units,
            decisions,
            freed,
        } = mirrors.decide(repo, policy).await?;
        let (mut preview, mut kept) = (Preview::default(), Vec::new());
        for ((unit, package), decision) in units.all.iter().zip(&units.shown).zip(decisions) {
            // Documents go with what they tell of.
            if unit.kind != UnitKind::Version {
                continue;
            }
            let item = Decided {
                version: unit.name.clone(),
                digest: unit.digest,
                decision,
                bytes: unit.parts.iter().map(|part| part.size).sum(),
            };
            preview.add_item(PreviewItem::of(package, item), &mut kept);
        }
        preview.bytes = freed;
        preview.end(kept);
        Ok(preview)
    }
}
