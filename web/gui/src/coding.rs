//! Pages in compressed form, for browsers that take it (RFC 9110 8.4).

use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt as _;
use larder_model::Problem;
use std::io::Write as _;

/// Whether who asks takes a coding. Browsers name those that they take, without weights.
pub(crate) fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let named = headers.get(ACCEPT_ENCODING);
    let named = named
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    named.split(',').any(|named| named.trim() == coding)
}

/// A page as this browser takes it; anything else as it is. What is secret in a page (tokens of forms)
/// is masked anew each time, so its length tells nothing.
pub(crate) async fn packed(request: &Parts, response: Response) -> Result<Response, Problem> {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    head.headers
        .insert(VARY, HeaderValue::from_static("accept-encoding, cookie"));
    if request.method == Method::HEAD || !takes(&request.headers, "gzip") {
        return Ok(Response::from_parts(head, body));
    }
    let page = body.collect().await.map_err(Problem::internal)?.to_bytes();
    let mut gzip = GzEncoder::new(Vec::with_capacity(page.len() / 4), Compression::new(5));
    gzip.write_all(&page).map_err(Problem::internal)?;
    let packed = gzip.finish().map_err(Problem::internal)?;
    head.headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(packed.len()));
    Ok(Response::from_parts(head, Body::from(packed)))
}
