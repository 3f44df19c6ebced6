//! States of sets: what comes with a head, and where a state stays once it is past.

use bytes::Bytes;
use larder_mirrors::{Document, Set};
use larder_model::Timestamp;

/// Documents that came with a head; those without bytes are not there.
pub(super) type Companions = Vec<(Document, Option<Bytes>)>;

/// What is to be kept of a set, and what goes out of use.
pub(super) struct Demand {
    pub(super) set: Set,
    /// Paths of artifacts that the state before named, and the new one does not.
    pub(super) retired: Vec<Box<str>>,
}

/// Where the states of a document are. No client can ask for such a path.
pub(super) fn folder(document: &Document) -> String {
    format!(";states/{}/", document.path)
}

/// Where a state is that came at a time. Later ones come after it.
pub(super) fn path_of(document: &Document, at: Timestamp) -> String {
    format!("{}{:020}", folder(document), at.0)
}

/// When a state came that is at a path.
pub(super) fn time_of(path: &str) -> Option<Timestamp> {
    let (_, time) = path.rsplit_once('/')?;
    time.parse().ok().map(Timestamp)
}

/// Where the states of companions are that came at a time.
pub(super) fn paths_of(companions: &Companions, at: Timestamp) -> Vec<String> {
    let there = companions.iter().filter(|(_, bytes)| bytes.is_some());
    there.map(|(document, _)| path_of(document, at)).collect()
}
