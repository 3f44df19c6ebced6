//! Keeps objects from being removed for as long as a backup needs them.

use larder_metadata::Metadata;
use larder_metadata::backups::HOLD;
use larder_model::{Author, Problem};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is said that the backup goes on.
const RENEW: Duration = Duration::from_mins(1);

/// A hold on all objects of the store. It is renewed until it is dropped, and then ended.
pub(crate) struct Hold {
    metadata: Metadata,
    id: i64,
    /// When it was renewed last.
    renewed: Arc<Mutex<Instant>>,
    renewing: JoinHandle<()>,
}

impl Hold {
    /// Holds the objects. The audit trail tells of it, with `details`.
    pub(crate) async fn begin(
        metadata: &Metadata,
        by: &dyn Author,
        details: &Json,
    ) -> Result<Self, Problem> {
        let began = Instant::now();
        let id = metadata.hold_objects(by, details).await?;
        let renewed = Arc::new(Mutex::new(began));
        let renewing = tokio::spawn(renew(metadata.clone(), id, Arc::clone(&renewed)));
        Ok(Self {
            metadata: metadata.clone(),
            id,
            renewed,
            renewing,
        })
    }

    /// Fails if objects may have been removed meanwhile.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.elapsed() + RENEW < HOLD {
            return Ok(());
        }
        let detail = "the database did not answer for so long that blobs of the backup may be gone; \
                      make another one";
        Err(Problem::busy(detail, RENEW))
    }
}

async fn renew(metadata: Metadata, id: i64, renewed: Arc<Mutex<Instant>>) {
    let mut ticks = interval(RENEW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await; // the first is at once
    loop {
        ticks.tick().await;
        let began = Instant::now();
        match metadata.renew_hold(id).await {
            Ok(()) => *renewed.lock().unwrap_or_else(PoisonError::into_inner) = began,
            Err(error) => {
                let problem = Problem::from(error);
                tracing::warn!(%problem, "the hold of a backup could not be renewed");
            }
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.renewing.abort();
        let (metadata, id) = (self.metadata.clone(), self.id);
        // Where no runtime is left the server ends, and the hold expires.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = metadata.end_hold(id).await {
                    let problem = Problem::from(error);
                    tracing::warn!(%problem, "the hold of a backup stays until it expires");
                }
            });
        }
    }
}
