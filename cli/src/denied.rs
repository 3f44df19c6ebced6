//! `larder denied`, `larder why`.

use crate::arguments::moment;
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Args;
use clap::builder::PossibleValuesParser;
use larder_model::{RuleKind, Timestamp};

/// Which refused requests.
#[derive(Args, Debug)]
pub struct Denied {
    /// Those in this repository, e.g. npm/upstream.
    #[arg(long, value_name = "REPOSITORY")]
    pub repository: Option<String>,
    /// Those that this kind of rule refused.
    #[arg(long, value_parser = rules())]
    pub rule: Option<String>,
    /// Not before this time (2030-01-31, 2030-01-31T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Those of a minute each on a line of its own, not those of a package on one.
    #[arg(long)]
    pub each: bool,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 100,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

fn rules() -> PossibleValuesParser {
    PossibleValuesParser::new(RuleKind::ALL.iter().map(|rule| rule.word()))
}

const LIST: Table = Table::new(
    &[
        ("LAST", "last_at"),
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("RULE", "rule"),
        ("COUNT", "count"),
        ("ACTORS", "actors"),
        ("ID", "id"),
    ],
    &["id"],
);
const SHOW: Table = Table::new(
    &[
        ("Refused", "detail"),
        ("Rule", "rule"),
        ("Repository", "repository"),
        ("Package", "package"),
        ("Version", "version"),
        ("Verb", "verb"),
        ("Actor", "actor"),
        ("Address", "address"),
        ("Status", "status"),
        ("First", "at"),
        ("Last", "last_at"),
        ("Count", "count"),
    ],
    &["id"],
);

/// Lists refused requests, the newest first.
pub(crate) async fn denied(asked: Denied, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let since = asked.since.map(|since| since.to_string());
    let limit = asked.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    let given = [
        ("repository", asked.repository.as_deref()),
        ("rule", asked.rule.as_deref()),
        ("since", since.as_deref()),
        ("grouped", asked.each.then_some("false")),
    ];
    query.extend(given.into_iter().filter_map(|(name, it)| Some((name, it?))));
    let page = cx.client()?.get(&["denied"], &query).await?;
    Ok(Outcome::list(page, &LIST))
}

/// Shows one by its id, or by the address that a client was told.
pub(crate) async fn why(id: &str, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let id = id.trim_end_matches('/');
    let id = id.rsplit_once("/why/").map_or(id, |(_, id)| id);
    let answer = cx.client()?.get(&["why", id], &[]).await?;
    Ok(Outcome::record(answer, &SHOW))
}
