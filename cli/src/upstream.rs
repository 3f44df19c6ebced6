//! `larder upstream`.

use crate::client::Client;
use crate::command::Upstream;
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use larder_api::{List, UpstreamCheck, UpstreamCheckRequest, UpstreamState, UpstreamStatus};
use larder_model::RepoPath;
use serde_json::{Value, json};

const LIST: &[Column] = &[
    ("REPOSITORY", "repository"),
    ("UPSTREAM", "url"),
    ("STATE", "state"),
    ("FAILURES", "failures"),
    ("PAUSED UNTIL", "paused_until"),
    ("LAST ERROR", "last_error/reason"),
    ("ALSO PAUSED", "paused_origins"),
];
const CHECKED: &[Column] = &[
    ("REPOSITORY", "repository"),
    ("UPSTREAM", "url"),
    ("OK", "ok"),
    ("STATUS", "status"),
    ("MS", "took_ms"),
    ("TLS", "tls"),
    ("LOGGED IN", "authenticated"),
    ("PROBLEM", "problem"),
    ("ALSO PAUSED", "paused_origins"),
];

pub(crate) async fn upstream(command: Upstream, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Upstream::List => Ok(Outcome::list(client.all(&["upstreams"], &[]).await?, LIST)),
        Upstream::Check { repo: Some(repo) } => {
            Ok(told(&[check(client, &repo).await?], Vec::new()))
        }
        Upstream::Check { repo: None } => {
            let (mut checked, mut notes) = (Vec::new(), Vec::new());
            let all = client.all(&["upstreams"], &[]).await?;
            let all: List<UpstreamStatus> = client.read(&all, "a list of upstreams")?;
            for upstream in all.items {
                if upstream.state == UpstreamState::Offline {
                    let name = upstream.repository;
                    notes.push(format!("{name} is offline and was not asked"));
                } else {
                    checked.push(check(client, &upstream.repository).await?);
                }
            }
            Ok(told(&checked, notes))
        }
    }
}

/// What came of a check: as it was answered, and as it is understood.
type Check = (Value, UpstreamCheck);

async fn check(client: &Client, repo: &RepoPath) -> Result<Check, Failure> {
    let (protocol, name) = (repo.protocol.0, repo.name.as_str());
    let path = ["repositories", protocol, name, "upstream", "check"];
    let answer = client.post(&path, &[], &UpstreamCheckRequest {}).await?;
    let check = client.read(&answer, "the check of an upstream")?;
    Ok((answer, check))
}

/// What came of the checks; it is a failure if one fails.
fn told(checks: &[Check], mut notes: Vec<String>) -> Outcome {
    let failed = checks.iter().any(|(_, check)| !check.ok);
    let advice = |(_, check): &Check| {
        let advice = plain(check.advice.as_deref()?);
        Some(format!("{}: {advice}", check.repository))
    };
    notes.extend(checks.iter().filter_map(advice));
    let answers: Vec<&Value> = checks.iter().map(|(answer, _)| answer).collect();
    let outcome = Outcome::list(json!({"items": answers, "next": null}), CHECKED).failing(failed);
    if notes.is_empty() {
        outcome
    } else {
        outcome.noting(notes.join("\nlarder: "))
    }
}
