//! `larder search`.

use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Args;

/// What is searched for.
#[derive(Args, Debug)]
pub struct Search {
    /// What a name, version, tag or digest begins with; further words narrow it.
    #[arg(required = true)]
    pub words: Vec<String>,
    /// Only in repositories of this protocol.
    #[arg(long, value_name = "NAME")]
    pub protocol: Option<String>,
    /// Only packages, versions, tags or files.
    #[arg(long, value_parser = ["package", "version", "tag", "file"])]
    pub kind: Option<String>,
    /// How many at most, up to 1000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

const LIST: Table = Table::new(
    &[
        ("KIND", "kind"),
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("VERSION", "version"),
        ("HOSTED", "hosted"),
        ("DIGEST", "digest"),
    ],
    &["repository", "package", "version"],
);

/// Shows the first of what is found.
pub(crate) async fn search(args: Search, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let (text, limit) = (args.words.join(" "), args.limit.to_string());
    let mut query = vec![("q", &*text), ("limit", &*limit)];
    query.extend(
        args.protocol
            .as_deref()
            .map(|protocol| ("protocol", protocol)),
    );
    query.extend(args.kind.as_deref().map(|kind| ("kind", kind)));
    let found = client.get(&["search"], &query).await?;
    let is_whole = found["next"].is_null();
    let outcome = Outcome::list(found, &LIST);
    Ok(if is_whole {
        outcome
    } else {
        outcome.noting(
            "there is more: give more of the name, --kind or --protocol, or a higher --limit",
        )
    })
}
