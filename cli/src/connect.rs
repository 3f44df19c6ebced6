//! `larder connect`: the lines that make a client use a repository, printed, or put into the
//! client's own files and taken out again.

use crate::arguments::repo_path;
use crate::connect_undo::undo;
use crate::connect_write::Job;
use crate::context::Context;
use crate::escape::plain;
use crate::expiry::Expiry;
use crate::failure::Failure;
use crate::outcome::Outcome;
use clap::Args;
use larder_api::{ConnectPart, List};
use larder_model::RepoPath;
use std::path::PathBuf;

/// Show the exact configuration that makes a client use a repository, or write it.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Connect {
    /// cargo, npm, pnpm, yarn, bun, pip, uv, poetry, twine, go, dnf, docker, podman, containerd,
    /// skopeo, crane or buildkit.
    client: String,
    /// Protocol and name, e.g. npm/main.
    #[arg(value_parser = repo_path)]
    repo: RepoPath,
    /// Lines with a token, also where anyone may read without one: to publish, and to read what is
    /// not public.
    #[arg(long)]
    with_token: bool,
    /// Print only the lines of the file of that number, counted from 1, as they are to stand in it.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["write", "undo"])]
    file: Option<usize>,
    /// Put the lines into the client's own files. All else in them stays, and --undo takes them out
    /// again.
    #[arg(long)]
    write: bool,
    /// Take the lines out that --write put into the client's files, and give back what they took
    /// the place of.
    #[arg(long, conflicts_with_all = ["write", "with_token"])]
    undo: bool,
    /// With --write: read the token for the client from standard input, one line, instead of making
    /// one that may only read the repository. Only some clients need one in a file.
    #[arg(long, requires = "write")]
    client_token_stdin: bool,
    /// With --write: when the token ends that is made for the client, after a time (30d, 52w) or at
    /// a date (2030-01-31); one that stands there already is replaced [default: 365d, or with your
    /// login if that ends earlier].
    #[arg(
        long,
        value_name = "WHEN",
        requires = "write",
        conflicts_with = "client_token_stdin"
    )]
    expires: Option<Expiry>,
    /// With --write: the folder in which the machine's files begin, e.g. of an image that is built.
    #[arg(long, value_name = "DIR", requires = "write")]
    root: Option<PathBuf>,
}

pub(crate) async fn connect(args: Connect, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let (name, repo) = (&*args.client, &args.repo);
    let owner = format!("{name} {repo}");
    if args.undo {
        return undo(&owner, cx).await;
    }
    let client = &cx.client()?;
    let path = ["connect", name, repo.protocol.0, repo.name.as_str()];
    let query = [("with_token", "true")];
    let query = if args.with_token { &query[..] } else { &[] };
    let answer = client.get(&path, query).await?;
    let list: List<ConnectPart> = client.read(&answer, "lines for a client")?;
    if args.write {
        let job = Job {
            name,
            owner: &owner,
            repo,
            publishes: args.with_token || name == "twine",
            token_stdin: args.client_token_stdin,
            expires: args.expires,
            now: cx.env.clock.now(),
            root: args.root.as_deref(),
            machine: &cx.env.machine,
            config: &cx.env.config_dir,
        };
        return job.write(list.items, client).await;
    }
    if let Some(number) = args.file {
        return only(&list.items, number).map(|text| Outcome::text(Some(answer), text));
    }
    let parts: Vec<String> = list.items.iter().map(part).collect();
    Ok(Outcome::text(Some(answer), parts.join("\n\n")))
}

/// The lines of one file, and nothing else.
fn only(parts: &[ConnectPart], number: usize) -> Result<String, Failure> {
    let mut files = parts.iter().filter_map(|part| {
        let file = part.file.as_deref()?;
        Some((file, part))
    });
    let names: Vec<String> = files.clone().map(|(file, _)| plain(file)).collect();
    let found = number.checked_sub(1).and_then(|number| files.nth(number));
    let Some((_, part)) = found else {
        let there = match &*names {
            [] => "this client needs no file".to_owned(),
            names => format!("the files are, from 1: {}", names.join(", ")),
        };
        return Err(Failure::Usage(format!(
            "there is no file {number}; {there}"
        )));
    };
    let lines: Vec<String> = part.lines.iter().map(|line| plain(line)).collect();
    Ok(lines.join("\n"))
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
