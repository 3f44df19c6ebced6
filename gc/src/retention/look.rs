//! A package as rules decide on it.

use super::seam::PackageVersions;
use crate::retain::{
    Candidate, Decision, Image, ImageRemoval, Link, LinkKind, Manifest, TaggedDigest, decide,
    decide_image,
};
use larder_metadata::files::PackageKey;
use larder_metadata::listing::{VersionBy, VersionPage};
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::{ImageEdge, ImageFile, ImageRows};
use larder_metadata::{Error, Metadata};
use larder_model::{Digest, FileKind, RetentionPolicy, Timestamp};
use std::collections::{HashMap, HashSet};

/// Versions read at once.
const PAGE: u64 = 1000;

/// A version, or a manifest without a tag, with what is to become of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Decided {
    /// The version; `None`: the manifest has no tag.
    pub(crate) version: Option<Box<str>>,
    /// Of an image, the manifest.
    pub(crate) digest: Option<Digest>,
    /// What.
    pub(crate) decision: Decision,
    /// The bytes of all its files.
    pub(crate) bytes: u64,
}

/// What was decided on a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    /// The revision of the package.
    pub(crate) revision: i64,
    /// Each of its versions.
    pub(crate) items: Vec<Decided>,
    /// Of an image: what goes, with all that goes with it.
    pub(crate) removals: Vec<ImageRemoval>,
    /// The bytes that only what goes has.
    pub(crate) bytes: u64,
}

/// Decides on a package; `None`: there is nothing of it.
pub(crate) async fn look_at(
    metadata: &Metadata,
    versions: &dyn PackageVersions,
    repo: &RepoRecord,
    package: &str,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Result<Option<Look>, Error> {
    let key = PackageKey {
        repo: repo.id,
        package,
    };
    if !versions.are_tags(repo.protocol) {
        return look_at_versions(metadata, versions, repo, key, policy, now).await;
    }
    let Some(rows) = metadata.image_rows(key).await? else {
        return Ok(None);
    };
    let image = image_of(versions, repo, &rows);
    let outcome = decide_image(policy, package, &image, now);
    let sizes = Sizes::of(&rows);
    let mut items = Vec::with_capacity(image.tags.len());
    for (tagged, decision) in image.tags.iter().zip(outcome.tags) {
        items.push(Decided {
            version: Some(tagged.tag.name.clone()),
            digest: Some(tagged.digest),
            decision,
            bytes: sizes.sum(&sizes.reach([tagged.digest])),
        });
    }
    for (digest, decision) in outcome.untagged {
        items.push(Decided {
            version: None,
            digest: Some(digest),
            decision,
            bytes: sizes.sum(&sizes.reach([digest])),
        });
    }
    let gone: HashSet<Digest> = outcome
        .removals
        .iter()
        .flat_map(|it| it.manifests.clone())
        .collect();
    let left = image
        .manifests
        .iter()
        .map(|it| it.digest)
        .filter(|it| !gone.contains(it));
    let left = sizes.reach(left);
    let mut freed = sizes.reach(gone.iter().copied());
    freed.retain(|digest| !left.contains(digest));
    Ok(Some(Look {
        revision: rows.revision,
        items,
        removals: outcome.removals,
        bytes: sizes.sum(&freed),
    }))
}

async fn look_at_versions(
    metadata: &Metadata,
    versions: &dyn PackageVersions,
    repo: &RepoRecord,
    key: PackageKey<'_>,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Result<Option<Look>, Error> {
    let Some(revision) = metadata.revision(key).await? else {
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut after: Box<str> = "".into();
    loop {
        let page = VersionPage {
            prefix: "",
            after: &after,
            limit: PAGE,
        };
        let rows = metadata.versions_of(key, VersionBy::Version, page).await?;
        let Some(last) = rows.last() else { break };
        after = last.name.clone();
        found.extend(rows);
    }
    let names: Vec<&str> = found.iter().map(|version| &*version.name).collect();
    let releases = versions.releases(repo.protocol, &names);
    let candidates: Vec<Candidate> = found
        .iter()
        .zip(releases)
        .map(|(version, release)| Candidate {
            name: version.name.clone(),
            pushed_at: version.pushed_at,
            used_at: read_at(version.used_at),
            is_immutable: is_immutable(repo, &version.name),
            release,
        })
        .collect();
    let decisions = decide(policy, key.package, &candidates, now);
    let items: Vec<Decided> = found
        .into_iter()
        .zip(decisions)
        .map(|(version, decision)| Decided {
            version: Some(version.name),
            digest: None,
            decision,
            bytes: version.size,
        })
        .collect();
    let gone = items.iter().filter(|item| item.decision.deletes());
    Ok(Some(Look {
        revision,
        bytes: gone.map(|item| item.bytes).sum(),
        items,
        removals: Vec::new(),
    }))
}

fn read_at(used_at: Timestamp) -> Option<Timestamp> {
    (used_at.0 > 0).then_some(used_at)
}

pub(crate) fn is_immutable(repo: &RepoRecord, version: &str) -> bool {
    let patterns = &repo.settings.immutable;
    patterns.iter().any(|pattern| pattern.matches(version))
}

fn image_of(versions: &dyn PackageVersions, repo: &RepoRecord, rows: &ImageRows) -> Image {
    let of = |kind: FileKind| rows.files.iter().filter(move |file| file.kind == kind);
    let names: Vec<&str> = of(FileKind::Tag).map(|file| &*file.path).collect();
    let releases = versions.releases(repo.protocol, &names);
    // Who pulls a manifest by its digest pulls what its tags stand for.
    let read: HashMap<Digest, Timestamp> = of(FileKind::Manifest)
        .map(|file| (file.digest, file.used_at))
        .collect();
    let tagged = |(file, release): (&ImageFile, _)| TaggedDigest {
        tag: Candidate {
            name: file.path.clone(),
            pushed_at: file.created_at,
            used_at: read_at(
                file.used_at
                    .max(read.get(&file.digest).copied().unwrap_or_default()),
            ),
            is_immutable: is_immutable(repo, &file.path),
            release,
        },
        digest: file.digest,
    };
    let manifest = |file: &ImageFile| Manifest {
        digest: file.digest,
        untagged_since: file.created_at.max(file.untagged_at),
    };
    Image {
        tags: of(FileKind::Tag).zip(releases).map(tagged).collect(),
        manifests: of(FileKind::Manifest).map(manifest).collect(),
        links: links(&rows.edges),
    }
}

/// How manifests belong to one another.
pub(super) fn links(edges: &[ImageEdge]) -> Vec<Link> {
    let link = |edge: &ImageEdge| {
        let kind = match &*edge.kind {
            "manifest" => LinkKind::Child,
            "subject" => LinkKind::Subject,
            _ => return None,
        };
        Some(Link {
            parent: edge.parent,
            child: edge.child,
            kind,
        })
    };
    edges.iter().filter_map(link).collect()
}

/// The sizes of manifests and blobs, and which names which.
struct Sizes {
    sizes: HashMap<Digest, u64>,
    parts: HashMap<Digest, Vec<Digest>>,
}

impl Sizes {
    fn of(rows: &ImageRows) -> Self {
        let sizes = rows
            .files
            .iter()
            .map(|file| (file.digest, file.size))
            .collect();
        let mut parts: HashMap<Digest, Vec<Digest>> = HashMap::new();
        for edge in rows.edges.iter().filter(|edge| &*edge.kind != "subject") {
            parts.entry(edge.parent).or_default().push(edge.child);
        }
        Self { sizes, parts }
    }

    /// These, and all that they are made of.
    fn reach(&self, from: impl IntoIterator<Item = Digest>) -> HashSet<Digest> {
        let mut open: Vec<Digest> = from.into_iter().collect();
        let mut found: HashSet<Digest> = open.iter().copied().collect();
        while let Some(digest) = open.pop() {
            for part in self.parts.get(&digest).into_iter().flatten() {
                if found.insert(*part) {
                    open.push(*part);
                }
            }
        }
        found
    }

    fn sum(&self, digests: &HashSet<Digest>) -> u64 {
        digests
            .iter()
            .filter_map(|digest| self.sizes.get(digest))
            .sum()
    }
}
