//! Scrubs, and the blobs that are damaged, for superusers.

use super::collection::{holder, next_at};
use super::jobs;
use crate::answer::Accepted;
use crate::extract::body::OptionalBody;
use crate::extract::page::Page;
use crate::extract::path::{BlobDigest, DigestParams};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_metadata::scrub::{Damage, Quarantined};
use larder_metadata::{Error, Requirement};
use larder_model::{Digest, JobKind, Problem};
use std::sync::Arc;

/// Names of a blob that are told.
const MAX_HOLDERS: usize = 100;
/// Blobs that one run is asked for by name.
const MAX_DIGESTS: usize = 1000;

fn not_quarantined(digest: &Digest) -> Problem {
    Problem::not_found("quarantine", format!("no blob {digest} is damaged here"))
}

/// The digests of a request, each once, as a job keeps them.
fn digests(asked: Vec<String>) -> Result<Vec<String>, Problem> {
    if asked.is_empty() || asked.len() > MAX_DIGESTS {
        let detail = format!("`digests` names 1 to {MAX_DIGESTS} blobs; leave it out for all");
        return Err(Problem::invalid("digest", detail));
    }
    let read = asked.into_iter().map(|text| {
        let wrong = |error| Problem::invalid("digest", format!("{text}: {error}"));
        text.parse::<Digest>().map_err(wrong)
    });
    let mut digests = read.collect::<Result<Vec<_>, _>>()?;
    digests.sort_unstable();
    digests.dedup();
    Ok(digests.iter().map(ToString::to_string).collect())
}

/// Reads what is kept and compares it with its digests, as a job.
///
/// What is damaged is kept from everyone, and healed where that is possible: from a second copy, from
/// the upstream of a mirror, or by making it anew. Its result counts what it looked at, healed and
/// quarantined; its items tell of each. It waits while another run goes on.
#[utoipa::path(
    post,
    path = "/scrub/runs",
    tag = "scrub",
    operation_id = "run_scrub",
    request_body = api::NewScrub,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["digest_invalid"]))),
)]
pub(crate) async fn run(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    OptionalBody(new): OptionalBody<api::NewScrub>,
) -> Result<Accepted, Refusal> {
    let parameters = match new.digests.map(digests).transpose()? {
        Some(digests) => serde_json::json!({"digests": digests}),
        None => serde_json::json!({}),
    };
    let new = NewJob {
        dry_run: new.dry_run.unwrap_or(false),
        parameters,
        ..NewJob::of(JobKind::Scrub)
    };
    let by = caller.require_superuser()?;
    let job = state.jobs.queue(new, &by).await?;
    let (by, dry_run) = (caller.label(), job.dry_run);
    tracing::info!(by, job = job.id, kind = %job.kind, dry_run, "job asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}

/// Tells how scrubs go on: the newest run, the next, and how many blobs are damaged.
#[utoipa::path(
    get,
    path = "/scrub",
    tag = "scrub",
    operation_id = "get_scrub",
    responses((status = 200, description = "How it goes on.", body = api::ScrubStatus)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn get(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::ScrubStatus>, Refusal> {
    let filter = JobFilter {
        kind: Some(JobKind::Scrub),
        state: None,
    };
    let last = state.metadata.jobs(filter, None, 1).await?;
    Ok(Json(api::ScrubStatus {
        last: last.first().map(jobs::to_api).transpose()?,
        next_at: next_at(&state, JobKind::Scrub).await?,
        quarantined: state.metadata.count_quarantined().await?,
    }))
}

/// Lists the blobs that are damaged, by digest.
#[utoipa::path(
    get,
    path = "/quarantine",
    tag = "scrub",
    operation_id = "list_quarantine",
    params(Page),
    responses((
        status = 200,
        description = "A page of damaged blobs.",
        body = api::List<api::QuarantinedBlob>,
    )),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn list(
    page: Page,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::QuarantinedBlob>>, Refusal> {
    let limit = page.limit as u64 + 1;
    let mut blobs = Vec::new();
    for blob in state.metadata.quarantined(&page.after, limit).await? {
        blobs.push(to_api(&state, &blob).await?);
    }
    let key = |blob: &api::QuarantinedBlob| blob.digest.clone();
    Ok(Json(api::List::of(blobs, page.limit, key)))
}

/// Shows a damaged blob, and what names it.
#[utoipa::path(
    get,
    path = "/quarantine/{digest}",
    tag = "scrub",
    operation_id = "get_quarantined",
    params(DigestParams),
    responses((status = 200, description = "The blob.", body = api::QuarantinedBlob)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["quarantine_not_found", "digest_invalid"])),
    ),
)]
pub(crate) async fn show(
    _: Superuser,
    BlobDigest(digest): BlobDigest,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::QuarantinedBlob>, Refusal> {
    let found = state.metadata.quarantined_blob(&digest).await?;
    let found = found.ok_or_else(|| not_quarantined(&digest))?;
    Ok(Json(to_api(&state, &found).await?))
}

/// Gives up the damaged bytes that were kept aside, for good.
///
/// What names them stays, as the answer tells it, and reads of it are answered with the damage until
/// somebody brings the bytes again or deletes the names.
#[utoipa::path(
    delete,
    path = "/quarantine/{digest}",
    tag = "scrub",
    operation_id = "delete_quarantined",
    params(DigestParams),
    responses((status = 200, description = "The blob as it is now.", body = api::QuarantinedBlob)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["quarantine_not_found", "digest_invalid"])),
    ),
)]
pub(crate) async fn delete(
    BlobDigest(digest): BlobDigest,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::QuarantinedBlob>, Refusal> {
    let by = caller.require_superuser()?;
    match state.metadata.give_up_blob(&digest, &by).await {
        Err(Error::Unmet(Requirement::Blob)) => return Err(not_quarantined(&digest).into()),
        given_up => given_up?,
    }
    tracing::warn!(by = caller.label(), %digest, "the bytes of a damaged blob were given up");
    let found = state.metadata.quarantined_blob(&digest).await?;
    let found = found.ok_or_else(|| not_quarantined(&digest))?;
    Ok(Json(to_api(&state, &found).await?))
}

async fn to_api(state: &ApiState, blob: &Quarantined) -> Result<api::QuarantinedBlob, Problem> {
    let limit = MAX_HOLDERS as u64 + 1;
    let holders = state.metadata.holders_of(&blob.digest, limit).await?;
    Ok(api::QuarantinedBlob {
        digest: blob.digest.to_string(),
        size: blob.size,
        since: blob.since,
        damage: match blob.damage {
            Damage::Changed => api::BlobDamage::Changed,
            Damage::Size => api::BlobDamage::Size,
            Damage::Missing => api::BlobDamage::Missing,
            Damage::Unreadable => api::BlobDamage::Unreadable,
            Damage::Deleted => api::BlobDamage::Deleted,
        },
        held_by: holders.iter().take(MAX_HOLDERS).map(holder).collect(),
        has_more_holders: holders.len() > MAX_HOLDERS,
    })
}
