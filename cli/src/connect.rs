//! `larder connect`.

use crate::client::Client;
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::{Outcome, View};
use larder_api::{ConnectPart, List};
use larder_model::RepoPath;

pub(crate) async fn connect(
    name: &str,
    repo: &RepoPath,
    client: &Client,
) -> Result<Outcome, Failure> {
    let path = ["connect", name, repo.protocol.0, repo.name.as_str()];
    let answer = client.get(&path, &[]).await?;
    let list: List<ConnectPart> = client.read(&answer, "lines for a client")?;
    let parts: Vec<String> = list.items.iter().map(part).collect();
    Ok(Outcome {
        json: Some(answer),
        view: View::Text(parts.join("\n\n")),
        note: None,
        failed: false,
    })
}

/// The file in a comment, what to know in another, and then the lines as they are.
fn part(part: &ConnectPart) -> String {
    let file = part.file.as_deref();
    let place = file.map_or_else(|| "in a shell".to_owned(), plain);
    let note = part.note.as_deref();
    let note = note.map(|note| format!("# {}", plain(note)));
    let lines = part.lines.iter().map(|line| plain(line));
    std::iter::once(format!("# {place}"))
        .chain(note)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}
