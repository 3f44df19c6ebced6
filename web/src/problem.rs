//! Problems as `application/problem+json` (RFC 9457), with a stable code.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use larder_door::FOR_ONE_CALLER;
use larder_model::{Kind, Problem, Reply};
use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Basic realm="larder", charset="UTF-8""#);
/// Where a browser must not ask for a password by itself, which it does for the other.
const SESSION_CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Session realm="larder""#);
/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// How an act says no: a problem that becomes a response, and goes with it into the log.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<larder_metadata::Error> for Refusal {
    fn from(error: larder_metadata::Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.about(None)
    }
}

impl Refusal {
    /// The response with the id of what the problem is about, where that is not in the request.
    pub(crate) fn about(self, id: Option<i64>) -> Response {
        let Reply {
            status,
            headers,
            body,
        } = reply_about(&self.0, id);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// The problem that a response tells of.
pub(crate) fn of_response(response: &mut Response) -> Option<Problem> {
    response
        .extensions_mut()
        .remove::<Arc<Problem>>()
        .and_then(Arc::into_inner)
}

/// The kind of the problem that a response tells of.
pub(crate) fn kind_of_response(response: &Response) -> Option<Kind> {
    let problem = response.extensions().get::<Arc<Problem>>();
    problem.map(|problem| problem.kind)
}

/// What an act that panics is answered with: our own failure, whose text is for the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
pub(crate) fn of_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "no reason was given".to_owned());
    Refusal(Problem::internal(format!("a call panicked: {text}"))).into_response()
}

/// The code by which a program knows a problem. Part of the API: never changed.
pub(crate) fn code(problem: &Problem) -> Cow<'static, str> {
    let about = problem.about;
    let code = match (problem.kind, about) {
        // The gate says `name` of what someone may not read.
        (Kind::NotFound, "name") => "repository_not_found",
        (Kind::NotFound, about) => return format!("{about}_not_found").into(),
        (Kind::Invalid, about) => return format!("{about}_invalid").into(),
        (Kind::Denied, "current_password") => "current_password_wrong",
        (Kind::Conflict, "last_superuser") => "last_superuser",
        (Kind::Conflict, "secret") => "secret_already_shown",
        (Kind::Conflict, "idempotency_key") => "idempotency_key_in_use",
        (Kind::Unprocessable, "idempotency_key") => "idempotency_key_reused",
        (kind, _) => word(kind),
    };
    code.into()
}

/// The code of problems of a kind that no noun tells apart.
pub(crate) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::NotFound => "not_found",
        Kind::Invalid => "invalid",
        Kind::Denied => "not_allowed",
        Kind::Conflict => "conflict",
        Kind::Unauthenticated | Kind::LoginRefused => "unauthenticated",
        Kind::Unprocessable => "unprocessable",
        Kind::Method => "method_not_allowed",
        Kind::Precondition => "precondition_failed",
        Kind::TooLarge => "too_large",
        Kind::HeaderTooLarge => "header_too_large",
        Kind::Range => "range_invalid",
        Kind::DigestMismatch => "digest_mismatch",
        Kind::Policy | Kind::UpstreamPolicy => "policy",
        Kind::Unsupported => "unsupported",
        Kind::Upstream => "upstream_failed",
        Kind::Unreachable => "upstream_unreachable",
        Kind::Offline => "offline",
        Kind::TooMany => "too_many_requests",
        Kind::Busy => "busy",
        Kind::Quota => "quota_exceeded",
        Kind::Full => "storage_full",
        Kind::Timeout => "timeout",
        Kind::Damaged => "damaged",
        Kind::Internal => "internal",
    }
}

/// The status that a problem of this code is answered with.
pub(crate) fn status(code: &str) -> u16 {
    const NAMED: [Kind; 22] = [
        Kind::Unprocessable,
        Kind::Denied,
        Kind::Conflict,
        Kind::Unauthenticated,
        Kind::Method,
        Kind::Precondition,
        Kind::TooLarge,
        Kind::HeaderTooLarge,
        Kind::Range,
        Kind::DigestMismatch,
        Kind::Policy,
        Kind::Unsupported,
        Kind::Upstream,
        Kind::Unreachable,
        Kind::Offline,
        Kind::TooMany,
        Kind::Busy,
        Kind::Quota,
        Kind::Full,
        Kind::Timeout,
        Kind::Damaged,
        Kind::Internal,
    ];
    let named = NAMED.into_iter().find(|kind| word(*kind) == code);
    let kind = match code {
        "current_password_wrong" => Kind::Denied,
        "last_superuser" | "secret_already_shown" | "idempotency_key_in_use" => Kind::Conflict,
        "idempotency_key_reused" => Kind::Unprocessable,
        _ if code.ends_with("_not_found") => Kind::NotFound,
        _ => named.unwrap_or(Kind::Invalid),
    };
    kind.status()
}

/// Says a problem to a client of the API.
pub(crate) fn reply(problem: &Problem) -> Reply {
    reply_about(problem, None)
}

/// The same with the id of what it is about, where that is not in the request.
fn reply_about(problem: &Problem, id: Option<i64>) -> Reply {
    let status = problem.status();
    let told = larder_api::Problem {
        r#type: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        detail: problem.detail.clone().into_owned(),
        code: code(problem).into_owned(),
        id: id.map(|id| id.to_string()),
    };
    let body = serde_json::to_vec(&told).unwrap_or_default();
    let mut reply = Reply::new(status)
        .with_body(MEDIA_TYPE, body)
        .with(CACHE_CONTROL, FOR_ONE_CALLER);
    if let Some(wait) = problem.retry_after {
        reply = reply.with(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    match problem.kind {
        Kind::Unauthenticated => reply.with(WWW_AUTHENTICATE, CHALLENGE),
        Kind::LoginRefused => reply.with(WWW_AUTHENTICATE, SESSION_CHALLENGE),
        _ => reply,
    }
}

#[cfg(test)]
mod tests;
