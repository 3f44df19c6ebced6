//! What an address says after its question mark: filters, and where a list goes on.

use axum::extract::{FromRequestParts, RawQuery};
use http::request::Parts;
use std::convert::Infallible;
use std::fmt::Display;
use url::form_urlencoded;

/// Rows of a page of a list.
pub(crate) const ROWS: usize = 50;

/// The parameters of an address.
#[derive(Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    fn of(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter without the spaces around it; empty: it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Self::of(&query.unwrap_or_default()))
    }
}

/// A parameter as it stands in the address; empty: it does not.
pub(crate) fn parameter(query: &str, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// An address with these parameters; those without a value are left out.
pub(crate) fn address(path: impl Display, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(given).finish();
    if query.is_empty() {
        path.to_string()
    } else {
        format!("{path}?{query}")
    }
}

/// A name as one segment of a path.
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let query = Query::of("a=%20x%20&b=&a=y");
        assert_eq!(
            (query.get("a"), query.get("b"), query.get("c")),
            ("x", "", "")
        );
        let path = address("/x", &[("a", "1 2"), ("b", ""), ("c", "&")]);
        assert_eq!(path, "/x?a=1+2&c=%26");
        assert_eq!(address("/x", &[("b", "")]), "/x");
        let query = "q=a+b%2Fc&after=";
        assert_eq!(parameter(query, "q"), "a b/c");
        assert_eq!(parameter(query, "after"), "");
        assert_eq!(parameter(query, "kind"), "");
        assert_eq!(segment("sha256:a b/?&+"), "sha256%3Aa%20b%2F%3F%26%2B");
        assert_eq!(segment("@a/b c"), "%40a%2Fb%20c");
    }
}
