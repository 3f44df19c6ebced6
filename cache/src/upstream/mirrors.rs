//! A list of an upstream's mirrors, as it was read last.

use larder_mirrors::PromisedDocument;
use larder_model::Digest;
use std::sync::{Arc, PoisonError, RwLock};
use url::Url;

/// The mirrors of an upstream.
#[derive(Default)]
pub(super) struct Mirrors(RwLock<State>);

/// What is known of them.
#[derive(Clone, Default)]
pub(super) struct State {
    /// The digest of what it was read from.
    pub(super) read_from: Option<Digest>,
    /// In the order in which they are asked. Whoever fails comes last.
    pub(super) order: Vec<Url>,
    pub(super) promised: Arc<[PromisedDocument]>,
}

impl Mirrors {
    pub(super) fn state(&self) -> State {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
