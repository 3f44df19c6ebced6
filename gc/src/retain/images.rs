//! Rules on the tags of an image, and what becomes of its manifests.

use super::decision::Decision;
use super::graph::{Graph, Image, TaggedDigest};
use super::rules::{Candidate, decide};
use larder_model::{Digest, RetentionPolicy, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What is to become of an image.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ImageOutcome {
    /// Of each tag, in their order.
    pub tags: Vec<Decision>,
    /// Of manifests without a tag that follow no other, where the policy says how long they stay.
    pub untagged: Vec<(Digest, Decision)>,
    /// What goes, each with all that goes with it.
    pub removals: Vec<ImageRemoval>,
}

/// A tag, or a manifest without one, that goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageRemoval {
    /// The tag; `None`: the manifest has none.
    pub tag: Option<Box<str>>,
    /// What it stands for.
    pub digest: Digest,
    /// Why.
    pub decision: Decision,
    /// Tags that are called after manifests that go with it.
    pub attached: Vec<Box<str>>,
    /// Manifests that go with it: each goes with the last of the removals that need it.
    pub manifests: Vec<Digest>,
}

/// What is to become of an image.
///
/// Tags are versions. Children follow their index and referrers their subject, also those that only
/// their tag tells of (`sha256-….sig`); such tags go with their subject and are counted by no rule. A
/// manifest that loses its last tag goes with it, unless something that stays needs it. One that had
/// none, and follows no other, goes when it has had none for `untagged_after`.
pub fn decide_image(
    policy: &RetentionPolicy,
    package: &str,
    image: &Image,
    now: Timestamp,
) -> ImageOutcome {
    let manifests: HashSet<Digest> = image.manifests.iter().map(|it| it.digest).collect();
    let graph = Graph::of(image, &manifests);
    let subjects: Vec<Option<Digest>> = image
        .tags
        .iter()
        .map(|tagged| tagged.attached_to(&manifests))
        .collect();
    let mut tags = decide_tags(policy, package, image, &subjects, now);
    let untagged = decide_untagged(policy, image, &graph, now);
    // What stays holds all that follows it.
    let own_tags = || {
        image
            .tags
            .iter()
            .zip(&tags)
            .filter_map(|(tag, it)| Some((tag, it.as_ref()?)))
    };
    let tagged: HashSet<Digest> = own_tags().map(|(tag, _)| tag.digest).collect();
    let kept = own_tags()
        .filter(|(_, it)| !it.deletes())
        .map(|(tag, _)| tag.digest);
    let waiting: HashMap<Digest, &Decision> =
        untagged.iter().map(|(digest, it)| (*digest, it)).collect();
    let idle = image.manifests.iter().map(|it| it.digest).filter(|digest| {
        let goes = waiting.get(digest).is_some_and(|it| it.deletes());
        !tagged.contains(digest) && !graph.following.contains(digest) && !goes
    });
    // Nobody can delete the tag of a signature that is immutable: what it is about stays.
    let immutable = image
        .tags
        .iter()
        .zip(&subjects)
        .filter(|(tagged, _)| tagged.tag.is_immutable);
    let immutable = immutable.flat_map(|(tagged, subject)| [Some(tagged.digest), *subject]);
    let mut stays = graph.closure(kept.chain(idle).chain(immutable.flatten()));
    // Nothing decides on what follows one another in a circle: it stays.
    let going = own_tags()
        .map(|(tag, _)| tag.digest)
        .chain(untagged.iter().map(|it| it.0));
    let going = graph.closure(going);
    let idle = manifests
        .iter()
        .copied()
        .filter(|digest| !going.contains(digest));
    stays.extend(graph.closure(idle));
    for (tag, subject) in tags.iter_mut().zip(&subjects) {
        if let Some(subject) = subject {
            *tag = Some(follow(*subject, &stays));
        }
    }
    let tags: Vec<Decision> = tags.into_iter().flatten().collect();
    let removals = removals(image, &graph, &stays, (&tags, &subjects), &untagged);
    ImageOutcome {
        tags,
        untagged,
        removals,
    }
}

/// Decisions on the tags that are versions; `None` for those that follow a manifest.
fn decide_tags(
    policy: &RetentionPolicy,
    package: &str,
    image: &Image,
    subjects: &[Option<Digest>],
    now: Timestamp,
) -> Vec<Option<Decision>> {
    let own = |(tagged, subject): (&TaggedDigest, &Option<Digest>)| {
        subject.is_none().then(|| tagged.tag.clone())
    };
    let versions: Vec<Candidate> = image.tags.iter().zip(subjects).filter_map(own).collect();
    let mut decisions = decide(policy, package, &versions, now).into_iter();
    let of = |subject: &Option<Digest>| match subject {
        None => decisions.next(),
        Some(_) => None,
    };
    subjects.iter().map(of).collect()
}

fn follow(subject: Digest, stays: &HashSet<Digest>) -> Decision {
    if stays.contains(&subject) {
        Decision::keep(format!("it belongs to {subject}, which stays"), None)
    } else {
        Decision::delete(format!("it belongs to {subject}, which goes"), None)
    }
}

fn decide_untagged(
    policy: &RetentionPolicy,
    image: &Image,
    graph: &Graph,
    now: Timestamp,
) -> Vec<(Digest, Decision)> {
    let Some(after) = policy.untagged_after else {
        return Vec::new();
    };
    let tagged: HashSet<Digest> = image.tags.iter().map(|it| it.digest).collect();
    let mut decisions = Vec::new();
    for manifest in &image.manifests {
        let digest = manifest.digest;
        if tagged.contains(&digest) || graph.following.contains(&digest) {
            continue;
        }
        let decision = if manifest.untagged_since <= now.before(after.0) {
            Decision::delete(format!("it has had no tag for {after}"), None)
        } else {
            Decision::keep(format!("it has had no tag for less than {after}"), None)
        };
        decisions.push((digest, decision));
    }
    decisions
}

/// What goes: each tag, and each manifest without one, with the manifests that nothing after it needs.
fn removals(
    image: &Image,
    graph: &Graph,
    stays: &HashSet<Digest>,
    (tags, subjects): (&[Decision], &[Option<Digest>]),
    untagged: &[(Digest, Decision)],
) -> Vec<ImageRemoval> {
    let mut removals: Vec<ImageRemoval> = Vec::new();
    for ((tagged, decision), subject) in image.tags.iter().zip(tags).zip(subjects) {
        if decision.deletes() && subject.is_none() {
            removals.push(ImageRemoval {
                tag: Some(tagged.tag.name.clone()),
                digest: tagged.digest,
                decision: decision.clone(),
                attached: Vec::new(),
                manifests: Vec::new(),
            });
        }
    }
    for (digest, decision) in untagged.iter().filter(|(_, decision)| decision.deletes()) {
        removals.push(ImageRemoval {
            tag: None,
            digest: *digest,
            decision: decision.clone(),
            attached: Vec::new(),
            manifests: Vec::new(),
        });
    }
    let known: HashSet<Digest> = image.manifests.iter().map(|it| it.digest).collect();
    let mut attached: BTreeMap<Digest, Vec<Box<str>>> = BTreeMap::new();
    for ((tagged, decision), subject) in image.tags.iter().zip(tags).zip(subjects) {
        if let Some(subject) = subject.filter(|_| decision.deletes()) {
            attached
                .entry(subject)
                .or_default()
                .push(tagged.tag.name.clone());
        }
    }
    // From the last to the first, so that each goes with the last one that needs it.
    let mut gone = HashSet::new();
    for removal in removals.iter_mut().rev() {
        let closure = graph.closure([removal.digest]);
        let mut manifests: Vec<Digest> = closure
            .into_iter()
            .filter(|digest| known.contains(digest) && !stays.contains(digest))
            .filter(|digest| gone.insert(*digest))
            .collect();
        manifests.sort_unstable();
        for digest in &manifests {
            removal
                .attached
                .extend(attached.remove(digest).unwrap_or_default());
        }
        removal.manifests = manifests;
    }
    removals
}
