//! Many packages or versions deleted in one call.

use super::versions::remove;
use crate::caller::Caller;
use crate::extract::body::JsonBody;
use crate::extract::head::Client;
use crate::extract::path::{PackagePath, RepoParams, canonical_name};
use crate::extract::rights::IdentifiedAt;
use crate::problem::{Refusal, code};
use crate::right::Right;
use crate::state::{ApiState, no_package};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use larder_access::denied::Asked;
use larder_api as api;
use larder_model::{Origin, PackageName, Problem, RepoPath, Verb};
use std::collections::HashSet;
use std::sync::Arc;

/// Things in one call.
const MAX: usize = 1000;
/// Refusals of one call that have entries of their own.
const NOTED: usize = 20;

/// Deletes many packages or versions; a mirror forgets what it keeps of them.
///
/// Each is deleted as if it were asked for alone, in the order of the request and under its own
/// right. What cannot be deleted does not keep the others: the answer tells of each.
#[utoipa::path(
    post,
    path = "/repositories/{protocol}/{name}/deletions",
    tag = "packages",
    operation_id = "delete_packages",
    params(RepoParams),
    request_body = api::NewDeletions,
    responses((status = 200, description = "What came of each.", body = api::Deletions)),
    extensions(
        ("x-right" = json!(Right::Identified)),
        ("x-codes" = json!(["repository_not_found"])),
    ),
)]
pub(crate) async fn create(
    IdentifiedAt { caller, path, .. }: IdentifiedAt,
    Client(client): Client,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewDeletions>,
) -> Result<Json<api::Deletions>, Refusal> {
    check(&path, &new.items)?;
    let (mut items, mut noted) = (Vec::with_capacity(new.items.len()), 0);
    for item in new.items {
        let outcome = delete(&state, &caller, &path, &item).await;
        // Of one call a few entries tell enough: the trail has room for what others do.
        if let Err(problem) = &outcome
            && noted < NOTED
        {
            noted += 1;
            note(&state, &caller, (&item, problem), &client.origin());
        }
        items.push(told(item, outcome));
    }
    let failed = items.iter().filter(|item| item.code.is_some()).count();
    Ok(Json(api::Deletions {
        deleted: (items.len() - failed) as u64,
        failed: failed as u64,
        items,
    }))
}

/// Fails unless there is something, not too much, and each thing once: of what is named twice the
/// second could only fail.
fn check(path: &RepoPath, items: &[api::Deletion]) -> Result<(), Problem> {
    let wrong = |detail: String| Err(Problem::invalid("items", detail));
    if items.is_empty() || items.len() > MAX {
        return wrong(format!("`items` holds 1 to {MAX} packages or versions"));
    }
    let mut seen = HashSet::new();
    for item in items {
        let name = canonical_name(path.protocol, &item.package);
        if !seen.insert((name, item.version.as_deref())) {
            return wrong("`items` holds the same package or version twice".to_owned());
        }
    }
    Ok(())
}

async fn delete(
    state: &ApiState,
    caller: &Caller,
    path: &RepoPath,
    item: &api::Deletion,
) -> Result<(), Problem> {
    let name = canonical_name(path.protocol, &item.package);
    let package: PackageName = name.parse().map_err(|_| no_package())?;
    let package = PackagePath {
        repo: path.clone(),
        package: package.as_str().into(),
    };
    // The right comes before anything is told of the package.
    caller.require(package.permission(Verb::Delete))?;
    remove(state, caller, &package, item.version.as_deref()).await
}

/// Tells the audit trail and whoever looks into it what was refused, as if it were asked for alone.
fn note(
    state: &ApiState,
    caller: &Caller,
    (item, problem): (&api::Deletion, &Problem),
    origin: &Origin,
) {
    let (principal, wanted) = (caller.principal(), caller.last_permission());
    let asked = Asked {
        permission: wanted.as_ref(),
        reference: item.version.as_deref(),
    };
    state.gate.note_denied(principal, &asked, problem, origin);
    if problem.refused {
        let wanted = wanted.as_ref();
        state.gate.note_refusal(principal, wanted, problem, origin);
    }
}

fn told(item: api::Deletion, outcome: Result<(), Problem>) -> api::DeletionOutcome {
    let problem = outcome.err();
    if let Some(problem) = problem.as_ref().filter(|it| it.status().is_server_error()) {
        tracing::error!(
            package = item.package,
            version = item.version,
            problem = problem.with_causes(),
            "one of many packages could not be deleted"
        );
    }
    let status = problem.as_ref().map(Problem::status);
    api::DeletionOutcome {
        package: item.package,
        version: item.version,
        status: status.unwrap_or(StatusCode::NO_CONTENT).as_u16(),
        code: problem.as_ref().map(|problem| code(problem).into_owned()),
        detail: problem.map(|problem| problem.detail.into_owned()),
    }
}
