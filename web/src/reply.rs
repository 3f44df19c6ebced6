//! Answers that went well.

use crate::paths::ROOT;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde::Serialize;
use std::fmt::Display;

/// 200 with a value.
pub(crate) fn ok(value: &impl Serialize) -> Result<Reply, Problem> {
    json(StatusCode::OK, value)
}

/// 201 with what was made, and its path after the API's root.
pub(crate) fn created(path: impl Display, value: &impl Serialize) -> Result<Reply, Problem> {
    Ok(json(StatusCode::CREATED, value)?.with(LOCATION, format!("{ROOT}{path}")))
}

/// 204: it is gone.
pub(crate) fn gone() -> Reply {
    Reply::new(StatusCode::NO_CONTENT)
}

fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply, Problem> {
    let body = serde_json::to_vec(value).map_err(Problem::internal)?;
    // What one caller sees is nothing for any cache: rights change, and secrets are shown once.
    let private = HeaderValue::from_static("no-store");
    Ok(Reply::new(status)
        .with_body("application/json", body)
        .with(CACHE_CONTROL, private))
}
