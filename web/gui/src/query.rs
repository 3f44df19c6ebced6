//! What an address says after its question mark: filters, and where a list goes on.

use axum::extract::{FromRequestParts, RawQuery};
use http::request::Parts;
use std::convert::Infallible;
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

    /// All values of a parameter that can be there several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).collect()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Self::of(&query.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let query = Query::of("a=%20x%20&b=&a=y");
        assert_eq!(
            (query.get("a"), query.get("b"), query.get("c")),
            ("x", "", "")
        );
        let query = Query::of("q=+a+b%26c+&v=1&v=2");
        assert_eq!((query.get("q"), query.get("x")), ("a b&c", ""));
        assert_eq!(query.all("v"), ["1", "2"]);
        let query = Query::of("q=a+b%2Fc&after=");
        assert_eq!((query.get("q"), query.get("after")), ("a b/c", ""));
    }
}
