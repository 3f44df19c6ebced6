//! How work ends.

use larder_metadata::jobs::JobError;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem};
use serde_json::Value as Json;

/// How work ended that did not fail; each with its result, an object.
#[derive(Clone, PartialEq, Debug)]
pub enum Ended {
    /// All of it is done.
    Done(Json),
    /// The job was to end; so much is done.
    Cancelled(Json),
}

/// Why work did not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WorkError {
    /// Another server has the job now: nothing more is to be done here.
    Lost,
    /// It cannot be done.
    Failed(JobError),
}

impl WorkError {
    /// It cannot be done: a code for programs, a sentence for people.
    pub fn failed(code: &str, detail: impl Into<String>) -> Self {
        Self::Failed(JobError {
            code: code.to_owned(),
            detail: detail.into(),
        })
    }
}

impl From<Error> for WorkError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unmet(Requirement::Job) => Self::Lost,
            error => Problem::from(error).into(),
        }
    }
}

impl From<Problem> for WorkError {
    /// What caused it goes to the log.
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            Kind::Offline => "offline",
            Kind::Quota => "quota_exceeded",
            Kind::Full => "storage_full",
            Kind::Busy => "busy",
            Kind::Damaged => "damaged",
            Kind::Internal => "internal",
            _ => "failed",
        };
        if problem.source.is_some() {
            tracing::warn!(problem = problem.with_causes(), "a job met a problem");
        }
        Self::failed(code, problem.detail)
    }
}
