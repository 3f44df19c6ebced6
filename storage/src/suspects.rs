//! Digests whose bytes a reader found to be not all there.

use larder_model::Digest;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// So many are remembered: more than that is not a matter of single blobs.
const MAX: usize = 1000;

/// In memory alone: what a reader finds missing is noted elsewhere.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<BTreeSet<Digest>>);

impl Suspects {
    pub(crate) fn add(&self, digest: Digest) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MAX {
            all.insert(digest);
        }
    }

    pub(crate) fn take(&self) -> Vec<Digest> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *all).into_iter().collect()
    }
}
