//! `larder gc`.

use crate::context::Context;
use crate::failure::Failure;
use crate::job::{finish, leave};
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{Blob, Job, NewCollection};
use larder_model::duration;

/// What frees bytes that nothing names any more.
#[derive(Subcommand, Debug)]
pub enum Gc {
    /// Free what nothing names any more, and wait until that is done.
    Run {
        /// Free nothing: tell what a run would.
        #[arg(long)]
        dry_run: bool,
        /// Wait for so long instead of each time that the server waits, e.g. 0s or 12h: clients that
        /// push meanwhile may have to do so again.
        #[arg(long, value_name = "TIME", value_parser = span)]
        grace: Option<String>,
        /// Do not wait: print the job, and leave it to the server.
        #[arg(long)]
        no_wait: bool,
    },
    /// Show the newest run, when the next begins by itself, and how much waits for it.
    Status,
    /// Show what keeps a blob, and when it goes.
    Explain {
        /// The blob's digest, e.g. sha256:… of a layer or a manifest.
        digest: String,
    },
}

const STATUS: Table = Table::new(
    &[
        ("Reclaimable bytes", "reclaimable_bytes"),
        ("Queue", "queue"),
        ("Next", "next_at"),
        ("Last run", "last/id"),
        ("Created", "last/created_at"),
        ("Ended", "last/finished_at"),
        ("State", "last/state"),
        ("Dry run", "last/dry_run"),
        ("Deleted", "last/result/deleted"),
        ("Bytes freed", "last/result/bytes_freed"),
        ("Error", "last/error/detail"),
    ],
    &["last/id"],
);
const BLOB: Table = Table::new(
    &[
        ("Digest", "digest"),
        ("Size", "size"),
        ("State", "state"),
        ("Due", "due_at"),
    ],
    &["digest"],
);
const HOLDERS: Table = Table::new(
    &[
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("REFERENCE", "reference"),
        ("WHY", "why"),
    ],
    &["repository", "package", "reference"],
);

/// A length of time, as the server takes it.
fn span(text: &str) -> Result<String, String> {
    match duration::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a number and its unit, as 0s, 15m, 12h or 7d".to_owned()),
    }
}

pub(crate) async fn gc(command: Gc, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Gc::Run {
            dry_run,
            grace,
            no_wait,
        } => {
            let new = NewCollection {
                dry_run: Some(dry_run),
                grace,
            };
            let answer = client.post(&["gc", "runs"], &[], &new).await?;
            if no_wait {
                return leave(client, answer);
            }
            finish(client, &answer, cx, summary).await
        }
        Gc::Status => {
            let status = client.get(&["gc"], &[]).await?;
            Ok(Outcome::record(status, &STATUS))
        }
        Gc::Explain { digest } => {
            let answer = client.get(&["blobs", &digest], &[]).await?;
            let blob: Blob = client.read(&answer, "a blob")?;
            let outcome = Outcome::parts(answer, &BLOB, "held_by", &HOLDERS);
            Ok(match (blob.has_more_holders, blob.held_by.is_empty()) {
                (true, _) => outcome.noting("More than these name it."),
                (false, true) => outcome.noting("Nothing names it."),
                (false, false) => outcome,
            })
        }
    }
}

/// What a run did, or would do, in a sentence.
fn summary(job: &Job, result: &serde_json::Value) -> String {
    let count = |name: &str| result[name].as_u64().unwrap_or_default();
    let (deleted, bytes, id) = (count("deleted"), count("bytes_freed"), &job.id);
    let done = if job.dry_run {
        format!("Dry run: {deleted} blobs would go, {bytes} bytes would be free.")
    } else {
        format!("{deleted} blobs deleted, {bytes} bytes free.")
    };
    let more = |count: u64, what: &str| match count {
        0 => String::new(),
        count => format!(" {count} {what}."),
    };
    let expired = more(count("expired"), "entries of the trash are past their time");
    let left = more(
        count("leftovers"),
        "files are left over of documents that went on",
    );
    format!("{done}{expired}{left} larder job show {id} --items tells of each.")
}
