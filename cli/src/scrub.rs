//! `larder scrub` and `larder quarantine`.

use crate::context::Context;
use crate::failure::Failure;
use crate::job::{finish, leave};
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{Job, NewScrub, QuarantinedBlob};

/// What compares all that is kept with its digests.
#[derive(Subcommand, Debug)]
pub enum Scrub {
    /// Read what is kept, heal what can be healed, and wait until that is done.
    Run {
        /// The digests of the only blobs to look at; all that is kept, if there are none.
        digests: Vec<String>,
        /// Change nothing: tell what is damaged.
        #[arg(long)]
        dry_run: bool,
        /// Do not wait: print the job, and leave it to the server.
        #[arg(long)]
        no_wait: bool,
    },
    /// Show the newest run, when the next begins by itself, and how many blobs are damaged.
    Status,
}

/// What can be done about damaged blobs.
#[derive(Subcommand, Debug)]
pub enum Quarantine {
    /// List the blobs that are damaged.
    List,
    /// Show a damaged blob, and what names it.
    Show {
        /// The blob's digest.
        digest: String,
    },
    /// Give up the damaged bytes that were kept aside, for good. What names them stays, and is answered
    /// with an error until somebody pushes or publishes the bytes again.
    Delete {
        /// The blob's digest.
        digest: String,
    },
}

const STATUS: Table = Table::new(
    &[
        ("Quarantined", "quarantined"),
        ("Next", "next_at"),
        ("Last run", "last/id"),
        ("Created", "last/created_at"),
        ("Ended", "last/finished_at"),
        ("State", "last/state"),
        ("Dry run", "last/dry_run"),
        ("Examined", "last/result/examined"),
        ("Healed", "last/result/healed"),
        ("Left damaged", "last/result/quarantined"),
        ("Orphans", "last/result/orphans"),
        ("Error", "last/error/detail"),
    ],
    &["last/id"],
);
const LIST: Table = Table::new(
    &[
        ("DIGEST", "digest"),
        ("SIZE", "size"),
        ("DAMAGE", "damage"),
        ("SINCE", "since"),
    ],
    &["digest"],
);
const BLOB: Table = Table::new(
    &[
        ("Digest", "digest"),
        ("Size", "size"),
        ("Damage", "damage"),
        ("Since", "since"),
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

pub(crate) async fn scrub(command: Scrub, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Scrub::Run {
            digests,
            dry_run,
            no_wait,
        } => {
            let new = NewScrub {
                dry_run: Some(dry_run),
                digests: Some(digests).filter(|digests| !digests.is_empty()),
            };
            let answer = client.post(&["scrub", "runs"], &[], &new).await?;
            if no_wait {
                return leave(client, answer);
            }
            finish(client, &answer, cx, summary).await
        }
        Scrub::Status => {
            let status = client.get(&["scrub"], &[]).await?;
            Ok(Outcome::record(status, &STATUS))
        }
    }
}

pub(crate) async fn quarantine(command: Quarantine, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Quarantine::List => Ok(Outcome::list(
            client.all(&["quarantine"], &[]).await?,
            &LIST,
        )),
        Quarantine::Show { digest } => {
            let blob = client.get(&["quarantine", &digest], &[]).await?;
            Ok(Outcome::parts(blob, &BLOB, "held_by", &HOLDERS))
        }
        Quarantine::Delete { digest } => {
            let path = ["quarantine", &*digest];
            let answer = client.get(&path, &[]).await?;
            let blob: QuarantinedBlob = client.read(&answer, "a damaged blob")?;
            let more = if blob.has_more_holders {
                " or more"
            } else {
                ""
            };
            let names = blob.held_by.len();
            cx.confirm(&format!(
                "Give up the damaged bytes of {digest} for good, which {names}{more} names use?"
            ))?;
            client.delete(&path).await?;
            let outcome = Outcome::parts(answer, &BLOB, "held_by", &HOLDERS);
            Ok(outcome.noting(format!(
                "The bytes are gone for good. {names}{more} names of them are answered with an error \
                 until the bytes are pushed or published again, or the names deleted."
            )))
        }
    }
}

/// What a run found, in a sentence.
fn summary(job: &Job, result: &serde_json::Value) -> String {
    let count = |name: &str| result[name].as_u64().unwrap_or_default();
    let (examined, healed, left) = (count("examined"), count("healed"), count("quarantined"));
    let (orphans, id) = (count("orphans"), &job.id);
    let done = if job.dry_run {
        format!(
            "Dry run: {examined} blobs examined, {left} damaged, {orphans} objects without a row."
        )
    } else {
        format!(
            "{examined} blobs examined, {healed} healed, {left} left damaged, {orphans} objects \
             without a row."
        )
    };
    format!("{done} larder job show {id} --items tells of each.")
}
