//! Small representations as they were sent last: with this server's address in them, so that the next
//! answer needs neither a look-up of its own nor a copy of the bytes.

use super::job::RepresentationRequest;
use larder_door::Overlay;
use larder_metadata::files::{FileKey, FileRecord, PackageKey};
use larder_mirrors::Document;
use larder_model::{Digest, FileKind};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Memory for all of them, in bytes.
const READY_BYTES: u64 = 16 << 20;
/// What one takes beside its bytes and its names.
const ENTRY_BYTES: usize = 768;
/// How many there are, about, when the memory is full.
const ENTRIES: usize = 4096;

/// What was made ready last.
pub(super) struct ReadyMemory(Cache<ReadyKey, Arc<Ready>, Weights>);

/// What tells representations apart before their names are compared. Bytes and recipe are all that one is
/// made of, so it stays right for as long as the document has these bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct ReadyKey {
    repo: i64,
    digest: Digest,
    representation: &'static str,
    gzip: bool,
}

/// One representation for one address.
pub(super) struct Ready {
    document: Document,
    origin: Box<str>,
    leads: Box<str>,
    /// Its file.
    pub(super) kept: Arc<FileRecord>,
    path: Box<str>,
    /// What goes out.
    pub(super) sent: Arc<FileRecord>,
}

#[derive(Clone)]
struct Weights;

impl Weighter<ReadyKey, Arc<Ready>> for Weights {
    fn weight(&self, _: &ReadyKey, ready: &Arc<Ready>) -> u64 {
        let names = ready.document.package.len() + ready.document.path.len() + ready.path.len();
        let bytes = |record: &FileRecord| record.body.as_ref().map_or(0, bytes::Bytes::len);
        let mut bodies = bytes(&ready.sent);
        if !Arc::ptr_eq(&ready.sent, &ready.kept) {
            bodies += bytes(&ready.kept);
        }
        (ENTRY_BYTES + names + ready.origin.len() + ready.leads.len() + bodies) as u64
    }
}

impl Default for ReadyMemory {
    fn default() -> Self {
        Self(Cache::with_weighter(ENTRIES, READY_BYTES, Weights))
    }
}

impl ReadyMemory {
    /// What was sent last for the same request of a document.
    pub(super) fn get(
        &self,
        request: &RepresentationRequest<'_>,
        (stored, gzip): (&FileRecord, bool),
    ) -> Option<Arc<Ready>> {
        let ready = self.0.get(&key_of(request, stored, gzip))?;
        let is_same = ready.document == *request.document
            && *ready.origin == *request.repo_url.origin
            && ready.leads == request.leads.mark;
        is_same.then_some(ready)
    }

    /// Remembers what goes out of a kept representation, if it is at hand.
    pub(super) fn keep(
        &self,
        request: &RepresentationRequest<'_>,
        (stored, gzip): (&FileRecord, bool),
        (kept, place_bytes): (&Arc<FileRecord>, usize),
        overlay: Option<&Overlay>,
    ) {
        let Some(sent) = sent(kept, overlay) else {
            return;
        };
        let ready = Ready {
            document: request.document.clone(),
            origin: request.repo_url.origin.into(),
            leads: request.leads.mark.clone(),
            kept: Arc::clone(kept),
            path: request.path(gzip, place_bytes),
            sent,
        };
        self.0
            .insert(key_of(request, stored, gzip), Arc::new(ready));
    }
}

impl Ready {
    /// The key of its file in a repository.
    pub(super) fn key(&self, repo: i64) -> FileKey<'_> {
        let package = PackageKey {
            repo,
            package: &self.document.package,
        };
        package.file(FileKind::Representation, &self.path)
    }
}

const fn key_of(request: &RepresentationRequest<'_>, stored: &FileRecord, gzip: bool) -> ReadyKey {
    ReadyKey {
        repo: request.repo,
        digest: stored.digest,
        representation: request.representation.name,
        gzip,
    }
}

/// A kept representation with what is laid over it, as one body.
fn sent(kept: &Arc<FileRecord>, overlay: Option<&Overlay>) -> Option<Arc<FileRecord>> {
    let body = kept.body.as_ref()?;
    let Some(overlay) = overlay else {
        return Some(Arc::clone(kept));
    };
    let size = usize::try_from(overlay.size).ok()?;
    let shown = body.get(..size).map(|_| body.slice(..size))?;
    let mut sent = FileRecord::transient(&kept.content_type, overlay.tag, overlay.size);
    sent.body = Some(overlay.onto(shown, 0));
    Some(Arc::new(sent))
}

#[cfg(test)]
mod tests;
