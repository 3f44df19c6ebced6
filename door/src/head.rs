//! Heads of requests that two programs could read differently: they are refused before anything of
//! them is believed (RFC 9112 3.2, RFC 9110 7.2).

use http::header::{AUTHORIZATION, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Version};
use larder_model::Problem;

/// An extension of a request whose target had a fragment, which parsers leave out.
#[derive(Clone, Copy, Debug)]
pub struct TargetWithFragment;

/// Fails if a head says who is meant, or who asks, more than once or not at all.
pub(crate) fn require_plain(request: &Parts) -> Result<(), Problem> {
    let count = |name: HeaderName| count(&request.headers, &name);
    let wrong = |about, detail| Err(Problem::invalid(about, detail));
    if request.extensions.get::<TargetWithFragment>().is_some() {
        return wrong("target", "the target of the request has a fragment (`#`)");
    }
    if count(AUTHORIZATION) > 1 {
        return wrong(
            "credentials",
            "the request has more than one `Authorization`: it is not clear who asks",
        );
    }
    match count(HOST) {
        0 if request.version == Version::HTTP_11 => {
            wrong("host", "the request lacks the header `Host`")
        }
        0 | 1 => Ok(()),
        _ => wrong("host", "the request has more than one `Host`"),
    }
}

fn count(headers: &HeaderMap, name: &HeaderName) -> usize {
    headers.get_all(name).iter().count()
}

#[cfg(test)]
mod tests;
