//! What the server acknowledged, and the check that it still holds.

use larder_model::Digest;
use larder_tests::Client;
use larder_tests::image::digest;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Threads that read back.
const READERS: usize = 4;

/// An acknowledged blob or manifest.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it is read.
    pub path: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// What a tag is: a manifest, or not there.
type Tag = Option<Digest>;

/// What one writer last made of a tag in a round.
#[derive(Clone, Copy, Default, Debug)]
struct Last {
    acknowledged: Option<Tag>,
    in_flight: Option<Tag>,
}

/// What one writer was told in a round.
#[derive(Default)]
pub struct Journal {
    /// Blobs and manifests.
    pub kept: Vec<Kept>,
    tags: HashMap<(String, String), Last>,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Uploads that went on after a kill.
    pub resumed: u64,
}

impl Journal {
    /// A blob or manifest is acknowledged.
    pub fn keep(&mut self, path: String, digest: Digest, size: usize) {
        self.kept.push(Kept {
            path,
            digest,
            size: size as u64,
        });
    }

    /// A tag is about to become `value`.
    pub fn tag_begins(&mut self, image: &str, tag: &str, value: Tag) {
        self.tags
            .entry((image.to_owned(), tag.to_owned()))
            .or_default()
            .in_flight = Some(value);
    }

    /// That change of a tag was refused, or was acknowledged.
    pub fn tag_ends(&mut self, image: &str, tag: &str, done: bool) {
        let last = self
            .tags
            .entry((image.to_owned(), tag.to_owned()))
            .or_default();
        let value = last.in_flight.take();
        if done {
            last.acknowledged = value;
        }
    }
}

/// All that was acknowledged since the beginning.
#[derive(Default)]
pub struct Model {
    kept: Vec<Kept>,
    /// Where the last check found each tag.
    tags: BTreeMap<(String, String), Tag>,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Uploads that went on after a kill.
    pub resumed: u64,
    /// Objects read back.
    pub read: u64,
}

impl Model {
    /// How many blobs and manifests there are.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Digests of all acknowledged blobs and manifests.
    pub fn digests(&self) -> BTreeSet<Digest> {
        self.kept.iter().map(|kept| kept.digest).collect()
    }

    /// After a round: everything of it, and `older` of what was there before, is read back. A tag
    /// is what one of its writers last made of it; whatever was in flight may have happened or not.
    pub fn check_round(
        &mut self,
        client: &Client,
        journals: Vec<Journal>,
        older: impl Iterator<Item = u64>,
    ) {
        let mut to_read: Vec<Kept> = Vec::new();
        if !self.kept.is_empty() {
            let count = self.kept.len() as u64;
            let at = |number: u64| usize::try_from(number % count).expect("index");
            to_read.extend(older.map(|number| self.kept[at(number)].clone()));
        }
        let mut changed: BTreeMap<(String, String), Vec<Last>> = BTreeMap::new();
        for journal in journals {
            self.acknowledged += journal.acknowledged;
            self.resumed += journal.resumed;
            to_read.extend(journal.kept.iter().cloned());
            self.kept.extend(journal.kept);
            for (tag, last) in journal.tags {
                changed.entry(tag).or_default().push(last);
            }
        }
        self.read_back(client, &to_read);
        for (tag, lasts) in changed {
            self.check_tag(client, tag, &lasts);
        }
    }

    fn check_tag(&mut self, client: &Client, tag: (String, String), lasts: &[Last]) {
        let found = read_tag(client, &tag);
        let mut possible: Vec<Tag> = lasts.iter().filter_map(|last| last.acknowledged).collect();
        if possible.is_empty() {
            possible.push(self.tags.get(&tag).copied().flatten());
        }
        possible.extend(lasts.iter().filter_map(|last| last.in_flight));
        assert!(
            possible.contains(&found),
            "{tag:?} is {found:?}, but was acknowledged as one of {possible:?}"
        );
        self.tags.insert(tag, found);
    }

    /// Everything that was ever acknowledged is read back, and the lists of tags have every tag and
    /// no other.
    pub fn check_all(&mut self, client: &Client) {
        let kept = std::mem::take(&mut self.kept);
        self.read_back(client, &kept);
        self.kept = kept;
        let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tag, expected) in &self.tags {
            assert_eq!(read_tag(client, tag), *expected, "{tag:?}");
            let list = lists.entry(&tag.0).or_default();
            list.extend(expected.map(|_| tag.1.as_str()));
        }
        for (image, tags) in lists {
            let answer = client.get(&format!("/v2/{image}/tags/list"));
            if answer.status == 404 {
                assert_eq!(
                    tags,
                    Vec::<&str>::new(),
                    "{image} was acknowledged and is gone"
                );
                continue; // no manifest of it was
            }
            assert_eq!(
                answer.expect(200).json(),
                json!({"name": image, "tags": tags})
            );
        }
    }

    fn read_back(&mut self, client: &Client, kept: &[Kept]) {
        self.read += kept.len() as u64;
        std::thread::scope(|scope| {
            for share in kept.chunks(kept.len().div_ceil(READERS).max(1)) {
                scope.spawn(move || {
                    for kept in share {
                        read_one(client, kept);
                    }
                });
            }
        });
    }
}

fn read_one(client: &Client, kept: &Kept) {
    let answer = client.get(&kept.path);
    assert_eq!(
        answer.status,
        200,
        "{} was acknowledged and is gone: {}",
        kept.path,
        answer.text()
    );
    assert_eq!(
        answer.body.len() as u64,
        kept.size,
        "{} has another size",
        kept.path
    );
    assert_eq!(
        digest(&answer.body),
        kept.digest,
        "{} is damaged",
        kept.path
    );
}

fn read_tag(client: &Client, (image, tag): &(String, String)) -> Tag {
    let answer = client.get(&format!("/v2/{image}/manifests/{tag}"));
    if answer.status == 404 {
        return None;
    }
    let body = answer.expect(200).body;
    Some(digest(&body))
}
