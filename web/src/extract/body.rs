//! The body of a request: JSON of one of the API's types.

use super::json;
use crate::problem::Refusal;
use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Collected};
use larder_door::Incoming;
use larder_model::Problem;
use serde::de::DeserializeOwned;

/// A body, read strictly. The last of an act's arguments: whatever stands before it is judged
/// without the body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        check_type(request.headers())?;
        let method = request.method().clone();
        let body = collect(request.into_body()).await?;
        Ok(Self(json::read(&method, &body)?))
    }
}

/// A body that may be left out, which is as good as `{}`.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let body = collect(request.into_body()).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        check_type(&headers)?;
        Ok(Self(json::read(&method, &body)?))
    }
}

/// A body that is a file, which comes piece by piece within the limits of whoever reads it.
pub(crate) struct FileBody(pub(crate) Incoming);

impl<S: Sync> FromRequest<S> for FileBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let body = request.into_body();
        let announced = body.size_hint().exact();
        let bytes = body.into_data_stream().map(|bytes| bytes.map_err(broken));
        Ok(Self(Incoming::passed(bytes.boxed(), announced)))
    }
}

/// All of a body.
pub(crate) async fn collect(body: Body) -> Result<Bytes, Problem> {
    let collected = body.collect().await;
    collected.map(Collected::to_bytes).map_err(broken)
}

/// What the door found wrong with a body: too large, too slow, cut off.
fn broken(error: axum::Error) -> Problem {
    let mut inner = error.into_inner();
    // Each body that another is made of has wrapped it once more.
    loop {
        inner = match inner.downcast::<axum::Error>() {
            Ok(wrapped) => wrapped.into_inner(),
            Err(other) => break other.downcast().map_or_else(Problem::internal, |it| *it),
        };
    }
}

/// A form of another site's page can be posted with a browser's remembered password, but never as
/// JSON.
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::invalid(
        "content_type",
        "send the body as JSON, with Content-Type: application/json",
    ))
}

#[cfg(test)]
mod tests;
