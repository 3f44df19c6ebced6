//! Small things that several protocols write and read.

use http::header::WWW_AUTHENTICATE;
pub(crate) use larder_model::html::escape as html;
use larder_model::{Kind, Problem, Reply, percent};
use std::borrow::Cow;

/// One segment of a path, encoded for a request.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Several segments with slashes between them.
pub(crate) fn path(text: &str) -> String {
    text.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The value of a key of a query, decoded; the first one counts.
pub(crate) fn query_value(query: &str, key: &str) -> Option<String> {
    let (_, value) = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)?;
    percent::decode_form(value).map(Cow::into_owned)
}

/// What upstream sent is not what it should be.
pub(crate) fn not_that(what: &'static str) -> Problem {
    Problem::new(
        Kind::Upstream,
        "upstream",
        format!("what the upstream sent is not {what}"),
    )
}

/// A problem in plain text, for clients that show no more than the status. Who they are they say by
/// Basic.
pub(crate) fn refuse(problem: &Problem) -> Reply {
    let body = format!("{}\n", problem.detail);
    let reply = Reply::new(problem.status()).with_body("text/plain; charset=utf-8", body);
    if problem.kind == Kind::Unauthenticated {
        return reply.with(WWW_AUTHENTICATE, "Basic realm=\"larder\"");
    }
    reply
}
