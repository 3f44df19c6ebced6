//! How bytes become free that nothing names any more, for superusers.

use super::jobs;
use crate::answer::Accepted;
use crate::extract::body::OptionalBody;
use crate::extract::path::{BlobDigest, DigestParams};
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::{ApiState, CollectorWaits};
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::collection::{BlobHolder, BlobReport};
use larder_metadata::jobs::{JobFilter, NewJob};
use larder_model::{Digest, FileKind, JobKind, Problem, Timestamp, duration};
use std::sync::Arc;

/// Names of a blob that are told.
const MAX_HOLDERS: usize = 1000;

/// What replaces every wait of a run, in whole seconds: none is shorter than it was asked for.
fn whole_seconds(grace: &str) -> Result<u64, Problem> {
    let detail = "`grace` is a number and its unit, as 0s, 15m, 12h or 7d";
    let wrong = || Problem::invalid("grace", detail);
    let grace = duration::parse(grace).ok_or_else(wrong)?;
    Ok(grace.as_secs() + u64::from(grace.subsec_nanos() > 0))
}

/// Frees what nothing names any more, as a job.
///
/// Its result counts what it looked at, what it deleted, the bytes that are free, and what stays and
/// why; its items tell of each blob. A dry run tells what a run with the same grace would do now. A
/// grace replaces every wait of this run: clients that push meanwhile may have to do so again. It
/// waits while another run goes on.
#[utoipa::path(
    post,
    path = "/gc/runs",
    tag = "collection",
    operation_id = "run_collection",
    request_body = api::NewCollection,
    responses((status = 202, description = "The job.", body = api::Job)),
    extensions(("x-right" = json!(Right::Superuser)), ("x-codes" = json!(["grace_invalid"]))),
)]
pub(crate) async fn run(
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
    OptionalBody(new): OptionalBody<api::NewCollection>,
) -> Result<Accepted, Refusal> {
    let grace = new.grace.as_deref().map(whole_seconds).transpose()?;
    let parameters = match grace {
        Some(seconds) => serde_json::json!({"grace_seconds": seconds}),
        None => serde_json::json!({}),
    };
    let new = NewJob {
        dry_run: new.dry_run.unwrap_or(false),
        parameters,
        ..NewJob::of(JobKind::Gc)
    };
    let by = caller.require_superuser()?;
    let job = state.jobs.queue(new, &by).await?;
    let (by, dry_run) = (caller.label(), job.dry_run);
    tracing::info!(by, job = job.id, kind = %job.kind, dry_run, grace, "job asked for");
    Ok(Accepted(jobs::to_api(&job)?))
}

/// Tells how collection goes on: the newest run, the next, and what waits for it.
#[utoipa::path(
    get,
    path = "/gc",
    tag = "collection",
    operation_id = "get_collection",
    responses((status = 200, description = "How it goes on.", body = api::Collection)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn get(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Collection>, Refusal> {
    let filter = JobFilter {
        kind: Some(JobKind::Gc),
        state: None,
    };
    let last = state.metadata.jobs(filter, None, 1).await?;
    let queue = state.metadata.collection_queue().await?;
    let scheduled = next_at(&state, JobKind::Gc).await?;
    // A run that is asked for every while comes so long after the one before, or soon.
    let every = state.collector_waits.every;
    let again = match (every, last.first()) {
        (Some(every), Some(last)) => Some(last.created_at.after(every)),
        (Some(every), None) => Some(state.metadata.shared_now().await?.after(every)),
        (None, _) => None,
    };
    Ok(Json(api::Collection {
        last: last.first().map(jobs::to_api).transpose()?,
        next_at: scheduled.into_iter().chain(again).min(),
        reclaimable_bytes: queue.reclaimable_bytes,
        queue: queue.queued,
    }))
}

/// When a run begins by itself; `None`: none does.
pub(super) async fn next_at(state: &ApiState, kind: JobKind) -> Result<Option<Timestamp>, Problem> {
    let schedule = state.metadata.schedule(kind).await?;
    let enabled = schedule.filter(|it| it.enabled && state.jobs.has(kind));
    let Some(schedule) = enabled else {
        return Ok(None);
    };
    let now = state.metadata.shared_now().await?;
    Ok(schedule.cron.after(now, 1).first().copied())
}

/// Tells what keeps a blob, and when the collector is to look at it.
#[utoipa::path(
    get,
    path = "/blobs/{digest}",
    tag = "collection",
    operation_id = "get_blob",
    params(DigestParams),
    responses((status = 200, description = "The blob.", body = api::Blob)),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["blob_not_found", "digest_invalid"])),
    ),
)]
pub(crate) async fn blob(
    _: Superuser,
    BlobDigest(digest): BlobDigest,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::Blob>, Refusal> {
    let limit = MAX_HOLDERS as u64 + 1;
    let report = state.metadata.explain_blob(&digest, limit).await?;
    let no_blob = || Problem::not_found("blob", format!("no blob {digest} is kept here"));
    let report = report.ok_or_else(no_blob)?;
    Ok(Json(to_api(digest, &report, state.collector_waits)))
}

fn to_api(digest: Digest, report: &BlobReport, waits: CollectorWaits) -> api::Blob {
    api::Blob {
        digest: digest.to_string(),
        size: report.size,
        state: if report.condemned {
            api::BlobState::Condemned
        } else {
            api::BlobState::Kept
        },
        held_by: report
            .held_by
            .iter()
            .take(MAX_HOLDERS)
            .map(holder)
            .collect(),
        has_more_holders: report.held_by.len() > MAX_HOLDERS,
        due_at: due_at(report, waits),
    }
}

/// When the collector is to look at a blob next: at its bytes, once they are queued, or at the rows
/// in images of which no manifest names it and at entries of the trash, where nothing else holds it.
fn due_at(report: &BlobReport, waits: CollectorWaits) -> Option<Timestamp> {
    if let Some(since) = report.queued_since {
        return Some(since.after(waits.grace));
    }
    let ends_at = |it: &BlobHolder| match it.trash {
        Some(_) => Some(it.told_at),
        None => (it.is_link && it.named_by.is_none()).then(|| it.told_at.after(waits.told)),
    };
    // All of them must end; the last that does decides.
    let ends: Option<Vec<_>> = report.held_by.iter().map(ends_at).collect();
    ends?.into_iter().max()
}

/// Something that names a blob, as a person knows it.
pub(super) fn holder(holder: &BlobHolder) -> api::BlobHolder {
    let (reference, why) = reference(holder);
    api::BlobHolder {
        repository: holder.repository.clone(),
        package: holder.package.to_string(),
        reference,
        why,
    }
}

/// What a person knows a holder by, and why it keeps the blob.
fn reference(holder: &BlobHolder) -> (String, String) {
    let path = holder.path.to_string();
    if let Some(entry) = holder.trash {
        let version = Some(holder.version.to_string()).filter(|version| !version.is_empty());
        let until = holder.told_at;
        let why = format!(
            "it was deleted; entry {entry} of the trash keeps it until {until}, to be restored"
        );
        return (version.unwrap_or(path), why);
    }
    let named = |reference: &str, why: &str| (reference.to_owned(), why.to_owned());
    match (holder.kind, &holder.named_by, &holder.named_by_tag) {
        (FileKind::Blob | FileKind::Manifest, Some(manifest), Some(tag)) => {
            let why = format!("the manifest {manifest}, which has this tag, names it");
            (tag.to_string(), why)
        }
        (FileKind::Blob | FileKind::Manifest, Some(manifest), None) => {
            let why = "this manifest, which has no tag, names it";
            named(manifest, why)
        }
        (FileKind::Blob, None, _) if holder.is_link => {
            let at = holder.told_at;
            let why = format!(
                "no manifest names it; a client was told at {at} that it is here, and may still \
                 push one that does"
            );
            (path, why)
        }
        (FileKind::Manifest, ..) => (path, "it is a manifest of the image".to_owned()),
        (FileKind::Tag, ..) => (path, "this tag is set to it".to_owned()),
        (FileKind::Blob, ..) => (path, "it is kept of the upstream".to_owned()),
        (FileKind::Name | FileKind::Tombstone, ..) => {
            (path, "the name is taken for good".to_owned())
        }
        (FileKind::Artifact, ..) if !holder.version.is_empty() => {
            let why = format!("the file {path} of this version has these bytes");
            (holder.version.to_string(), why)
        }
        (FileKind::Artifact, ..) => (path, "the file has these bytes".to_owned()),
        (FileKind::Document, ..) => (path, "it is a document of the package".to_owned()),
        (FileKind::Representation, ..) => {
            let why = "it is another form of a document, made again when it is needed";
            (path, why.to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
