//! Answers that went well, beside a plain [`Json`] value.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use larder_api::Job;
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
    secret_of: Option<i64>,
}

/// That an answer holds the secret of what has this id: it is never given again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecretOf(pub(crate) i64);

impl<T> Created<T> {
    pub(crate) fn new(path: impl Display, value: T) -> Self {
        Self {
            path: path.to_string(),
            value,
            secret_of: None,
        }
    }

    /// The same with the secret of what has this id in it.
    pub(crate) fn with_secret_of(self, id: i64) -> Self {
        Self {
            secret_of: Some(id),
            ..self
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = [(LOCATION, format!("{ROOT}{}", self.path))];
        let mut response = (StatusCode::CREATED, location, Json(self.value)).into_response();
        if let Some(id) = self.secret_of {
            response.extensions_mut().insert(SecretOf(id));
        }
        response
    }
}

/// 202: a job that was asked for, and where it is.
#[derive(Debug)]
pub(crate) struct Accepted(pub(crate) Job);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = [(LOCATION, format!("{ROOT}/jobs/{}", self.0.id))];
        (StatusCode::ACCEPTED, location, Json(self.0)).into_response()
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
