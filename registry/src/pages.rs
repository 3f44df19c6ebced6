//! Pages of lists, and the `Link` to the next (RFC 8288).

use larder_model::Reply;

/// Adds the link to the page after `last`.
pub(crate) fn with_next(reply: Reply, path: &str, query: &[(&str, &str)]) -> Reply {
    let query: Vec<String> = query
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value)))
        .collect();
    reply.with(
        http::header::LINK,
        format!("<{path}?{}>; rel=\"next\"", query.join("&")),
    )
}

/// Percent-encodes all but unreserved characters and the colon of digests.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
