//! Small things that several protocols write and read.

use http::header::WWW_AUTHENTICATE;
pub(crate) use larder_model::html::escape as html;
use larder_model::{Kind, Problem, Reply, percent};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";
/// The media type of what is for people.
pub(crate) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
/// What is encoded in a segment of a path: all but what RFC 3986 (3.3) allows there.
pub(crate) const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');
/// What is encoded in a value of a query, where three of these have a meaning.
const QUERY_VALUE: &AsciiSet = &SEGMENT.add(b'&').add(b'+').add(b'=');

/// A text in which the bytes of a set are encoded.
pub(crate) fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// One segment of a path, encoded for a request.
pub(crate) fn segment(text: &str) -> String {
    encoded(text, SEGMENT)
}

/// A value of a query, encoded for a request.
pub(crate) fn query_encoded(text: &str) -> String {
    encoded(text, QUERY_VALUE)
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
pub(crate) fn bad_document(what: &'static str) -> Problem {
    Problem::new(
        Kind::Upstream,
        "upstream",
        format!("what the upstream sent is not {what}"),
    )
}

/// A problem in plain text, for clients that show no more than the status. Who they are they say by
/// Basic.
pub(crate) fn plain_problem(problem: &Problem) -> Reply {
    let body = format!("{}\n", problem.detail);
    let reply = Reply::new(problem.status()).with_body(PLAIN_TEXT, body);
    if problem.kind == Kind::Unauthenticated {
        return reply.with(WWW_AUTHENTICATE, "Basic realm=\"larder\"");
    }
    reply
}
