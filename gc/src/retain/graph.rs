//! The manifests of an image, and which needs which.

use super::rules::Candidate;
use larder_model::{Digest, Timestamp};
use std::collections::{HashMap, HashSet};

/// A tag with the manifest that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaggedDigest {
    /// The tag.
    pub tag: Candidate,
    /// The manifest.
    pub digest: Digest,
}

/// A manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Its digest.
    pub digest: Digest,
    /// Since when it has no tag, if it has none: since its last tag went, or since its push.
    pub untagged_since: Timestamp,
}

/// How a manifest names another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    /// As a part of it: an index.
    Child,
    /// As what it is about: a signature.
    Subject,
}

/// A manifest names another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The one that names.
    pub parent: Digest,
    /// The one that is named.
    pub child: Digest,
    /// How.
    pub kind: LinkKind,
}

/// An image: its tags, its manifests, and how these name one another.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Image {
    /// Its tags.
    pub tags: Vec<TaggedDigest>,
    /// Its manifests.
    pub manifests: Vec<Manifest>,
    /// What they name; ends that are not there do not count.
    pub links: Vec<Link>,
}

/// Which manifests follow which: children their index, referrers their subject. A tag that is called
/// after a manifest (`sha256-….sig`) makes its own one a referrer of that.
pub(crate) struct Graph {
    followers: HashMap<Digest, Vec<Digest>>,
    /// Manifests that follow another.
    pub(crate) following: HashSet<Digest>,
}

/// The manifest after which a tag is called, as cosign and clients without referrers do:
/// `sha256-<hex>`, with or without an ending.
fn named_after(tag: &str) -> Option<Digest> {
    let (algorithm, rest) = tag.split_once('-')?;
    let hex = rest.split('.').next()?;
    format!("{algorithm}:{hex}").parse().ok()
}

impl TaggedDigest {
    /// The manifest that the tag is attached to; `None`: it is a version like any other.
    pub(crate) fn attached_to(&self, manifests: &HashSet<Digest>) -> Option<Digest> {
        named_after(&self.tag.name).filter(|subject| manifests.contains(subject))
    }
}

impl Graph {
    pub(crate) fn of(image: &Image, manifests: &HashSet<Digest>) -> Self {
        let mut graph = Self {
            followers: HashMap::new(),
            following: HashSet::new(),
        };
        for link in &image.links {
            let (leader, follower) = match link.kind {
                LinkKind::Child => (link.parent, link.child),
                LinkKind::Subject => (link.child, link.parent),
            };
            if manifests.contains(&leader) && manifests.contains(&follower) {
                graph.follow(leader, follower);
            }
        }
        for tagged in &image.tags {
            if let Some(subject) = tagged.attached_to(manifests)
                && manifests.contains(&tagged.digest)
            {
                graph.follow(subject, tagged.digest);
            }
        }
        graph
    }

    fn follow(&mut self, leader: Digest, follower: Digest) {
        if leader != follower {
            self.followers.entry(leader).or_default().push(follower);
            self.following.insert(follower);
        }
    }

    /// These manifests, and all that follow them.
    pub(crate) fn closure(&self, from: impl IntoIterator<Item = Digest>) -> HashSet<Digest> {
        let mut open: Vec<Digest> = from.into_iter().collect();
        let mut found: HashSet<Digest> = open.iter().copied().collect();
        while let Some(digest) = open.pop() {
            for follower in self.followers.get(&digest).into_iter().flatten() {
                if found.insert(*follower) {
                    open.push(*follower);
                }
            }
        }
        found
    }
}
