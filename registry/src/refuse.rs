//! Problems in the words of the distribution spec: `{"errors":[{code,message,detail}]}`.

use crate::endpoint::CATALOG;
use http::HeaderValue;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use larder_door::door::RefusalContext;
use larder_model::{Kind, Problem, QuotaUnit, Reply, Shortage, Verb};
use serde_json::{Value as Json, json};

pub(crate) const API_VERSION: HeaderName =
    HeaderName::from_static("docker-distribution-api-version");

/// The code of the specification for a problem.
fn code(problem: &Problem) -> &'static str {
    match (problem.kind, problem.about) {
        (Kind::NotFound, "blob") => "BLOB_UNKNOWN",
        (Kind::NotFound, "manifest" | "tag") => "MANIFEST_UNKNOWN",
        (Kind::NotFound | Kind::Conflict, "upload") => "BLOB_UPLOAD_UNKNOWN",
        (Kind::Invalid, "child") => "MANIFEST_BLOB_UNKNOWN",
        (Kind::NotFound, _) => "NAME_UNKNOWN",
        (Kind::Unauthenticated | Kind::LoginRefused, _) => "UNAUTHORIZED",
        (
            Kind::Denied
            | Kind::Policy
            | Kind::UpstreamPolicy
            | Kind::Quota
            | Kind::Offline
            | Kind::Conflict
            | Kind::Precondition
            | Kind::Unprocessable,
            _,
        ) => "DENIED",
        (Kind::DigestMismatch, _) | (Kind::Invalid, "digest") => "DIGEST_INVALID",
        (Kind::Invalid, "manifest") => "MANIFEST_INVALID",
        (Kind::TooLarge, "manifest") => "MANIFEST_INVALID",
        (Kind::Invalid, "tag") => "MANIFEST_INVALID",
        (Kind::Invalid, "page") => "PAGINATION_NUMBER_INVALID",
        (Kind::Range, _) | (Kind::Invalid, "upload" | "body") => "BLOB_UPLOAD_INVALID",
        (Kind::TooLarge | Kind::HeaderTooLarge, _) => "SIZE_INVALID",
        (Kind::Invalid, _) => "NAME_INVALID",
        (Kind::Method | Kind::Unsupported, _) => "UNSUPPORTED",
        (Kind::TooMany, _) => "TOOMANYREQUESTS",
        (Kind::Busy | Kind::Timeout | Kind::Upstream, _) => "UNAVAILABLE",
        (Kind::Full | Kind::Internal | Kind::Damaged | Kind::Unreachable, _) => "UNKNOWN",
    }
}

/// Says a problem to a client of the registry API.
pub(crate) fn refuse(problem: &Problem, context: &RefusalContext<'_>) -> Reply {
    let detail = problem.shortage.as_deref().map(quota_detail);
    let body =
        json!({"errors": [{"code": code(problem), "message": problem.detail, "detail": detail}]});
    let status = problem.status();
    let mut reply = Reply::new(status)
        .with_body("application/json", body.to_string())
        .with(API_VERSION, HeaderValue::from_static("registry/2.0"));
    if problem.kind == Kind::Unauthenticated {
        reply = reply.with(WWW_AUTHENTICATE, challenge(context));
    }
    reply
}

/// What a program may want to know of a quota that something does not fit into.
fn quota_detail(shortage: &Shortage) -> Json {
    let unit = match shortage.unit {
        QuotaUnit::Bytes => "bytes",
        QuotaUnit::Versions => "versions",
    };
    json!({
        "quota": shortage.of,
        "unit": unit,
        "limit": shortage.limit,
        "used": shortage.used,
        "left": shortage.left(),
        "wanted": shortage.wanted,
    })
}

/// Where a token is to be had (distribution's token specification), and for what.
fn challenge(context: &RefusalContext<'_>) -> String {
    let base = &context.client.base;
    let service = base.split_once("://").map_or(&**base, |(_, host)| host);
    let mut text = format!("Bearer realm=\"{base}/v2/token\",service=\"{service}\"");
    let catalog = (context.path == CATALOG).then(|| "registry:catalog:*".to_owned());
    if let Some(scope) = catalog.or_else(|| scope(context)) {
        text.push_str(&format!(",scope=\"{scope}\""));
    }
    // Its credentials hold, but not for this.
    if context.identified {
        text.push_str(",error=\"insufficient_scope\"");
    }
    text
}

fn scope(context: &RefusalContext<'_>) -> Option<String> {
    let first = context.permissions.first()?;
    if first.protocol.0 != "oci" {
        return None;
    }
    let image = first.package.as_deref()?;
    let mut actions = vec!["pull"];
    for permission in context
        .permissions
        .iter()
        .filter(|permission| permission.package == first.package && permission.repo == first.repo)
    {
        match permission.verb {
            Verb::Write => actions.push("push"),
            Verb::Delete => actions.push("delete"),
            _ => {}
        }
    }
    Some(format!(
        "repository:{}/{image}:{}",
        first.repo,
        actions.join(",")
    ))
}
