//! What an upstream is asked for.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Whether an address says by its ending that the file there is packed with gzip itself.
pub(crate) fn is_packed(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    [".gz", ".tgz"].iter().any(|ending| path.ends_with(ending))
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    /// All of it.
    All,
    /// Its head.
    Head,
    /// Its head, if there is one: who is told nothing by that asks for all of it.
    ShortCut,
}

/// What is asked in a body.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) media_type: &'static str,
    pub(crate) body: &'a Bytes,
}

/// What is asked.
pub(crate) struct FetchRequest<'a> {
    /// Absolute, or relative to the upstream's address.
    pub(crate) url: &'a str,
    /// Media types; empty: any.
    pub(crate) accept: &'a str,
    /// The entity tag and the `Last-Modified` of what we have; either may be empty.
    pub(crate) have: Option<(&'a str, &'a str)>,
    /// Whether it may come compressed.
    pub(crate) compressed: bool,
    /// Whether a failure is tried again: not where something kept can be served instead.
    pub(crate) patient: bool,
    /// How much of the answer is wanted.
    pub(crate) want: Want,
    /// Whether it may well be nowhere: the first mirror that lacks it is believed.
    pub(crate) optional: bool,
    /// What is asked in the body: by POST, and without redirects.
    pub(crate) question: Option<Question<'a>>,
    /// More headers, which a protocol has of its own. Those that are sensitive are shown where `url`
    /// leads, and nowhere else that a redirect leads to.
    pub(crate) more: &'a [(HeaderName, HeaderValue)],
    /// The image that a token is asked for; empty where there is none.
    pub(crate) image: &'a str,
}

impl<'a> FetchRequest<'a> {
    /// All of what is at `url`, whatever it is, and patiently.
    pub(crate) const fn new(url: &'a str) -> Self {
        let (accept, compressed, patient, want) = ("*/*", false, true, Want::All);
        Self {
            url,
            accept,
            have: None,
            compressed,
            patient,
            want,
            optional: false,
            question: None,
            more: &[],
            image: "",
        }
    }

    /// A question is asked by POST, a head by HEAD, all else by GET.
    pub(super) const fn method(&self) -> Method {
        match self.question {
            Some(_) => Method::POST,
            None if matches!(self.want, Want::All) => Method::GET,
            None => Method::HEAD,
        }
    }

    /// Whether the answer may come compressed. What is packed by its name never does: an encoding
    /// that an upstream says it has is the file's own.
    pub(super) fn takes_gzip(&self) -> bool {
        self.compressed && !is_packed(self.url)
    }

    /// Its headers but for those that say who we are, and what is secret. What cannot stand in a header is left out.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        };
        let encoding = if self.takes_gzip() {
            "gzip"
        } else {
            "identity"
        };
        add(ACCEPT, self.accept);
        add(ACCEPT_ENCODING, encoding);
        if let Some((etag, modified)) = self.have {
            add(IF_NONE_MATCH, etag);
            if etag.is_empty() {
                add(IF_MODIFIED_SINCE, modified);
            }
        }
        let open = self.more.iter().filter(|(_, value)| !value.is_sensitive());
        headers.extend(open.cloned());
        headers
    }

    /// Those that are secret.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let secrets = self.more.iter().filter(|(_, value)| value.is_sensitive());
        secrets.cloned()
    }
}

#[cfg(test)]
mod tests;
