//! Answers that went well, beside a plain [`Json`] value.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::Serialize;
use std::fmt::Display;

/// Where the API begins.
pub(crate) const ROOT: &str = "/api/v1";

/// 201: what was made, and where it is.
#[derive(Debug)]
pub(crate) struct Created<T> {
    /// Its path after the API's root.
    path: String,
    value: T,
}

impl<T> Created<T> {
    pub(crate) fn new(path: impl Display, value: T) -> Self {
        Self {
            path: path.to_string(),
            value,
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(LOCATION, format!("{ROOT}{}", self.path))];
        (StatusCode::CREATED, location, Json(self.value)).into_response()
    }
}

/// 204: it is done, and there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}
