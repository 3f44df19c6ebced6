//! `larder backup`.

use crate::context::Context;
use crate::download::{download, read};
use crate::failure::Failure;
use crate::job::JOB;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use larder_api::BackupRun;
use larder_archive::Verified;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A backup of everything, made while the server serves.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Backup {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The file to write: all rows, the server's keys, and the blobs.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Whether the blobs are in it, or it refers to those of the server's folder or bucket.
    #[arg(long, default_value = "include", value_parser = words())]
    blobs: String,
}

fn words() -> PossibleValuesParser {
    PossibleValuesParser::new(["include", "reference"])
}

/// What can be done with backups that the server makes by itself.
#[derive(Subcommand, Debug)]
pub enum BackupCommand {
    /// List the backups that the server keeps, the newest first.
    List,
    /// Have the server make a backup and keep it, as a job.
    Run,
    /// Fetch a backup that the server keeps.
    Get {
        /// Its name, as the list shows it.
        name: String,
        /// The file to write.
        file: PathBuf,
    },
    /// Delete a backup that the server keeps.
    Delete {
        /// Its name, as the list shows it.
        name: String,
    },
    /// Read all of a backup and tell whether it is whole. Needs no server.
    Verify {
        /// The backup.
        file: PathBuf,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("CREATED", "created_at"),
        ("BYTES", "size_bytes"),
    ],
    &["name"],
);
const FILE: Table = Table::new(
    &[
        ("File", "file"),
        ("State of", "created_at"),
        ("Bytes", "size_bytes"),
        ("Schema", "schema"),
        ("Rows", "rows"),
        ("Blobs", "blobs"),
        ("Objects", "objects/count"),
        ("Bytes of objects", "objects/bytes"),
        ("Digest", "digest"),
    ],
    &["digest"],
);

pub(crate) async fn backup(args: Backup, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let Some(command) = args.command else {
        let file = args.file.unwrap_or_default();
        let asked: (&[&str], &[(&str, &str)]) = (&["backup"], &[("blobs", &args.blobs)]);
        let verified = download(&cx.client()?, asked, &file, cx).await?;
        return Ok(shown(&file, &verified)
            .noting("Keep it as you keep the server: whoever has it can be anyone there."));
    };
    match command {
        BackupCommand::List => {
            let list = cx.client()?.all(&["backups"], &[]).await?;
            Ok(Outcome::list(list, &LIST))
        }
        BackupCommand::Run => {
            let client = cx.client()?;
            let job = client.post(&["backup", "runs"], &[], &BackupRun {});
            Ok(Outcome::record(job.await?, &JOB))
        }
        BackupCommand::Get { name, file } => {
            let asked: (&[&str], &[(&str, &str)]) = (&["backups", &name], &[]);
            let verified = download(&cx.client()?, asked, &file, cx).await?;
            Ok(shown(&file, &verified))
        }
        BackupCommand::Delete { name } => {
            cx.confirm(&format!("Delete the backup {name}?"))?;
            cx.client()?.delete(&["backups", &name]).await?;
            Ok(Outcome::done(format!("The backup {name} is deleted.")))
        }
        BackupCommand::Verify { file } => Ok(shown(&file, &read(&file)?)),
    }
}

fn shown(file: &Path, verified: &Verified) -> Outcome {
    Outcome::record(told(file, verified), &FILE)
}

fn told(file: &Path, verified: &Verified) -> Value {
    let manifest = &verified.manifest;
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    json!({
        "file": file.display().to_string(),
        "created_at": manifest.created_at,
        "size_bytes": verified.bytes,
        "schema": manifest.schema,
        "rows": rows,
        "blobs": if manifest.blobs_included { "include" } else { "reference" },
        "objects": manifest.objects,
        "digest": verified.digest.to_string(),
    })
}
