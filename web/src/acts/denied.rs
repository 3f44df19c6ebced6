//! Requests that a rule refused: for superusers, for whoever administers the repository, and one by
//! its id for whoever may read there or was refused.

use crate::caller::Caller;
use crate::extract::denied::{DeniedId, DeniedQuery, RefusalParams};
use crate::extract::page::Page;
use crate::extract::rights::Identified;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_api as api;
use larder_metadata::denied::{DeniedGroup, DeniedRequest};
use larder_model::{Pattern, Permission, Problem, RepoPath, Verb};
use std::sync::Arc;

/// Rows read in one go, and looked at for one page at most.
const ROWS: usize = 1000;
const MAX_ROWS: usize = 10_000;

fn no_refusal() -> Problem {
    let detail = "no such id, or you may not see it; ids are kept for 30 days";
    Problem::not_found("refusal", detail)
}

/// How much of a refusal is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// What its client was told.
    Sentence,
    /// What it was about, and who asked.
    Whole,
    /// And from which address.
    Address,
}

fn to_api(row: DeniedRequest, told: Told) -> api::DeniedRequest {
    let at = row.at();
    let from = |least: Told, text: Box<str>| {
        let text = Some(String::from(text)).filter(|text| !text.is_empty());
        text.filter(|_| told >= least)
    };
    api::DeniedRequest {
        id: row.id.into(),
        at,
        last_at: row.last_at,
        count: row.count,
        actors: 1,
        rule: row.rule,
        detail: row.detail.into(),
        status: row.status,
        repository: from(Told::Whole, row.repository),
        package: from(Told::Whole, row.package),
        version: from(Told::Whole, row.reference),
        verb: from(Told::Whole, row.verb),
        actor: from(Told::Whole, row.actor),
        address: from(Told::Address, row.address),
    }
}

fn group_to_api(group: DeniedGroup) -> api::DeniedRequest {
    api::DeniedRequest {
        count: group.count,
        actors: group.actors,
        ..to_api(group.last, Told::Address)
    }
}

/// Lists refused requests in repositories that the caller administers, the newest first.
///
/// Those of one package that were refused by one kind of rule are one item, unless `grouped` is false:
/// then it is those of a minute.
#[utoipa::path(
    get,
    path = "/denied",
    tag = "denied",
    operation_id = "list_denied",
    params(Page, DeniedQuery),
    responses((
        status = 200,
        description = "A page of refused requests.",
        body = api::List<api::DeniedRequest>,
    )),
    extensions(
        ("x-right" = json!(Right::Identified)),
        ("x-codes" = json!(["after_invalid", "grouped_invalid", "rule_invalid", "since_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    query: DeniedQuery,
    Identified { caller, .. }: Identified,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::DeniedRequest>>, Refusal> {
    // What was refused by now is in the answer.
    state.gate.write_denied().await?;
    let mut before = Some(page.after_id()?).filter(|id| *id != 0);
    let is_superuser = caller.principal().is_superuser();
    let rows = if is_superuser { page.limit + 1 } else { ROWS };
    let (mut items, mut looked, mut last) = (Vec::new(), 0, None);
    loop {
        let found = read(&state, &query, before, rows).await?;
        let more = found.len() == rows;
        looked += found.len();
        for group in found {
            before = Some(group.last.seq);
            if !is_superuser && !administers(&caller, &group.last) {
                continue;
            }
            if items.len() == page.limit {
                return Ok(Json(api::List::part(items, last)));
            }
            last = Some(group.last.seq.to_string());
            items.push(group_to_api(group));
        }
        if !more {
            return Ok(Json(api::List::whole(items)));
        }
        if looked >= MAX_ROWS {
            let next = before.map(|seq| seq.to_string());
            return Ok(Json(api::List::part(items, next)));
        }
    }
}

async fn read(
    state: &ApiState,
    query: &DeniedQuery,
    before: Option<i64>,
    rows: usize,
) -> Result<Vec<DeniedGroup>, Problem> {
    let (metadata, filter) = (&state.metadata, &query.filter);
    if query.grouped {
        return Ok(metadata.denied_groups(filter, before, rows).await?);
    }
    let alone = |last: DeniedRequest| DeniedGroup {
        count: last.count,
        actors: 1,
        last,
    };
    let found = metadata.denied(filter, before, rows).await?;
    Ok(found.into_iter().map(alone).collect())
}

fn administers(caller: &Caller, row: &DeniedRequest) -> bool {
    let pattern: Result<Pattern, _> = row.repository.parse();
    pattern.is_ok_and(|repository| caller.principal().administers(&repository))
}

/// Shows a refused request by the id that its client was told.
///
/// Whoever was refused and may not read the repository, as not any more, is told no more than the
/// sentence of the refusal.
#[utoipa::path(
    get,
    path = "/why/{id}",
    tag = "denied",
    operation_id = "get_refusal",
    params(RefusalParams),
    responses((status = 200, description = "The refusal.", body = api::DeniedRequest)),
    extensions(
        ("x-right" = json!(Right::RefusalReader)),
        ("x-codes" = json!(["refusal_not_found"])),
    ),
)]
pub(crate) async fn get(
    DeniedId(id): DeniedId,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::DeniedRequest>, Refusal> {
    let row = find(&state, &id).await?.ok_or_else(no_refusal)?;
    let is_own = caller.principal().user.is_some() && *caller.label() == *row.actor;
    let told = match may_read(&caller, &row) {
        true if is_own || administers(&caller, &row) => Told::Address,
        true => Told::Whole,
        false if is_own => Told::Sentence,
        false => return Err(no_refusal().into()),
    };
    Ok(Json(to_api(row, told)))
}

/// A refusal, whoever asks.
pub(crate) async fn find(state: &ApiState, id: &str) -> Result<Option<DeniedRequest>, Problem> {
    if !larder_access::denied::is_id(id) {
        return Ok(None);
    }
    Ok(state.gate.denied_request(id).await?)
}

fn may_read(caller: &Caller, row: &DeniedRequest) -> bool {
    let Ok(path) = row.repository.parse::<RepoPath>() else {
        return false;
    };
    let package = Some(row.package.clone()).filter(|package| !package.is_empty());
    caller.may(&Permission {
        package,
        ..path.permission(Verb::Read)
    })
}
