//! Replies that several calls give, and parts of them.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use larder_model::{Digest, Reply};

const DOCKER_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

pub(crate) fn json_reply(body: Vec<u8>) -> Reply {
    Reply::new(StatusCode::OK).with_body("application/json", body)
}

/// Says which bytes these are.
pub(crate) fn docker_digest(headers: &mut HeaderMap, digest: &Digest) {
    if let Ok(value) = HeaderValue::try_from(digest.to_string()) {
        headers.insert(DOCKER_DIGEST, value);
    }
}
