//! `larder doctor`: whether the server is well, and whether this machine's clients go through it.

mod finding;

mod clients;
mod clock;
mod server;

use crate::client::Client;
use crate::context::Context;
use crate::doctor::finding::{Finding, State};
use crate::escape::plain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use std::time::Duration;

/// The longest that looking at this machine's package managers may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Check the server, its storage and upstreams, and this machine's clients.
#[derive(Args, Debug)]
pub struct Doctor {
    /// The clients to look at [default: those that are installed].
    #[arg(value_name = "CLIENT", value_parser = PossibleValuesParser::new(clients::NAMES))]
    clients: Vec<String>,
}

const FOUND: Table = Table::new(
    &[
        ("CHECK", "check"),
        ("STATE", "state"),
        ("FOUND", "detail"),
        ("MENDED BY", "fix"),
    ],
    &["check"],
);

/// All that was found; a failure if anything is not as it should be.
pub(crate) async fn doctor(args: Doctor, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let mut found = server::look(client, cx.env.clock.now()).await?;
    let discovered = larder_discover::discover_places(&cx.env.machine, LIMIT);
    let address = client.server().to_string();
    for (finding, repo) in clients::look(&cx.env.machine, &discovered, &address, &args.clients) {
        found.push(match repo {
            Some(repo) => with_repo(client, finding, &repo).await,
            None => finding,
        });
    }
    let problems = found
        .iter()
        .filter(|one| one.state == State::Problem)
        .count();
    let exit = if problems == 0 {
        Exit::Done
    } else {
        Exit::Failed
    };
    let sentence = match problems {
        0 => "all is well".to_owned(),
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    let page = json!({"items": found, "next": null});
    Ok(Outcome::list(page, &FOUND).ending(exit).noting(sentence))
}

/// A finding of a client, with what is to be said if the repository is not there for who asks.
async fn with_repo(client: &Client, finding: Finding, repo: &str) -> Finding {
    let (protocol, name) = repo.split_once('/').unwrap_or((repo, ""));
    match client.get(&["repositories", protocol, name], &[]).await {
        Err(Failure::Refused { status: 404, .. }) => without_repo(finding, repo),
        _ => finding,
    }
}

fn without_repo(finding: Finding, repo: &str) -> Finding {
    let Finding {
        check,
        state,
        detail,
        fix,
    } = finding;
    if state == State::Ok {
        let detail = format!("{detail}, which is not there, or you may not see it");
        return Finding::problem(check, plain(&detail), "larder repo list");
    }
    let fix = fix.unwrap_or_default();
    let fix = if repo == "oci/docker.io" {
        format!("larder repo create {repo} --upstream https://registry-1.docker.io && {fix}")
    } else {
        format!("{fix}  # instead of {repo}, one of larder repo list")
    };
    Finding::problem(check, detail, fix)
}

#[cfg(test)]
mod tests;
