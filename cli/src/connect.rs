//! `larder connect`.

use crate::arguments::repo_path;
use crate::context::Context;
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::Outcome;
use clap::Args;
use larder_api::{ConnectPart, List};
use larder_model::RepoPath;

/// Show the exact configuration that makes a client use a repository.
#[derive(Args, Debug)]
pub struct Connect {
    /// cargo, npm, pnpm, yarn, bun, pip, uv, poetry, twine, dnf, docker, podman, containerd or
    /// buildkit.
    client: String,
    /// Protocol and name, e.g. npm/main.
    #[arg(value_parser = repo_path)]
    repo: RepoPath,
}

pub(crate) async fn connect(args: Connect, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let (name, repo) = (&*args.client, &args.repo);
    let client = &cx.client()?;
    let path = ["connect", name, repo.protocol.0, repo.name.as_str()];
    let answer = client.get(&path, &[]).await?;
    let list: List<ConnectPart> = client.read(&answer, "lines for a client")?;
    let parts: Vec<String> = list.items.iter().map(part).collect();
    Ok(Outcome::text(Some(answer), parts.join("\n\n")))
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
