//! Housekeeping that runs beside the requests.

use crate::house::House;
use larder_gc::retention::BUDGET;
use larder_metadata::Error;
use larder_metadata::denied;
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_metadata::series::{STEP, hour_of};
use larder_model::{JobKind, JobState, Problem, SeriesName, System};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How soon a right that was taken away on another server is gone here too.
const RIGHTS: Duration = Duration::from_secs(2);
/// How often idle uploads are looked for.
const UPLOADS: Duration = Duration::from_mins(10);
/// How often expired keys of requests are looked for.
const KEYS: Duration = Duration::from_mins(10);
/// How often it is written down what was read when.
const USES: Duration = Duration::from_secs(30);

/// How soon blobs are looked at whose bytes a reader did not find.
const SUSPECTS: Duration = Duration::from_secs(1);
/// How often what was counted is written down.
const STATISTICS: Duration = Duration::from_mins(1);
/// How long values by the hour and downloads by the day are kept.
const STATISTICS_KEPT: Duration = Duration::from_hours(90 * 24);

/// How soon events are in the audit trail, and entries in its chain.
const AUDIT: Duration = Duration::from_secs(1);
/// How often the oldest entries of the audit trail are looked for, and how soon after the start.
const PRUNE: Duration = Duration::from_hours(24);
const FIRST_PRUNE: Duration = Duration::from_mins(2);
/// How often it is looked whether mirrors keep more than they may, and how soon after the start.
const MIRRORS: Duration = Duration::from_hours(1);
const FIRST_MIRRORS: Duration = Duration::from_mins(5);
/// How often refused requests are looked at that are past their time, or too many.
const REFUSALS: Duration = Duration::from_hours(1);
/// How often a certificate of our own is made anew.
const CERTIFICATE: Duration = Duration::from_hours(24);
/// How often folders are looked for that nobody needs, and how soon after the start.
const FOLDERS: Duration = Duration::from_hours(1);
const FIRST_FOLDERS: Duration = Duration::from_mins(4);
/// How long a job is kept after its end.
const JOBS_KEPT: Duration = Duration::from_hours(90 * 24);

/// Runs for as long as the server does.
pub(crate) async fn run(house: Arc<House>) {
    tokio::join!(
        keep_house(&house),
        keep_rights(&house),
        keep_audit(&house),
        keep_statistics(&house),
        keep_collected(&house)
    );
}

/// Once a minute, and when an hour begins: what was counted is of one hour.
async fn keep_statistics(house: &House) {
    loop {
        let now = house.metadata.shared_now_estimate();
        let hour_ends = hour_of(now).after(STEP).since(now);
        tokio::time::sleep(STATISTICS.min(hour_ends)).await;
        write_statistics(house).await;
        if let Err(error) = house.gauges.refresh(&house.metadata).await {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "metrics tell how much there was: it could not be read again");
        }
    }
}

/// Adds what was counted to the series: every minute, and when the server ends.
pub(crate) async fn write_statistics(house: &House) {
    if let Err(error) = house.tally.write(&house.metadata).await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "what was counted could not be written down; it is kept for the next time");
    }
}

async fn keep_audit(house: &House) {
    let mut audit = interval(AUDIT);
    audit.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        audit.tick().await;
        write_audit(house, false).await;
        write_session_uses(house).await;
        tell_quota_warnings(house).await;
    }
}

/// Has the collector run every while, and mirrors brought back into their budget before it, if a
/// setting says so.
async fn keep_collected(house: &House) {
    let Some(every) = house.collect_every else {
        return;
    };
    let mut runs = tokio::time::interval_at(Instant::now() + every, every);
    runs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        runs.tick().await;
        if house.mirrors_keep > 0 {
            keep_mirrors_within(house).await;
        }
        if let Err(error) = ask_for_collection(house).await {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "no run of the collector could be asked for; the next time tries again");
        }
    }
}

/// Asks for a run of the collector, unless one waits or goes on.
async fn ask_for_collection(house: &House) -> Result<(), Error> {
    if !is_at_hand(house, JobKind::Gc).await? {
        let job = NewJob::of(JobKind::Gc);
        house.jobs.queue(job, &System::Housekeeping).await?;
    }
    Ok(())
}

/// Whether a job of a kind waits or goes on.
async fn is_at_hand(house: &House, kind: JobKind) -> Result<bool, Error> {
    for state in [JobState::Queued, JobState::Running] {
        let filter = JobFilter {
            kind: Some(kind),
            state: Some(state),
        };
        if !house.metadata.jobs(filter, None, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells of quotas of which four fifths are used since the last time.
async fn tell_quota_warnings(house: &House) {
    match house.metadata.tell_quota_warnings().await {
        Ok(told) => {
            for warning in told {
                tracing::warn!(
                    quota = %warning.of,
                    bytes = warning.bytes,
                    max_bytes = warning.limits.bytes,
                    versions = warning.versions,
                    max_versions = warning.limits.versions,
                    "four fifths of a quota are used"
                );
            }
        }
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "quotas could not be looked at; the next time tries again");
        }
    }
}

/// Makes the server's own certificate anew, long before it ends.
fn renew_certificate(house: &House) {
    let own = house.way.tls.as_ref().filter(|tls| tls.is_own());
    if let Some(Err(error)) = own.map(|own| own.read_again()) {
        tracing::error!(%error, "the certificate could not be made anew; the one before is shown");
    }
}

/// Reads rights again that other servers changed: beside all else, for that may wait for a store.
async fn keep_rights(house: &House) {
    let mut policy = interval(RIGHTS);
    policy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        policy.tick().await;
        if let Err(problem) = house.gate.refresh().await {
            tracing::warn!(%problem, "rights could not be read again; the known ones stay in force");
        }
    }
}

async fn keep_house(house: &House) {
    let mut uploads = tokio::time::interval_at(Instant::now() + UPLOADS / 20, UPLOADS);
    let mut keys = tokio::time::interval_at(Instant::now() + KEYS / 10, KEYS);
    keys.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut uses = tokio::time::interval_at(Instant::now() + USES, USES);
    uses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut prune = tokio::time::interval_at(Instant::now() + FIRST_PRUNE, PRUNE);
    let mut refusals = tokio::time::interval_at(Instant::now() + FIRST_PRUNE, REFUSALS);
    refusals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut mirrors = tokio::time::interval_at(Instant::now() + FIRST_MIRRORS, MIRRORS);
    mirrors.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut certificate = tokio::time::interval_at(Instant::now() + CERTIFICATE, CERTIFICATE);
    let mut folders = tokio::time::interval_at(Instant::now() + FIRST_FOLDERS, FOLDERS);
    folders.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut suspects = interval(SUSPECTS);
    suspects.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = uses.tick() => write_uses(house).await,
            _ = mirrors.tick(), if house.mirrors_keep > 0 => keep_mirrors_within(house).await,
            _ = keys.tick() => drop_expired_keys(house).await,
            _ = certificate.tick() => renew_certificate(house),
            _ = folders.tick() => sweep_folders(house).await,
            _ = suspects.tick() => scrub_suspects(house).await,
            _ = prune.tick() => {
                prune_audit(house).await;
                prune_jobs(house).await;
                prune_statistics(house).await;
            }
            _ = refusals.tick() => prune_denied(house).await,
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
        let problem = Problem::from(error);
        tracing::warn!(%problem, "when files were read last could not be written down");
    }
}

/// Writes down which sessions were used since the last time: every second, and when the server ends.
pub(crate) async fn write_session_uses(house: &House) {
    if let Err(error) = house.gate.write_session_uses().await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "when sessions were used last could not be written down");
    }
}

/// Writes events into the audit trail, writes down what rules refused, and seals what waits: every
/// second, and all that waits (`forced`) when the server ends.
pub(crate) async fn write_audit(house: &House, forced: bool) {
    if let Err(error) = house.gate.write_events().await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "events could not be written into the audit trail; they are kept for the next time");
    }
    if let Err(error) = house.gate.write_denied().await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "what rules refused could not be written down; the next time tries again");
    }
    if let Err(error) = house.metadata.seal(forced).await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "entries of the audit trail could not be sealed; the next time tries again");
    }
}

/// Deletes entries of the audit trail that are past their time.
async fn prune_audit(house: &House) {
    let before = house.metadata.now().before(house.audit_keep);
    match house
        .metadata
        .prune_audit(before, &System::Housekeeping)
        .await
    {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "old entries of the audit trail deleted"),
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "old entries of the audit trail could not be deleted");
        }
    }
}

/// Asks for a run of retention that brings mirrors back into their budget, if they are over it.
async fn keep_mirrors_within(house: &House) {
    match ask_for_eviction(house).await {
        Ok(None) => {}
        Ok(Some(bytes)) => tracing::info!(
            bytes,
            budget = house.mirrors_keep,
            "mirrors keep more than cache.size: what was used longest ago goes"
        ),
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "how much mirrors keep could not be found out");
        }
    }
}

/// How many bytes mirrors keep, if that is too much and was not known yet.
async fn ask_for_eviction(house: &House) -> Result<Option<u64>, Error> {
    if is_at_hand(house, JobKind::Retention).await? {
        return Ok(None);
    }
    let bytes = house.metadata.mirrored_bytes().await?;
    if bytes <= house.mirrors_keep {
        return Ok(None);
    }
    let job = NewJob {
        parameters: json!({BUDGET: "cache.size"}),
        ..NewJob::of(JobKind::Retention)
    };
    house.jobs.queue(job, &System::Housekeeping).await?;
    Ok(Some(bytes))
}

/// Deletes jobs that are past their time.
async fn prune_jobs(house: &House) {
    let pruned = async {
        let now = house.metadata.shared_now().await?;
        house.metadata.prune_jobs(now.before(JOBS_KEPT)).await
    };
    match pruned.await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "old jobs deleted"),
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "old jobs could not be deleted");
        }
    }
}

/// Asks for a scrub of the blobs whose bytes a reader did not find: it knows more ways to heal them
/// than to fetch them.
async fn scrub_suspects(house: &House) {
    let digests = house.system.blobs.take_suspects();
    if digests.is_empty() {
        return;
    }
    let names: Vec<_> = digests.iter().map(ToString::to_string).collect();
    let new = NewJob {
        parameters: serde_json::json!({"digests": names}),
        ..NewJob::of(JobKind::Scrub)
    };
    match house.jobs.queue(new, &System::Housekeeping).await {
        Ok(job) => tracing::warn!(
            job = job.id,
            digests = digests.len(),
            "a scrub looks at blobs whose bytes a reader did not find"
        ),
        Err(problem) => {
            tracing::warn!(%problem, "no scrub could be asked for; the next time tries again");
            for digest in digests {
                house.system.blobs.suspect(digest);
            }
        }
    }
}

/// Deletes values by the hour and downloads by the day that are past their time.
async fn prune_statistics(house: &House) {
    let pruned = async {
        let before = house.metadata.shared_now().await?.before(STATISTICS_KEPT);
        for name in SeriesName::ALL {
            house.metadata.prune_series(name.word(), before).await?;
        }
        house.metadata.prune_downloads(before).await
    };
    if let Err(error) = pruned.await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "old statistics could not be deleted");
    }
}

/// Forgets refused requests that are past their time, or too many.
async fn prune_denied(house: &House) {
    let pruned = async {
        let before = house.metadata.shared_now().await?.before(denied::KEPT);
        house.metadata.prune_denied(before, denied::MAX_KEPT).await
    };
    if let Err(error) = pruned.await {
        let problem = Problem::from(error);
        tracing::warn!(%problem, "old refused requests could not be forgotten");
    }
}

/// Removes folders that were made of what is kept and that nobody needs.
async fn sweep_folders(house: &House) {
    match house.git.sweep().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "folders of repositories removed that nobody needs"),
        Err(problem) => tracing::warn!(%problem, "folders that nobody needs could not be removed"),
    }
}

/// Deletes the keys of requests that are past their time.
async fn drop_expired_keys(house: &House) {
    match house.metadata.drop_expired_keys().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "expired keys of requests deleted"),
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(%problem, "expired keys of requests could not be deleted");
        }
    }
}
