//! The audit trail, for superusers.

use crate::extract::audit::AuditQuery;
use crate::extract::page::Page;
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use larder_api as api;
use larder_metadata::audit::{AuditEntry, AuditFault, AuditFilter, AuditReport};
use larder_model::Problem;
use serde_json::Value;
use std::sync::Arc;

/// The media type of an export: a JSON object on each line.
const LINES: &str = "application/x-ndjson";
/// Entries read in one go for an export.
const ROWS: usize = 1000;

fn to_api(entry: AuditEntry) -> api::AuditEntry {
    let given = |text: Box<str>| Some(String::from(text)).filter(|text| !text.is_empty());
    // Whatever stands in the row is shown.
    let details =
        serde_json::from_str(&entry.details).unwrap_or_else(|_| Value::from(&*entry.details));
    api::AuditEntry {
        id: entry.id.to_string(),
        at: entry.at,
        actor: entry.actor.into(),
        action: entry.action.into(),
        object: entry.object.into(),
        result: entry.result.into(),
        address: given(entry.address),
        request_id: given(entry.request_id),
        count: entry.count,
        details,
    }
}

fn fault_to_api(fault: &AuditFault) -> api::AuditFault {
    api::AuditFault {
        seq: fault.seq,
        id: fault.id.map(|id| id.to_string()),
        detail: fault.to_string(),
    }
}

/// Lists the audit trail, the newest entry first.
///
/// Texts are compared as they are, or by their beginning where the parameter ends in `*`. With
/// `Accept: application/x-ndjson` all entries are answered, an object on each line, whatever `limit`
/// says.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "audit",
    operation_id = "list_audit",
    params(Page, AuditQuery),
    responses((
        status = 200,
        description = "A page of entries, or all of them.",
        content(
            (api::List<api::AuditEntry> = "application/json"),
            (String = "application/x-ndjson"),
        ),
    )),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["after_invalid", "result_invalid", "since_invalid", "until_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    AuditQuery(filter): AuditQuery,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let before = Some(page.after_id()?).filter(|id| *id != 0);
    // What was recorded by now is in the answer.
    state.gate.write_events().await?;
    if wants_lines(&headers) {
        return Ok(export(state, filter, before));
    }
    let rows = state
        .metadata
        .audit(&filter, before, page.limit + 1)
        .await?;
    let entries = rows.into_iter().map(to_api).collect();
    let key = |entry: &api::AuditEntry| entry.id.clone();
    Ok(Json(api::List::of(entries, page.limit, key)).into_response())
}

fn wants_lines(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let types = texts.flat_map(|text| text.split(','));
    let name = |range: &str| {
        range
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    types.map(name).any(|name| name.eq_ignore_ascii_case(LINES))
}

/// All entries page by page, as fast as the client takes them.
fn export(state: Arc<ApiState>, filter: AuditFilter, before: Option<i64>) -> Response {
    let lines = try_unfold(Some(before), move |next| {
        let (state, filter) = (Arc::clone(&state), filter.clone());
        async move {
            let Some(before) = next else { return Ok(None) };
            let rows = state.metadata.audit(&filter, before, ROWS).await?;
            let Some(last) = rows.last().map(|row| row.id) else {
                return Ok(None);
            };
            let more = (rows.len() == ROWS).then_some(Some(last));
            let mut text = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut text, &to_api(row)).map_err(Problem::internal)?;
                text.push(b'\n');
            }
            Ok::<_, Problem>(Some((Bytes::from(text), more)))
        }
    });
    ([(CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response()
}

/// Proves that nothing of the audit trail was changed.
///
/// Each entry has a hash over itself and the entry before it. The first entry that was changed,
/// removed or put between others is named in `fault`.
#[utoipa::path(
    get,
    path = "/audit/verify",
    tag = "audit",
    operation_id = "verify_audit",
    responses((status = 200, description = "What was found.", body = api::AuditReport)),
    extensions(("x-right" = json!(Right::Superuser))),
)]
pub(crate) async fn verify(
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::AuditReport>, Refusal> {
    state.gate.write_events().await?;
    let AuditReport {
        entries,
        head,
        fault,
    } = state.metadata.verify_audit().await?;
    Ok(Json(api::AuditReport {
        ok: fault.is_none(),
        entries,
        head: head.to_string(),
        fault: fault.as_ref().map(fault_to_api),
    }))
}
