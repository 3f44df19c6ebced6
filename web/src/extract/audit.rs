//! Which entries of the audit trail are asked for.

use super::head::KnownQuery;
use super::text_parameters::text_parameters;
use crate::problem::Refusal;
use crate::query::Query;
use axum::extract::FromRequestParts;
use http::request::Parts;
use larder_metadata::audit::AuditFilter;
use larder_model::{Outcome, Problem, Timestamp};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

/// The filter in the query.
pub(crate) struct AuditQuery(pub(crate) AuditFilter);

const PARAMETERS: [(&str, &str); 6] = [
    ("actor", "Who, as `user:alice` or `user:*`."),
    ("action", "What was done, as `grant.create` or `grant.*`."),
    ("object", "To what, as `oci/team` or `oci/*`."),
    ("result", "How it ended: `ok`, `refused` or `failed`."),
    ("since", "Not before this time."),
    ("until", "Before this time."),
];

impl IntoParams for AuditQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        text_parameters(&PARAMETERS)
    }
}

fn read(query: &Query) -> Result<AuditFilter, Problem> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    let result = query.get("result").map(str::parse::<Outcome>).transpose();
    Ok(AuditFilter {
        actor: text("actor"),
        action: text("action"),
        object: text("object"),
        result: result
            .map_err(|_| Problem::invalid("result", "`result` is ok, refused or failed"))?,
        since: time(query, "since")?,
        until: time(query, "until")?,
    })
}

pub(super) fn time(query: &Query, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let wrong = |_| {
        let detail = format!("`{name}` is a time as 2030-01-31T12:00:00Z");
        Problem::invalid(name, detail)
    };
    query.get(name).map(str::parse).transpose().map_err(wrong)
}

impl<S: Sync> FromRequestParts<S> for AuditQuery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?;
        Ok(Self(read(&query.0)?))
    }
}
