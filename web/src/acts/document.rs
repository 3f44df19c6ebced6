//! The document that tells of all calls.

use crate::html;
use crate::page;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::extract::State;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY};
use std::sync::Arc;

/// Headers and a body.
type Text<const N: usize> = ([(HeaderName, String); N], Bytes);

/// The OpenAPI document, version 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "document",
    operation_id = "get_document",
    responses((status = 200, description = "The document.", body = serde_json::Value)),
    extensions(("x-right" = json!(Right::Open))),
)]
pub(crate) async fn json(State(state): State<Arc<ApiState>>) -> Result<Text<1>, Refusal> {
    let headers = [(CONTENT_TYPE, "application/json".to_owned())];
    Ok((headers, state.document.json.clone()))
}

/// The document as a page for people.
#[utoipa::path(
    get,
    path = "/",
    tag = "document",
    operation_id = "get_page",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    extensions(("x-right" = json!(Right::Open))),
)]
pub(crate) async fn page(State(state): State<Arc<ApiState>>) -> Result<Text<3>, Refusal> {
    let headers = [
        (CONTENT_TYPE, html::MEDIA_TYPE.to_owned()),
        (CONTENT_SECURITY_POLICY, html::policy(page::STYLE, "'none'")),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((headers, state.document.html.clone()))
}
