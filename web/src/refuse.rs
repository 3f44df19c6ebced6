//! Problems as `application/problem+json` (RFC 9457), with a stable code.

use http::HeaderValue;
use http::header::{ALLOW, CACHE_CONTROL, WWW_AUTHENTICATE};
use larder_model::{Kind, Problem, Reply};
use serde::Serialize;
use std::borrow::Cow;

const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Basic realm="larder", charset="UTF-8""#);

#[derive(Serialize)]
struct Told<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

/// The code by which a program knows a problem. Part of the API: never changed.
fn code(problem: &Problem) -> Cow<'static, str> {
    let about = problem.about;
    let code = match (problem.kind, about) {
        // The gate says `name` of what someone may not read.
        (Kind::NotFound, "name") => "repository_not_found",
        (Kind::NotFound, about) => return format!("{about}_not_found").into(),
        (Kind::Invalid, about) => return format!("{about}_invalid").into(),
        (Kind::Denied, "current_password") => "current_password_wrong",
        (Kind::Denied, _) => "not_allowed",
        (Kind::Conflict, "last_superuser") => "last_superuser",
        (Kind::Conflict, _) => "conflict",
        (Kind::Unauthenticated, _) => "unauthenticated",
        (Kind::Method, _) => "method_not_allowed",
        (Kind::Precondition, _) => "precondition_failed",
        (Kind::TooLarge, _) => "too_large",
        (Kind::HeaderTooLarge, _) => "header_too_large",
        (Kind::Range, _) => "range_invalid",
        (Kind::DigestMismatch, _) => "digest_mismatch",
        (Kind::Policy, _) => "policy",
        (Kind::Unsupported, _) => "unsupported",
        (Kind::Upstream, _) => "upstream_failed",
        (Kind::Unreachable, _) => "upstream_unreachable",
        (Kind::Offline, _) => "offline",
        (Kind::TooMany, _) => "too_many_requests",
        (Kind::Busy, _) => "busy",
        (Kind::Full, _) => "storage_full",
        (Kind::Timeout, _) => "timeout",
        (Kind::Internal, _) => "internal",
    };
    code.into()
}

/// Says a problem to a client of the API.
pub(crate) fn refuse(problem: &Problem) -> Reply {
    let status = problem.status();
    let told = Told {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or_default(),
        status: status.as_u16(),
        detail: &problem.detail,
        code: &code(problem),
    };
    let body = serde_json::to_vec(&told).unwrap_or_default();
    let reply = Reply::new(status)
        .with_body("application/problem+json", body)
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match problem.kind {
        Kind::Unauthenticated => reply.with(WWW_AUTHENTICATE, CHALLENGE),
        Kind::Method => reply.with(ALLOW, problem.about),
        _ => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_as_promised() {
        let problems = [
            Problem::not_found("user", "no such user, or you may not see it"),
            Problem::not_found("name", "no such name here, or you may not see it"),
            Problem::invalid("expires_at", "`expires_at`: \"quoted\""),
            Problem::new(Kind::Denied, "access", "only a superuser may do this"),
            Problem::new(Kind::Denied, "current_password", "wrong"),
            Problem::new(
                Kind::Unauthenticated,
                "credentials",
                "wrong user name, password or token",
            ),
            Problem::new(Kind::Conflict, "user", "there is one"),
            Problem::new(Kind::Conflict, "last_superuser", "it is the last"),
            Problem::new(Kind::Method, "GET, HEAD", "this path takes GET, HEAD"),
            Problem::new(Kind::TooLarge, "body", "too large"),
            Problem::internal("secret internals"),
        ];
        let mut told = String::new();
        for problem in &problems {
            let reply = refuse(problem);
            told.push_str(std::str::from_utf8(&reply.body).expect("text"));
            for name in [ALLOW, WWW_AUTHENTICATE] {
                if let Some(value) = reply.headers.get(&name) {
                    told.extend([" ", name.as_str(), ": ", value.to_str().expect("text")]);
                }
            }
            told.push('\n');
        }
        assert_eq!(told, include_str!("../testdata/problems.txt"));
    }
}
