//! Paths and queries, decoded once.

use larder_model::{Problem, percent};
use std::collections::BTreeMap;

/// Parameters of one query that are looked at.
const MAX: usize = 64;

/// What cannot be read, or could be read as something else.
pub(crate) fn bad_path() -> Problem {
    Problem::invalid("path", "the path is not a valid spelling of any name")
}

/// Splits a raw path and decodes every segment once. A slash can be within the name of a package,
/// between two parts that are something; a control character is no spelling of anything.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, Problem> {
    path.split('/')
        .map(|segment| {
            let text = percent::decode(segment).ok_or_else(bad_path)?.into_owned();
            let strange = text.chars().any(|c| c == '\\' || c.is_control());
            let nothing =
                text.contains('/') && text.split('/').any(|part| matches!(part, "" | "." | ".."));
            if strange || nothing {
                Err(bad_path())
            } else {
                Ok(text)
            }
        })
        .collect()
}

/// The parameters of a query. What is taken is understood; what is left at the end is refused.
#[derive(Debug, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        let bad = || Problem::invalid("query", "the query is not properly encoded");
        let mut read = BTreeMap::new();
        for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = percent::decode_form(key).ok_or_else(bad)?.into_owned();
            if count == MAX || read.contains_key(&key) {
                return Err(Problem::invalid(
                    "query",
                    "a parameter of the query is given twice, or there are too many",
                ));
            }
            read.insert(
                key,
                percent::decode_form(value).ok_or_else(bad)?.into_owned(),
            );
        }
        Ok(Self(read))
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// Takes a parameter out that must be there.
    pub(crate) fn need(&mut self, key: &'static str) -> Result<String, Problem> {
        self.take(key)
            .ok_or_else(|| Problem::invalid(key, format!("the query lacks `{key}`")))
    }

    /// Takes a parameter that is `true` or `false`; without it, it is `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<bool, Problem> {
        match self.take(key).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::invalid(key, format!("`{key}` is true or false"))),
        }
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.into_keys().next() {
            Some(key) => Err(Problem::invalid(
                "query",
                format!(
                    "this call knows no parameter {:?}",
                    key.chars().take(64).collect::<String>()
                ),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(segments("a/b%40c").expect("path"), ["a", "b@c"]);
        assert_eq!(segments("%2565").expect("path"), ["%65"]);
        assert_eq!(segments("a//b/").expect("path"), ["a", "", "b", ""]);
        assert_eq!(segments("%40a%2Fb/c").expect("path"), ["@a/b", "c"]);
        for bad in [
            "%2Fb",
            "a%2F",
            "a%2F%2Fb",
            "a%2F..%2Fb",
            "a%5cb",
            "a%00",
            "a%0",
            "a%zz",
            "%ff",
            "a%0d%0a",
        ] {
            assert!(segments(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_understood_whole_or_not_at_all() {
        let mut query = Query::read("limit=5&after=oci%2Fa+b&").expect("query");
        assert_eq!(query.take("limit").as_deref(), Some("5"));
        assert_eq!(query.need("after").expect("after"), "oci/a b");
        assert_eq!(query.need("after").expect_err("gone").about, "after");
        assert!(query.finish().is_ok());
        let unknown = Query::read("owner=x")
            .expect("query")
            .finish()
            .expect_err("unknown");
        assert_eq!(unknown.detail, "this call knows no parameter \"owner\"");
        for bad in ["a=1&a=2", "%=1", "a=%ff"] {
            assert!(Query::read(bad).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..=MAX).map(|n| format!("k{n}=")).collect();
        assert!(Query::read(&many.join("&")).is_err());
    }
}
