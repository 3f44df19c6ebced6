//! `larder trash`.

use crate::arguments::repo_path;
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_model::RepoPath;

/// What can be done about what was deleted.
#[derive(Subcommand, Debug)]
pub enum Trash {
    /// List what was deleted of a repository and can be restored, the newest first.
    List {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
    },
    /// Put something back: all of it, or nothing if a name of it is taken meanwhile.
    Restore {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The entry's id, as the list shows it.
        id: u64,
    },
    /// Delete something for good, before its time is over.
    Delete {
        /// Protocol and name, e.g. oci/team.
        #[arg(value_parser = repo_path)]
        repo: RepoPath,
        /// The entry's id, as the list shows it.
        id: u64,
    },
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("WHAT", "what"),
        ("PACKAGE", "package"),
        ("VERSION", "version"),
        ("BYTES", "bytes"),
        ("BY", "deleted_by"),
        ("DELETED", "deleted_at"),
        ("EXPIRES", "expires_at"),
    ],
    &["id"],
)
.with(&[
    ("DIGEST", "digest"),
    ("FILES", "files"),
    ("REASON", "reason"),
]);
const ENTRY: Table = Table::new(
    &[
        ("Id", "id"),
        ("What", "what"),
        ("Package", "package"),
        ("Version", "version"),
        ("Digest", "digest"),
        ("Files", "files"),
        ("Bytes", "bytes"),
    ],
    &["id"],
);

pub(crate) async fn trash(command: Trash, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Trash::List { repo } => {
            let path = ["repositories", repo.protocol.0, repo.name.as_str(), "trash"];
            Ok(Outcome::list(client.all(&path, &[]).await?, &LIST))
        }
        Trash::Restore { repo, id } => {
            let id = id.to_string();
            let (protocol, name) = (repo.protocol.0, repo.name.as_str());
            let path = ["repositories", protocol, name, "trash", &id, "restore"];
            Ok(Outcome::record(client.post_nothing(&path).await?, &ENTRY))
        }
        Trash::Delete { repo, id } => {
            cx.confirm(&format!(
                "Delete entry {id} of the trash of {repo} for good?"
            ))?;
            let text = id.to_string();
            let (protocol, name) = (repo.protocol.0, repo.name.as_str());
            client
                .delete(&["repositories", protocol, name, "trash", &text])
                .await?;
            Ok(Outcome::done(format!("Entry {id} is gone for good.")))
        }
    }
}
