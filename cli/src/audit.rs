//! `larder audit`.

use crate::arguments::moment;
use crate::client::Client;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use larder_api::{AuditReport, List};
use larder_model::{Outcome as Ended, Timestamp};
use serde_json::Value;
use std::io::{ErrorKind, Write};

/// What can be asked of the audit trail.
#[derive(Subcommand, Debug)]
pub enum Audit {
    /// List entries, the newest first.
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Write all entries to standard output, the newest first, a JSON object on each line.
    Export {
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Prove that no entry was changed, removed or put between others. Fails if one was.
    Verify,
}

/// Which entries of the audit trail.
#[derive(Args, Debug, Clone, Default)]
pub struct AuditFilter {
    /// Who, e.g. user:alice; with * at the end, all that begin so.
    #[arg(long, value_name = "ACTOR")]
    pub actor: Option<String>,
    /// What was done, e.g. grant.create or 'grant.*'.
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// To what, e.g. oci/team or 'oci/*'.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// How it ended.
    #[arg(long, value_parser = results())]
    pub result: Option<String>,
    /// Not before this time (2030-01-31, 2030-01-31T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
}

fn results() -> PossibleValuesParser {
    PossibleValuesParser::new(Ended::ALL.iter().map(|ended| ended.word()))
}

const LIST: Table = Table::new(
    &[
        ("AT", "at"),
        ("ACTOR", "actor"),
        ("ACTION", "action"),
        ("OBJECT", "object"),
        ("RESULT", "result"),
        ("COUNT", "count"),
        ("ADDRESS", "address"),
        ("DETAILS", "details"),
    ],
    &["id"],
);
const REPORT: Table = Table::new(
    &[
        ("In order", "ok"),
        ("Entries", "entries"),
        ("Head", "head"),
        ("Fault", "fault/detail"),
    ],
    &["head"],
);
/// Entries asked for in one call.
const PAGE: &str = "1000";

pub(crate) async fn audit(command: Audit, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Audit::List { filter, limit } => {
            let parameters = parameters(&filter);
            let mut query = pairs(&parameters);
            let limit = limit.to_string();
            query.push(("limit", &limit));
            let page = client.get(&["audit"], &query).await?;
            Ok(Outcome::list(page, &LIST))
        }
        Audit::Export { filter } => {
            let entries = export(client, &filter, &mut std::io::stdout()).await?;
            Ok(Outcome::done(format!("{entries} entries exported.")))
        }
        Audit::Verify => {
            let answer = client.get(&["audit", "verify"], &[]).await?;
            let report: AuditReport = client.read(&answer, "no report of the audit trail")?;
            let exit = if report.ok {
                Exit::Done
            } else {
                Exit::Integrity
            };
            Ok(Outcome::record(answer, &REPORT).ending(exit))
        }
    }
}

fn parameters(filter: &AuditFilter) -> Vec<(&'static str, String)> {
    let AuditFilter {
        actor,
        action,
        object,
        result,
        since,
        until,
    } = filter;
    let time = |time: &Option<Timestamp>| time.map(|time| time.to_string());
    let all = [
        ("actor", actor.clone()),
        ("action", action.clone()),
        ("object", object.clone()),
        ("result", result.clone()),
        ("since", time(since)),
        ("until", time(until)),
    ];
    let given = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    given.collect()
}

fn pairs<'a>(parameters: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// Writes all entries page by page, a JSON object on each line. How many there were.
pub(crate) async fn export(
    client: &Client,
    filter: &AuditFilter,
    out: &mut (dyn Write + Send),
) -> Result<u64, Failure> {
    let parameters = parameters(filter);
    let (mut after, mut entries) = (String::new(), 0);
    loop {
        let mut query = pairs(&parameters);
        query.push(("limit", PAGE));
        if !after.is_empty() {
            query.push(("after", &after));
        }
        let page = client.get(&["audit"], &query).await?;
        let page: List<Value> = client.read(&page, "a list without items")?;
        for entry in &page.items {
            entries += 1;
            match writeln!(out, "{entry}") {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(entries),
                written => written.map_err(|error| unwritten(&error))?,
            }
        }
        match page.next {
            Some(next) if next != after => after = next,
            _ => break,
        }
    }
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(entries)
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::Local(format!("standard output cannot be written: {error}"))
}
