//! Addresses of pages, and of what the API answers: how names stand in them.

use std::fmt::{Display, Write as _};
use url::form_urlencoded;

/// A name as one segment of a path: what could be read in two ways is encoded.
pub(crate) fn segment(name: &str) -> String {
    encoded(name, "-._~")
}

/// A name with slashes as several segments, as people read it.
pub(crate) fn segments(name: &str) -> String {
    encoded(name, "-._~/@:+")
}

fn encoded(name: &str, plain: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // a String takes everything
        }
    }
    out
}

/// An address with these parameters; those without a value are left out.
pub(crate) fn address(path: impl Display, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() {
        return path.to_string();
    }
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_paths() {
        assert_eq!(segment("@acme/app ü"), "%40acme%2Fapp%20%C3%BC");
        assert_eq!(segments("@acme/app?#%"), "@acme/app%3F%23%25");
        assert_eq!(segment("sha256:a b/?&+"), "sha256%3Aa%20b%2F%3F%26%2B");
        assert_eq!(segment("@a/b c"), "%40a%2Fb%20c");
        assert_eq!(segments("1.0+git~1"), "1.0+git~1");
    }

    #[test]
    fn queries_are_written() {
        let path = address("/search", &[("q", "a b&c"), ("kind", "")]);
        assert_eq!(path, "/search?q=a+b%26c");
        assert_eq!(address("/search", &[("q", "")]), "/search");
        let path = address("/x", &[("a", "1 2"), ("b", ""), ("c", "&")]);
        assert_eq!(path, "/x?a=1+2&c=%26");
        assert_eq!(address("/x", &[("a", "1/2"), ("b", "")]), "/x?a=1%2F2");
    }
}
