//! Addresses of pages, and of what the API answers: how names stand in them, and what a query says.

use std::fmt::Write as _;
use url::form_urlencoded;

/// Rows of a page.
pub(crate) const ROWS: usize = 50;

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

/// A path with a query. Parameters without a value are left out.
pub(crate) fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{query}")
}

/// What the query of a page's address says.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads it.
    pub(crate) fn of(query: Option<String>) -> Self {
        let query = query.unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter without the spaces around it; empty: it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// All values of a parameter that can be there several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_paths() {
        assert_eq!(segment("@acme/app ü"), "%40acme%2Fapp%20%C3%BC");
        assert_eq!(segments("@acme/app?#%"), "@acme/app%3F%23%25");
        assert_eq!(segments("1.0+git~1"), "1.0+git~1");
    }

    #[test]
    fn queries_are_written_and_read() {
        let path = with_query("/search", &[("q", "a b&c"), ("kind", "")]);
        assert_eq!(path, "/search?q=a+b%26c");
        assert_eq!(with_query("/search", &[("q", "")]), "/search");
        let query = Query::of(Some("q=+a+b%26c+&v=1&v=2".to_owned()));
        assert_eq!((query.get("q"), query.get("x")), ("a b&c", ""));
        assert_eq!(query.all("v"), ["1", "2"]);
    }
}
