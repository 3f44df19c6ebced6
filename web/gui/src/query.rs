//! What the address of a page says after its path, and how such an address is made.

use url::form_urlencoded;

/// A parameter as it stands in the address; empty: it does not.
pub(crate) fn parameter(query: &str, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// A path with these parameters; those without a value are left out.
pub(crate) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(given).finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// A text as one segment of a path, or one value of a query.
pub(crate) fn segment(text: &str) -> String {
    // `+` is a space in a query alone.
    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    text.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_made() {
        let query = "q=a+b%2Fc&after=";
        assert_eq!(parameter(query, "q"), "a b/c");
        assert_eq!(parameter(query, "after"), "");
        assert_eq!(parameter(query, "kind"), "");
        assert_eq!(address("/x", &[("a", ""), ("b", "")]), "/x");
        assert_eq!(address("/x", &[("a", "1/2"), ("b", "")]), "/x?a=1%2F2");
        assert_eq!(segment("sha256:a b/?&+"), "sha256%3Aa%20b%2F%3F%26%2B");
    }
}
