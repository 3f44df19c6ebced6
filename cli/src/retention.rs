//! `larder retention`.

use crate::arguments::repo_path;
use crate::client::Client;
use crate::context::Context;
use crate::failure::Failure;
use crate::job::JOB;
use crate::outcome::Outcome;
use crate::table::Table;
use crate::terminal;
use clap::Subcommand;
use larder_api::{Job, NewRetentionRun, RetentionPreview};
use larder_model::RepoPath;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What can be done about what repositories let go by rules.
#[derive(Subcommand, Debug)]
pub enum Retention {
    /// Show what a repository lets go by rules.
    Show {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
    },
    /// Say what a repository lets go by rules: the whole policy, as JSON.
    Set {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The policy (- reads standard input).
        #[arg(value_name = "FILE", required_unless_present = "none")]
        file: Option<PathBuf>,
        /// Take the policy away: nothing goes.
        #[arg(long, conflicts_with = "file")]
        none: bool,
    },
    /// Tell what would go now, and why.
    Preview {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// By this policy (- reads standard input), not by the one that is set.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Delete what would go now, or what a preview told; it can be restored from the trash, or comes
    /// again to a mirror.
    Run {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The preview's id; without it a new one is made, by the policy that is set.
        #[arg(long, value_name = "ID")]
        preview: Option<String>,
    },
}

const POLICY: Table = Table::new(
    &[
        ("Enabled", "enabled"),
        ("Rules", "rules"),
        ("Protect", "protect"),
        ("Untagged after", "untagged_after"),
        ("Unused after", "unused_after"),
        ("Max bytes", "max_bytes"),
        ("Trash", "trash"),
    ],
    &["enabled"],
);
const ITEMS: Table = Table::new(
    &[
        ("ACTION", "action"),
        ("PACKAGE", "package"),
        ("VERSION", "version"),
        ("BYTES", "bytes"),
        ("REASON", "reason"),
    ],
    &["package", "version"],
)
.with(&[("DIGEST", "digest"), ("RULE", "rule")]);

/// The address of something of a repository.
fn call<'a>(repo: &'a RepoPath, rest: &[&'a str]) -> Vec<&'a str> {
    let own = ["repositories", repo.protocol.0, repo.name.as_str()];
    [&own[..], rest].concat()
}

/// A policy as it stands in a file: the server judges it.
fn policy(file: &Path) -> Result<Value, Failure> {
    let text = terminal::file(file)?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::Usage(format!("{} holds no JSON: {error}", file.display())))
}

async fn preview(
    client: &Client,
    repo: &RepoPath,
    file: Option<&Path>,
) -> Result<(Value, RetentionPreview), Failure> {
    let body = file.map(policy).transpose()?.unwrap_or_else(|| json!({}));
    let path = call(repo, &["retention", "preview"]);
    let answer = client.post(&path, &[], &body).await?;
    let preview = client.read(&answer, "a preview")?;
    Ok((answer, preview))
}

pub(crate) async fn retention(command: Retention, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Retention::Show { repo } => {
            let policy = client.get(&call(&repo, &["retention"]), &[]).await?;
            Ok(Outcome::record(policy, &POLICY))
        }
        Retention::Set {
            repo, none: true, ..
        } => {
            client.delete(&call(&repo, &["retention"])).await?;
            Ok(Outcome::done(format!("{repo} lets nothing go by rules.")))
        }
        Retention::Set { repo, file, .. } => {
            let file = file.unwrap_or_else(|| PathBuf::from("-"));
            let path = call(&repo, &["retention"]);
            let set = client.put_with(&path, &policy(&file)?).await?;
            Ok(Outcome::record(set, &POLICY))
        }
        Retention::Preview { repo, file } => {
            let (answer, preview) = preview(client, &repo, file.as_deref()).await?;
            let told = format!(
                "{} would go and {} stay, {} bytes in all: larder retention run {repo} --preview {} \
                 deletes them, within a day.",
                preview.delete, preview.keep, preview.bytes, preview.id
            );
            let outcome = Outcome::list(answer, &ITEMS).noting(told);
            Ok(if preview.more {
                outcome.noting("There are more than are shown; those that would go come first.")
            } else {
                outcome
            })
        }
        Retention::Run { repo, preview: id } => run(client, &repo, id, cx).await,
    }
}

async fn run(
    client: &Client,
    repo: &RepoPath,
    id: Option<String>,
    cx: &Context<'_>,
) -> Result<Outcome, Failure> {
    let id = if let Some(id) = id {
        cx.confirm(&format!("Delete what preview {id} of {repo} told?"))?;
        id
    } else {
        let (_, preview) = preview(client, repo, None).await?;
        if preview.delete == 0 {
            return Ok(Outcome::done(format!("Nothing of {repo} would go.")));
        }
        let (delete, bytes) = (preview.delete, preview.bytes);
        cx.confirm(&format!(
            "Delete {delete} versions of {repo}, {bytes} bytes?"
        ))?;
        preview.id
    };
    let path = call(repo, &["retention", "runs"]);
    let answer = client
        .post(&path, &[], &NewRetentionRun { preview: id })
        .await?;
    let job: Job = client.read(&answer, "a job")?;
    let advice = format!("larder trash list {repo} shows what can be restored of it.");
    let watch = format!(
        "larder job watch {} waits for its end, for superusers.",
        job.id
    );
    Ok(Outcome::record(answer, &JOB).noting(watch).noting(advice))
}
