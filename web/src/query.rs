//! Queries and forms, decoded once and strictly.

use larder_model::{Problem, percent};
use std::collections::BTreeMap;

/// Parameters of one query that are looked at.
const MAX: usize = 64;

/// The parameters of a query, each once.
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
            let value = percent::decode_form(value).ok_or_else(bad)?.into_owned();
            read.insert(key, value);
        }
        Ok(Self(read))
    }

    /// A parameter.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, key: &'static str) -> Result<&str, Problem> {
        self.get(key)
            .ok_or_else(|| Problem::invalid(key, format!("the query lacks `{key}`")))
    }

    /// A parameter that is `true` or `false`; without it, it is `false`.
    pub(crate) fn flag(&self, key: &'static str) -> Result<bool, Problem> {
        Ok(self.choice(key)?.unwrap_or_default())
    }

    /// A parameter that is `true` or `false`, or is not there.
    pub(crate) fn choice(&self, key: &'static str) -> Result<Option<bool>, Problem> {
        match self.get(key) {
            None => Ok(None),
            Some("false") => Ok(Some(false)),
            Some("true") => Ok(Some(true)),
            Some(_) => Err(Problem::invalid(key, format!("`{key}` is true or false"))),
        }
    }

    /// Refuses parameters that are none of `known`.
    pub(crate) fn require_known(&self, known: &[String]) -> Result<(), Problem> {
        match self.0.keys().find(|key| !known.contains(key)) {
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
mod tests;
