//! Whether written bytes become durable: in doubt from a failed sync until a probe is synced.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by all that sync.
#[derive(Clone, Default)]
pub(crate) struct Doubt(Arc<AtomicBool>);

impl Doubt {
    /// Bytes could not be made durable: nothing more is taken in.
    pub(crate) fn raise(&self, error: &io::Error) {
        self.0.store(true, Ordering::Relaxed);
        tracing::error!(%error, "storage could not make bytes durable; uploads pause until it can");
    }

    /// A probe was synced.
    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
        tracing::info!("storage is durable again");
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
