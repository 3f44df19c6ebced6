//! URLs, media types and problems that several protocols share.

use http::header::WWW_AUTHENTICATE;
pub(crate) use larder_model::html::escape as html;
use larder_model::{Kind, Problem, Reply, percent};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";
/// The media type of plain text.
pub(crate) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
/// The bytes that are encoded in a segment of a path: all but those that RFC 3986 (3.3) allows.
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
/// The bytes that are encoded in a value of a query, where `&`, `+` and `=` have a meaning.
const QUERY_VALUE: &AsciiSet = &SEGMENT.add(b'&').add(b'+').add(b'=');

/// Encodes the bytes of a set.
pub(crate) fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// Encodes a segment of a path.
pub(crate) fn segment(text: &str) -> String {
    encoded(text, SEGMENT)
}

/// Encodes a value of a query.
pub(crate) fn query_encoded(text: &str) -> String {
    encoded(text, QUERY_VALUE)
}

/// Encodes the segments of a path, but not the slashes between them.
pub(crate) fn path(text: &str) -> String {
    text.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// An encoded path as a relative URL. A colon in the first segment is encoded, because the text before
/// it would be a scheme.
pub(crate) fn below(path: String) -> String {
    match path.split_once('/') {
        None => path.replace(':', "%3A"),
        Some((first, rest)) if first.contains(':') => {
            format!("{}/{rest}", first.replace(':', "%3A"))
        }
        Some(_) => path,
    }
}

/// A document without the byte order mark that some programs put first; clients pass over it.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The first value of a key of a query, decoded.
pub(crate) fn query_value(query: &str, key: &str) -> Option<String> {
    let (_, value) = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)?;
    percent::decode_form(value).map(Cow::into_owned)
}

/// The first value of a key of a query that is a media type. Some clients write its plus sign as it is:
/// no media type has a space.
pub(crate) fn media_type_value(query: &str, key: &str) -> Option<String> {
    query_value(query, key).map(|value| value.replace(' ', "+"))
}

/// The problem of an upstream that sent something else than `what`.
pub(crate) fn bad_document(what: &'static str) -> Problem {
    Problem::new(
        Kind::Upstream,
        "upstream",
        format!("the upstream did not send {what}"),
    )
}

/// An error response in plain text, for clients that print only the status. They authenticate with
/// Basic.
pub(crate) fn plain_problem(problem: &Problem) -> Reply {
    let body = format!("{}\n", problem.detail);
    let reply = Reply::new(problem.status()).with_body(PLAIN_TEXT, body);
    if problem.kind == Kind::Unauthenticated {
        return reply.with(WWW_AUTHENTICATE, "Basic realm=\"larder\"");
    }
    reply
}
