//! Housekeeping that runs beside the requests.

use crate::house::House;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How soon a right that was taken away on another server is gone here too.
const RIGHTS: Duration = Duration::from_secs(2);
/// How often idle uploads are looked for.
const UPLOADS: Duration = Duration::from_mins(10);
/// How often it is written down what was read when.
const USES: Duration = Duration::from_secs(30);

/// Runs for as long as the server does.
pub(crate) async fn run(house: Arc<House>) {
    let mut policy = interval(RIGHTS);
    policy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut uploads = tokio::time::interval_at(Instant::now() + UPLOADS / 20, UPLOADS);
    let mut uses = tokio::time::interval_at(Instant::now() + USES, USES);
    uses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = uses.tick() => write_uses(&house).await,
            _ = policy.tick() => {
                if let Err(problem) = house.gate.refresh().await {
                    tracing::warn!(%problem, "rights could not be read again; the known ones stay in force");
                }
            }
            _ = uploads.tick() => match house.registry.forget_idle_uploads().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "idle uploads forgotten"),
                Err(problem) => tracing::warn!(%problem, "idle uploads could not be forgotten"),
            },
        }
    }
}

/// Writes down what was read since the last time: every while, and when the server ends.
pub(crate) async fn write_uses(house: &House) {
    if let Err(error) = house.metadata.write_uses().await {
        let problem = larder_model::Problem::from(error);
        tracing::warn!(%problem, "when files were read last could not be written down");
    }
}
