//! Jobs, and the schedules by which they begin.

use crate::schema;
use larder_model::{JobKind, JobState, RepoPath, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Work that takes a while.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id; a later job has a larger one.
    #[schema(value_type = schema::Id)]
    pub id: String,
    /// What it does.
    #[schema(value_type = schema::JobKind)]
    pub kind: JobKind,
    /// How far it is.
    #[schema(value_type = schema::JobState)]
    pub state: JobState,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// The repository that it is about; `null`: the whole server.
    #[schema(required, value_type = Option<schema::RepoPath>)]
    pub repository: Option<RepoPath>,
    /// Who asked for it: `user:alice`, `schedule`.
    pub by: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// When a server first began with it; `null`: none did.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub started_at: Option<Timestamp>,
    /// When it ended; `null`: it did not.
    #[schema(required, value_type = Option<schema::Timestamp>)]
    pub finished_at: Option<Timestamp>,
    /// Whether somebody asked it to end before it is done.
    pub cancel_requested: bool,
    /// Servers that began with it: one more for each that ended in the middle of it.
    pub attempts: u64,
    /// How far it is; `null`: it has not told.
    #[schema(required)]
    pub progress: Option<JobProgress>,
    /// What came of it, as its kind tells it; `null`: it is not done.
    #[schema(required, value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed; `null`: it did not.
    #[schema(required)]
    pub error: Option<JobError>,
}

/// How far a job is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobProgress {
    /// What it does now: a word of its kind.
    pub phase: String,
    /// So many things are done.
    pub done: u64,
    /// Of so many; `null`: nobody knows yet.
    #[schema(required)]
    pub total: Option<u64>,
    /// What is counted, as `blobs`.
    pub unit: String,
    /// So many bytes were handled.
    pub bytes: u64,
}

/// Why a job failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// What a job did to one thing, or would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobItem {
    /// Its place among the items, from 1.
    pub number: u64,
    /// What was done: a word of the job's kind, as `delete`.
    pub action: String,
    /// The repository of the thing; `null`: it is in none.
    #[schema(required, value_type = Option<schema::RepoPath>)]
    pub repository: Option<RepoPath>,
    /// The package; `null`: it is none.
    #[schema(required)]
    pub package: Option<String>,
    /// The version, or the tag; `null`: it has none.
    #[schema(required)]
    pub version: Option<String>,
    /// The digest; `null`: it has none.
    #[schema(required)]
    pub digest: Option<String>,
    /// Its size in bytes; `null`: it has none.
    #[schema(required)]
    pub bytes: Option<u64>,
    /// Why: a sentence.
    pub reason: String,
}

/// When jobs of a kind begin by themselves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// What they do.
    #[schema(value_type = schema::JobKind)]
    pub kind: JobKind,
    /// When: five fields, in UTC.
    #[schema(value_type = schema::Cron)]
    pub cron: String,
    /// Whether they do.
    pub enabled: bool,
    /// The next three times; none while it is not enabled.
    #[schema(value_type = Vec<schema::Timestamp>)]
    pub next: Vec<Timestamp>,
    /// The newest job of the kind, whoever asked for it; `null`: there is none.
    #[schema(required)]
    pub last: Option<Job>,
}

/// When jobs of a kind are to begin by themselves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewSchedule {
    /// When: minute, hour, day of month, month, day of week, in UTC.
    #[schema(value_type = schema::Cron)]
    pub cron: String,
    /// Whether they are to; they are, if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}
