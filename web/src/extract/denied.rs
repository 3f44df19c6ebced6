//! Which refused requests are asked for.

use super::audit::time;
use super::head::KnownQuery;
use super::path::PathParams;
use super::text_parameters::text_parameters;
use crate::problem::Refusal;
use crate::query::Query;
use axum::extract::FromRequestParts;
use http::request::Parts;
use larder_metadata::denied::DeniedFilter;
use larder_model::{Problem, RuleKind};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

/// How the document tells of a refusal in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct RefusalParams {
    /// Its id, which the client was told.
    #[param(pattern = "^[0-9a-f]{32}$")]
    id: String,
}

/// The filter in the query, and whether those of one package and rule are one.
pub(crate) struct DeniedQuery {
    pub(crate) filter: DeniedFilter,
    pub(crate) grouped: bool,
}

/// The id of a refusal, whatever it is.
pub(crate) struct DeniedId(pub(crate) Box<str>);

const PARAMETERS: [(&str, &str); 4] = [
    ("repository", "Those of this repository, as `npm/upstream`."),
    (
        "rule",
        "Those that this kind of rule refused: `block`, `quota`, `immutable` or `right`.",
    ),
    ("since", "Not before this time."),
    (
        "grouped",
        "`true`, the default: one item for each package and kind of rule; or `false`.",
    ),
];

impl IntoParams for DeniedQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        text_parameters(&PARAMETERS)
    }
}

fn read(query: &Query) -> Result<DeniedQuery, Problem> {
    let rule = query.get("rule").map(str::parse::<RuleKind>).transpose();
    let wrong = |_| Problem::invalid("rule", "`rule` is block, quota, immutable or right");
    Ok(DeniedQuery {
        filter: DeniedFilter {
            repository: query.get("repository").map(str::to_owned),
            rule: rule.map_err(wrong)?,
            since: time(query, "since")?,
        },
        grouped: query.choice("grouped")?.unwrap_or(true),
    })
}

impl<S: Sync> FromRequestParts<S> for DeniedQuery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = KnownQuery::from_request_parts(parts, state).await?;
        Ok(read(&query.0)?)
    }
}

impl<S: Sync> FromRequestParts<S> for DeniedId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(PathParams::of(parts).await?.get("id").into()))
    }
}
