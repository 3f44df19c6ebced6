//! `larder upstream`.

use crate::arguments::repo_path;
use crate::client::Client;
use crate::context::Context;
use crate::escape::plain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::job::leave;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{List, UpstreamCheck, UpstreamCheckRequest, UpstreamState, UpstreamStatus};
use larder_model::RepoPath;
use serde_json::{Value, json};

/// What can be asked of upstreams.
#[derive(Subcommand, Debug)]
pub enum Upstream {
    /// List the upstreams of mirrors that you administer, and how they have answered lately.
    List,
    /// Ask upstreams now whether they are there and take the credentials. Fails if one does not.
    Check {
        /// The mirror, e.g. npm/upstream [default: all that you administer].
        #[arg(value_parser = repo_path)]
        repo: Option<RepoPath>,
        /// Have the server ask all upstreams as a job, and do not wait for it.
        #[arg(long, conflicts_with = "repo")]
        job: bool,
    },
}

const LIST: Table = Table::new(
    &[
        ("REPOSITORY", "repository"),
        ("UPSTREAM", "url"),
        ("STATE", "state"),
        ("FAILURES", "failures"),
        ("PAUSED UNTIL", "paused_until"),
        ("LAST ANSWER", "last_answer_at"),
        ("LAST ERROR", "last_error/reason"),
        ("ALSO PAUSED", "paused_origins"),
    ],
    &["repository"],
)
.with(&[("CERTIFICATE ENDS", "client_certificate_expires_at")]);
const CHECKED: Table = Table::new(
    &[
        ("REPOSITORY", "repository"),
        ("UPSTREAM", "url"),
        ("OK", "ok"),
        ("STATUS", "status"),
        ("MS", "took_ms"),
        ("TLS", "tls"),
        ("LOGGED IN", "authenticated"),
        ("CERTIFICATE ENDS", "client_certificate_expires_at"),
        ("PROBLEM", "problem"),
        ("ALSO PAUSED", "paused_origins"),
    ],
    &["repository"],
);

pub(crate) async fn upstream(command: Upstream, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Upstream::List => Ok(Outcome::list(client.all(&["upstreams"], &[]).await?, &LIST)),
        Upstream::Check { job: true, .. } => {
            let path = ["upstream-check", "runs"];
            let answer = client.post(&path, &[], &UpstreamCheckRequest {}).await?;
            leave(client, answer)
        }
        Upstream::Check {
            repo: Some(repo), ..
        } => {
            let check = check(client, &repo).await?;
            let offline = !check.1.ok && is_offline(client, &repo).await?;
            let outcome = told(&[check], Vec::new());
            Ok(if offline {
                outcome.ending(Exit::Offline)
            } else {
                outcome
            })
        }
        Upstream::Check { repo: None, .. } => {
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

/// Whether nothing may be asked of an upstream now.
async fn is_offline(client: &Client, repo: &RepoPath) -> Result<bool, Failure> {
    let all = client.all(&["upstreams"], &[]).await?;
    let all: List<UpstreamStatus> = client.read(&all, "a list of upstreams")?;
    let mut found = all.items.iter().filter(|one| one.repository == *repo);
    Ok(found.any(|one| matches!(one.state, UpstreamState::Offline)))
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

/// What came of the checks: a failure if all fail, and partly one if some do.
fn told(checks: &[Check], mut notes: Vec<String>) -> Outcome {
    let advice = |(_, check): &Check| {
        let advice = plain(check.advice.as_deref()?);
        Some(format!("{}: {advice}", check.repository))
    };
    notes.extend(checks.iter().filter_map(advice));
    let exit = |(_, check): &Check| if check.ok { Exit::Done } else { Exit::Failed };
    let exit = Exit::of_steps(checks.iter().map(exit));
    let answers: Vec<&Value> = checks.iter().map(|(answer, _)| answer).collect();
    let page = json!({"items": answers, "next": null});
    let outcome = Outcome::list(page, &CHECKED).ending(exit);
    notes.into_iter().fold(outcome, Outcome::noting)
}
