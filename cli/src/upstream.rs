//! `larder upstream`.

use crate::client::Client;
use crate::command::Upstream;
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::repo::RepoPath;
use crate::table::Column;
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
            for upstream in all["items"].as_array().into_iter().flatten() {
                let name = upstream["repository"].as_str().unwrap_or_default();
                if upstream["state"] == "offline" {
                    notes.push(format!("{} is offline and was not asked", plain(name)));
                } else if let Ok(repo) = name.parse() {
                    checked.push(check(client, &repo).await?);
                }
            }
            Ok(told(&checked, notes))
        }
    }
}

async fn check(client: &Client, repo: &RepoPath) -> Result<Value, Failure> {
    let [protocol, name] = repo.segments();
    client
        .post(
            &["repositories", protocol, name, "upstream", "check"],
            &[],
            &json!({}),
        )
        .await
}

/// What came of the checks; it is a failure if one fails.
fn told(checked: &[Value], mut notes: Vec<String>) -> Outcome {
    let failed = checked.iter().any(|one| one["ok"] != true);
    let text = |one: &Value, field: &str| one[field].as_str().map(plain);
    let advice = |one: &Value| {
        Some(format!(
            "{}: {}",
            text(one, "repository")?,
            text(one, "advice")?
        ))
    };
    notes.extend(checked.iter().filter_map(advice));
    let outcome = Outcome::list(json!({"items": checked, "next": null}), CHECKED).failing(failed);
    if notes.is_empty() {
        outcome
    } else {
        outcome.noting(notes.join("\nlarder: "))
    }
}
