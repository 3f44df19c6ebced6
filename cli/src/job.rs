//! `larder job`.

use crate::arguments::filters;
use crate::client::Client;
use crate::context::Context;
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::progress;
use crate::table::Table;
use crate::terminal;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use larder_api::Job as ApiJob;
use larder_model::{JobKind, JobState};
use reqwest::Response;
use serde_json::Value;
use std::time::Duration;

/// What can be done to jobs, what takes a while.
#[derive(Subcommand, Debug)]
pub enum Job {
    /// List jobs, the newest first.
    List {
        /// Only those that do this.
        #[arg(long, value_parser = job_kinds())]
        kind: Option<String>,
        /// Only those that are so far.
        #[arg(long, value_parser = states())]
        state: Option<String>,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 100,
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show a job, or what it did to each thing.
    Show {
        /// The job's id, as the list shows it.
        id: u64,
        /// What it did, or would do, to each thing, and why.
        #[arg(long)]
        items: bool,
    },
    /// Wait until a job has ended, and show it. Fails if the job did, or was cancelled.
    Watch {
        /// The job's id, as the list shows it.
        id: u64,
    },
    /// End a job that waits, or ask one that runs to end.
    Cancel {
        /// The job's id, as the list shows it.
        id: u64,
    },
}

/// The kinds of jobs.
pub(crate) fn job_kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(JobKind::ALL.iter().map(|kind| kind.word()))
}

fn states() -> PossibleValuesParser {
    PossibleValuesParser::new(JobState::ALL.iter().map(|state| state.word()))
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("KIND", "kind"),
        ("STATE", "state"),
        ("BY", "by"),
        ("CREATED", "created_at"),
        ("FINISHED", "finished_at"),
        ("DONE", "progress/done"),
        ("OF", "progress/total"),
        ("ERROR", "error/detail"),
    ],
    &["id"],
)
.with(&[
    ("REPOSITORY", "repository"),
    ("DRY RUN", "dry_run"),
    ("STARTED", "started_at"),
    ("ATTEMPTS", "attempts"),
]);
/// One job.
pub(crate) const JOB: Table = Table::new(
    &[
        ("Id", "id"),
        ("Kind", "kind"),
        ("State", "state"),
        ("Dry run", "dry_run"),
        ("Repository", "repository"),
        ("By", "by"),
        ("Created", "created_at"),
        ("Started", "started_at"),
        ("Finished", "finished_at"),
        ("Asked to end", "cancel_requested"),
        ("Attempts", "attempts"),
        ("Phase", "progress/phase"),
        ("Done", "progress/done"),
        ("Of", "progress/total"),
        ("Unit", "progress/unit"),
        ("Bytes", "progress/bytes"),
        ("Result", "result"),
        ("Error", "error/detail"),
    ],
    &["id"],
);
const ITEMS: Table = Table::new(
    &[
        ("NUMBER", "number"),
        ("ACTION", "action"),
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("VERSION", "version"),
        ("DIGEST", "digest"),
        ("BYTES", "bytes"),
        ("REASON", "reason"),
    ],
    &["number"],
);

/// The server says within a quarter of this time that it is alive.
const SILENCE: Duration = Duration::from_mins(1);
/// How often events are asked for again that end before the job does, without news, and the pause
/// before: a server that starts again takes a while.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn job(command: Job, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Job::List { kind, state, limit } => {
            let limit = limit.to_string();
            let query = filters([
                ("kind", kind.as_deref()),
                ("state", state.as_deref()),
                ("limit", Some(&limit)),
            ]);
            let page = client.get(&["jobs"], &query).await?;
            Ok(Outcome::list(page, &LIST))
        }
        Job::Show { id, items: false } => {
            let job = client.get(&["jobs", &id.to_string()], &[]).await?;
            Ok(Outcome::record(job, &JOB))
        }
        Job::Show { id, items: true } => {
            let path = ["jobs", &id.to_string(), "items"];
            Ok(Outcome::list(client.all(&path, &[]).await?, &ITEMS))
        }
        Job::Watch { id } => Ok(wait(client, &id.to_string(), cx).await?.0),
        Job::Cancel { id } => {
            cx.confirm(&format!("Cancel job {id}?"))?;
            let path = ["jobs", &id.to_string(), "cancel"];
            let job: ApiJob = client.read(&client.post_nothing(&path).await?, "a job")?;
            Ok(Outcome::done(if job.state.is_final() {
                format!("Job {id} is cancelled.")
            } else {
                format!("Job {id} is asked to end: larder job watch {id} tells when it has.")
            }))
        }
    }
}

/// How a command ends that leaves a job to the server, as `answer` tells it.
pub(crate) fn leave(client: &Client, answer: Value) -> Result<Outcome, Failure> {
    let job: ApiJob = client.read(&answer, "a job")?;
    let advice = format!("larder job watch {} waits for its end.", job.id);
    Ok(Outcome::record(answer, &JOB).noting(advice))
}

/// How a command ends that waits for a job, as `answer` tells it: with a sentence about its result, if
/// there is one.
pub(crate) async fn finish(
    client: &Client,
    answer: &Value,
    cx: &Context<'_>,
    summary: impl FnOnce(&ApiJob, &Value) -> String,
) -> Result<Outcome, Failure> {
    let job: ApiJob = client.read(answer, "a job")?;
    let (outcome, ended) = wait(client, &job.id, cx).await?;
    Ok(match &ended.result {
        Some(result) => outcome.noting(summary(&ended, result)),
        None => outcome,
    })
}

/// Waits until a job has ended: how a command ends that did, and the job.
pub(crate) async fn wait(
    client: &Client,
    id: &str,
    cx: &Context<'_>,
) -> Result<(Outcome, ApiJob), Failure> {
    let (answer, job) = watch(client, id, cx).await?;
    let outcome = Outcome::record(answer, &JOB).ending(exit_of(&job));
    Ok((outcome, job))
}

/// How a command ends that waited for a job.
fn exit_of(job: &ApiJob) -> Exit {
    match (job.state, &job.error) {
        (JobState::Succeeded, _) => Exit::Done,
        (_, Some(error)) => Exit::of_failed_job(&error.code),
        _ => Exit::Failed,
    }
}

/// A job: as it was answered, and as it is understood.
type Told = (Value, ApiJob);

/// Waits until a job has ended; meanwhile a person sees how far it is.
async fn watch(client: &Client, id: &str, cx: &Context<'_>) -> Result<Told, Failure> {
    let bar = Bar::of(cx);
    if bar.width.is_some() {
        cx.voice().note(&format!(
            "Ctrl+C leaves the job to the server: larder job watch {id} returns to it."
        ));
    }
    let path = ["jobs", id, "events"];
    // What is wrong from the beginning is told at once.
    let mut answer = Ok(client.events(&path).await?);
    for _ in 0..TRIES {
        let ended = match answer {
            Ok(response) => follow(client, response, &bar).await,
            Err(failure @ Failure::Unreachable { .. }) => Err(failure),
            Err(failure) => return Err(failure),
        };
        match ended {
            Ok(Some(told)) => return Ok(told),
            Ok(None) | Err(Failure::Unreachable { .. }) => tokio::time::sleep(PAUSE).await,
            Err(failure) => return Err(failure),
        }
        answer = client.events(&path).await;
    }
    Err(Failure::Local(format!(
        "the server tells nothing more of job {id}, which may go on: larder job watch {id} asks again"
    )))
}

/// Shows how a job goes on; the job once it has ended, or `None` if the answer did before.
async fn follow(
    client: &Client,
    mut response: Response,
    bar: &Bar,
) -> Result<Option<Told>, Failure> {
    let mut events = Events::default();
    loop {
        let Ok(piece) = tokio::time::timeout(SILENCE, response.chunk()).await else {
            return Ok(None);
        };
        let Ok(Some(piece)) = piece else {
            return Ok(None); // it broke off: ask again
        };
        let found = events.read(&piece);
        let found = found.map_err(|_| client.strange("no events".to_owned()))?;
        for data in found {
            let no_job = |_| client.strange("an event without a job".to_owned());
            let answer: Value = serde_json::from_str(&data).map_err(no_job)?;
            let job: ApiJob = client.read(&answer, "an event without a job")?;
            if job.state.is_final() {
                bar.clear();
                return Ok(Some((answer, job)));
            }
            bar.show(&job);
        }
    }
}

/// The line at which a person sees how far a job is.
struct Bar {
    /// The columns of the terminal; `None`: nobody watches.
    width: Option<usize>,
}

impl Bar {
    fn of(cx: &Context<'_>) -> Self {
        let voice = cx.voice();
        let width = terminal::watched_width().filter(|_| !voice.quiet && !voice.as_json);
        Self { width }
    }

    fn show(&self, job: &ApiJob) {
        if let Some(width) = self.width {
            // The last column stays free: some terminals begin a line after it.
            let line = progress::line(job, width.saturating_sub(1));
            terminal::say(&format!("\r\u{1b}[K{line}"));
        }
    }

    fn clear(&self) {
        if self.width.is_some() {
            terminal::say("\r\u{1b}[K");
        }
    }
}
