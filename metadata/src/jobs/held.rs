//! Jobs that a server works on: it takes one, says again and again that it is alive, and ends it or
//! gives it back. Whatever it writes for the job requires that it still holds it.

use super::{Job, JobEnd, JobError, jobs};
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{JobKind, JobState, Timestamp};
use serde_json::Value as Json;
use std::time::Duration;

/// How long the server of a job is believed to be alive that does not say so again
/// ([`Metadata::hold_job`]).
pub const HELD: Duration = Duration::from_secs(15);
/// How many servers may die over a job before it has failed: perhaps they die of it.
pub const MAX_ATTEMPTS: u64 = 5;

/// Kinds of which a job waits while none runs, or was abandoned by its server.
const WAITING: &str = "select kind from jobs as waiting where state = 'queued' and not exists \
    (select 1 from jobs where kind = waiting.kind and state = 'running') \
    union select kind from jobs where state = 'running' and held_until <= ?1";
/// The next job of a kind.
const NEXT: &str = jobs!("kind = ?1 and state = 'queued' order by id limit 1");
/// A job whose server has not said for a while that it is alive.
const ABANDONED: &str = jobs!("kind = ?1 and state = 'running' and held_until <= ?2");
/// Fails if another job of the kind is running: the index of those allows for one.
const BEGIN: &str = "update jobs set state = 'running', fence = fence + 1, attempts = attempts + 1, \
    started_at = case when started_at = 0 then ?2 else started_at end, held_until = ?3 \
    where id = ?1 and state = 'queued'";
const TAKE_OVER: &str = "update jobs set fence = fence + 1, attempts = attempts + 1, held_until = ?3 \
    where id = ?1 and state = 'running' and fence = ?4 and held_until <= ?2";
const GIVE_UP: &str = "update jobs set state = ?4, finished_at = ?2, error_code = ?5, \
    error_detail = ?6, held_until = 0 \
    where id = ?1 and state = 'running' and fence = ?3 and held_until <= ?2";
const GIVE_BACK: &str = "update jobs set state = 'queued', attempts = attempts - 1, held_until = 0 \
    where id = ?1 and fence = ?2 and state = 'running'";
const HOLD: &str = "update jobs set held_until = ?3 \
    where id = ?1 and fence = ?2 and state = 'running'";
const HOLD_WITH_PROGRESS: &str = "update jobs set held_until = ?3, progress = ?4 \
    where id = ?1 and fence = ?2 and state = 'running'";
const IS_CANCELLED: &str = "select cancelled from jobs \
    where id = ?1 and fence = ?2 and state = 'running'";
/// A batch with this changes nothing once another server has taken the job over.
const FENCE: &str = "update jobs set held_until = held_until \
    where id = ?1 and fence = ?2 and state = 'running'";
const FINISH: &str = "update jobs set state = ?3, finished_at = ?4, result = ?5, error_code = ?6, \
    error_detail = ?7, held_until = 0 where id = ?1 and fence = ?2 and state = 'running'";
const ADD_ITEM: &str = "insert into job_items (job, number, item) values (?1, ?2, ?3) \
    on conflict (job, number) do update set item = excluded.item";
const FORGET_ITEMS: &str = "delete from job_items where job = ?1";

/// A job that this server works on, until another takes it over.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldJob {
    /// As it was when the server took it.
    pub job: Job,
    fence: i64,
}

impl HeldJob {
    fn key(&self) -> [Value; 2] {
        [self.job.id.into(), self.fence.into()]
    }

    /// Lets a batch change something only while this server holds the job.
    /// [`Error::Unmet`]: the [`Requirement::Job`] is another server's.
    pub(crate) fn require(&self, batch: &mut Batch) {
        batch.require(Requirement::Job, FENCE, self.key());
    }
}

impl Metadata {
    /// The kinds of which a job can be taken: it waits and none runs, or its server has abandoned it.
    pub async fn waiting_jobs(&self) -> Result<Vec<JobKind>, Error> {
        let now = self.shared_now().await?;
        let mut rows = self.sql.rows(WAITING, &[now.into()]).await?;
        rows.iter_mut().map(|row| row.parsed(0)).collect()
    }

    /// Takes a job of this kind that waits, or that its server has abandoned. `None`: there is
    /// none, or one runs. One that too many servers have abandoned has failed.
    pub async fn take_job(&self, kind: JobKind) -> Result<Option<HeldJob>, Error> {
        let now = self.shared_now().await?;
        let values = [kind.into(), now.into()];
        let mut abandoned = self.one_job(ABANDONED, &values).await?;
        if let Some(job) = abandoned.take_if(|job| job.cancelled || job.attempts >= MAX_ATTEMPTS) {
            self.give_up(&job, now).await?;
        }
        let until = now.after(HELD);
        let mut batch = Batch::default();
        let job = if let Some(job) = abandoned {
            let values = [job.id.into(), now.into(), until.into(), job.fence.into()];
            batch.require(Requirement::Job, TAKE_OVER, values);
            job
        } else if let Some(job) = self.one_job(NEXT, &values[..1]).await? {
            let values = [job.id.into(), now.into(), until.into()];
            batch.require(Requirement::Job, BEGIN, values);
            job
        } else {
            return Ok(None);
        };
        match self.sql.apply(batch).await {
            Ok(()) => {}
            // Another server was faster, or one of the kind runs.
            Err(Error::Unmet(Requirement::Job) | Error::Exists(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let fence = job.fence + 1;
        Ok(Some(HeldJob {
            job: Job {
                state: JobState::Running,
                started_at: job.started_at.or(Some(now)),
                attempts: job.attempts + 1,
                fence,
                ..job
            },
            fence,
        }))
    }

    /// Ends an abandoned job that nobody is to go on with.
    async fn give_up(&self, job: &Job, now: Timestamp) -> Result<(), Error> {
        let (state, code, detail) = if job.cancelled {
            (JobState::Cancelled, "", String::new())
        } else {
            let detail = format!(
                "{} servers began with it and ended, or lost the database, before it was done: look \
                 for the reason in their logs, then ask for it again",
                job.attempts
            );
            (JobState::Failed, "abandoned", detail)
        };
        let values = [
            job.id.into(),
            now.into(),
            job.fence.into(),
            state.into(),
            code.into(),
            detail.into(),
        ];
        let mut batch = Batch::default();
        batch.require(Requirement::Job, GIVE_UP, values);
        match self.sql.apply(batch).await {
            Err(Error::Unmet(Requirement::Job)) => Ok(()), // another server did
            done => done,
        }
    }

    /// Says that this server still works on a job, and how far it is, if there is news of that.
    /// Whether somebody asked it to end. [`Error::Unmet`]: the [`Requirement::Job`] is another
    /// server's now.
    pub async fn hold_job(&self, held: &HeldJob, progress: Option<&Json>) -> Result<bool, Error> {
        let until = self.shared_now().await?.after(HELD);
        let [id, fence] = held.key();
        let mut batch = Batch::default();
        match progress {
            None => batch.require(Requirement::Job, HOLD, [id, fence, until.into()]),
            Some(progress) => {
                let values = [id, fence, until.into(), progress.to_string().into()];
                batch.require(Requirement::Job, HOLD_WITH_PROGRESS, values);
            }
        }
        self.sql.apply(batch).await?;
        self.is_job_cancelled(held).await
    }

    /// Whether somebody asked a job to end. [`Error::Unmet`] as for [`Self::hold_job`].
    pub async fn is_job_cancelled(&self, held: &HeldJob) -> Result<bool, Error> {
        let mut rows = self.sql.rows(IS_CANCELLED, &held.key()).await?;
        let lost = Error::Unmet(Requirement::Job);
        let cancelled = rows.first_mut().map(|row: &mut Row| row.int(0));
        Ok(cancelled.ok_or(lost)?? != 0)
    }

    /// Writes down what a job did to each of `items`, the first of which has this number.
    /// [`Error::Unmet`] as for [`Self::hold_job`].
    pub async fn add_job_items(
        &self,
        held: &HeldJob,
        first: u64,
        items: &[Json],
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        for (number, item) in (first..).zip(items) {
            let values = [held.job.id.into(), number.into(), item.to_string().into()];
            batch.run(ADD_ITEM, values);
        }
        self.sql.apply(batch).await
    }

    /// Forgets what a job was said to have done. [`Error::Unmet`] as for [`Self::hold_job`].
    pub async fn forget_job_items(&self, held: &HeldJob) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        batch.run(FORGET_ITEMS, [held.job.id.into()]);
        self.sql.apply(batch).await
    }

    /// Ends a job. [`Error::Unmet`] as for [`Self::hold_job`].
    pub async fn finish_job(&self, held: &HeldJob, end: &JobEnd) -> Result<(), Error> {
        let none = String::new;
        let (state, result, code, detail) = match end {
            JobEnd::Succeeded(result) => (JobState::Succeeded, result.to_string(), none(), none()),
            JobEnd::Cancelled(result) => (JobState::Cancelled, result.to_string(), none(), none()),
            JobEnd::Failed(error) => {
                let JobError { code, detail } = error.clone();
                (JobState::Failed, none(), code, detail)
            }
        };
        let [id, fence] = held.key();
        let values = [
            id,
            fence,
            state.into(),
            self.shared_now().await?.into(),
            result.into(),
            code.into(),
            detail.into(),
        ];
        let mut batch = Batch::default();
        batch.require(Requirement::Job, FINISH, values);
        self.sql.apply(batch).await
    }

    /// Gives a job back: it waits again for a server. [`Error::Unmet`] as for [`Self::hold_job`].
    pub async fn give_job_back(&self, held: &HeldJob) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.require(Requirement::Job, GIVE_BACK, held.key());
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
