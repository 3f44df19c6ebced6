//! `larder audit`.

use crate::client::Client;
use crate::command::{Audit, AuditFilter};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use larder_api::{AuditReport, List};
use serde_json::Value;
use std::io::{ErrorKind, Write};

const LIST: &[Column] = &[
    ("AT", "at"),
    ("ACTOR", "actor"),
    ("ACTION", "action"),
    ("OBJECT", "object"),
    ("RESULT", "result"),
    ("COUNT", "count"),
    ("ADDRESS", "address"),
    ("DETAILS", "details"),
];
const REPORT: &[Column] = &[
    ("In order", "ok"),
    ("Entries", "entries"),
    ("Head", "head"),
    ("Fault", "fault/detail"),
];
/// Entries asked for in one call.
const PAGE: &str = "1000";

pub(crate) async fn audit(command: Audit, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Audit::List { filter, limit } => {
            let parameters = parameters(&filter);
            let mut query = pairs(&parameters);
            let limit = limit.to_string();
            query.push(("limit", &limit));
            let page = client.get(&["audit"], &query).await?;
            Ok(Outcome::list(page, LIST))
        }
        Audit::Export { filter } => {
            let entries = export(client, &filter, &mut std::io::stdout()).await?;
            Ok(Outcome::shown().noting(format!("{entries} entries exported")))
        }
        Audit::Verify => {
            let answer = client.get(&["audit", "verify"], &[]).await?;
            let report: AuditReport = client.read(&answer, "no report of the audit trail")?;
            Ok(Outcome::record(answer, REPORT).failing(!report.ok))
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
    let time = |time: &Option<larder_model::Timestamp>| time.map(|time| time.to_string());
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
