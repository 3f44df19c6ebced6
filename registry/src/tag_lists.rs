//! Whole lists of tags, as they were written last.

use bytes::Bytes;
use moka::sync::Cache;

/// Whole lists kept in memory, in bytes.
const KEPT_BYTES: u64 = 16 << 20;

/// A repo's id and an image in it.
type Image = (i64, Box<str>);

/// Lists, each with the revision of its package.
pub(crate) struct TagLists(Cache<Image, (i64, Bytes)>);

impl Default for TagLists {
    fn default() -> Self {
        let weigh =
            |_: &Image, kept: &(i64, Bytes)| u32::try_from(kept.1.len() + 256).unwrap_or(u32::MAX);
        let lists = Cache::builder().max_capacity(KEPT_BYTES).weigher(weigh);
        Self(lists.build())
    }
}

impl TagLists {
    /// The list of an image, if it is of this revision.
    pub(crate) fn get(&self, image: &Image, revision: i64) -> Option<Bytes> {
        let (at, list) = self.0.get(image)?;
        (at == revision).then_some(list)
    }

    /// Keeps the list of a revision.
    pub(crate) fn keep(&self, image: Image, revision: i64, list: Bytes) {
        self.0.insert(image, (revision, list));
    }
}
