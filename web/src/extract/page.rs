//! Pages of lists: `?limit=&after=`.

use super::head::KnownQuery;
use crate::problem::Refusal;
use crate::query::Query;
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use http::request::Parts;
use larder_model::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::IntoParams;

/// Items in one answer if nothing else is asked for, and at most.
const DEFAULT: usize = 100;
const MAX: usize = 1000;

/// The part of a list that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    pub(crate) limit: usize,
    /// The `next` of the page before; without it, the first page.
    #[param(required = false)]
    pub(crate) after: String,
}

impl Page {
    fn read(query: &Query) -> Result<Self, Problem> {
        let bad = || Problem::invalid("limit", format!("limit is a whole number from 1 to {MAX}"));
        let limit = match query.get("limit") {
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX).contains(limit))
                .ok_or_else(bad)?,
            None => DEFAULT,
        };
        Ok(Self {
            limit,
            after: query.get("after").unwrap_or_default().to_owned(),
        })
    }

    /// `after` where it is made by [`next_of`]; `None` for the start.
    pub(crate) fn after_key<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        if self.after.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.after).ok();
        let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let bad = || Problem::invalid("after", "after is the `next` of the page before");
        key.map(Some).ok_or_else(bad)
    }

    /// `after` where the key is an id; 0 for the start.
    pub(crate) fn after_id(&self) -> Result<i64, Problem> {
        if self.after.is_empty() {
            return Ok(0);
        }
        self.after
            .parse()
            .map_err(|_| Problem::invalid("after", "after is the `next` of the page before"))
    }
}

/// Where a list of several keys goes on, as a `next`. Read by [`Page::after_key`].
pub(crate) fn next_of(key: &Value) -> String {
    URL_SAFE_NO_PAD.encode(key.to_string())
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?;
        Ok(Self::read(&query.0)?)
    }
}

#[cfg(test)]
mod tests;
