//! `larder connect`.

use crate::client::Client;
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::{Outcome, View};
use crate::repo::RepoPath;
use serde_json::Value;

pub(crate) async fn connect(
    name: &str,
    repo: &RepoPath,
    client: &Client,
) -> Result<Outcome, Failure> {
    let [protocol, repo] = repo.segments();
    let told = client.get(&["connect", name, protocol, repo], &[]).await?;
    let parts: Vec<String> = told["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(part)
        .collect();
    Ok(Outcome {
        json: Some(told),
        view: View::Text(parts.join("\n\n")),
        note: None,
        failed: false,
    })
}

/// The file in a comment, what to know in another, and then the lines as they are.
fn part(part: &Value) -> String {
    let place = part["file"]
        .as_str()
        .map_or_else(|| "in a shell".to_owned(), plain);
    let note = part["note"]
        .as_str()
        .map(|note| format!("# {}", plain(note)));
    let lines = part["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(plain);
    std::iter::once(format!("# {place}"))
        .chain(note)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}
