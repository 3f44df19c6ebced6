//! Jobs: work that takes a while, outlives the server that does it, and is done by one server at a
//! time.

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, JobKind, JobState, Timestamp};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// How long the server of a job is believed to be alive that does not say so again
/// ([`Metadata::hold_job`]).
pub const HELD: Duration = Duration::from_secs(15);
/// Finished jobs deleted in one batch.
const BATCH: u64 = 100;

macro_rules! jobs {
    ($where:literal) => {
        concat!(
            "select id, kind, state, dry_run, parameters, created_by, created_at, started_at, \
             finished_at, cancelled, progress, result, error_code, error_detail, fence from jobs \
             where ",
            $where
        )
    };
}

const ADD: &str = "insert into jobs (id, kind, state, dry_run, parameters, created_by, created_at, \
    started_at, finished_at, cancelled, fence, held_until, progress, result, error_code, \
    error_detail) values (?1, ?2, 'queued', ?3, ?4, ?5, ?6, 0, 0, 0, 0, 0, '', '', '', '')";
const JOB: &str = jobs!("id = ?1");
const ALL: &str = jobs!("id < ?1 order by id desc limit ?2");
const BY_KIND: &str = jobs!("kind = ?3 and id < ?1 order by id desc limit ?2");
const BY_STATE: &str = jobs!("state = ?3 and id < ?1 order by id desc limit ?2");
const BY_BOTH: &str = jobs!("kind = ?3 and state = ?4 and id < ?1 order by id desc limit ?2");
/// The next job of a kind.
const NEXT: &str = jobs!("kind = ?1 and state = 'queued' order by id limit 1");
/// A job whose server has not said for a while that it is alive.
const ABANDONED: &str = jobs!("kind = ?1 and state = 'running' and held_until <= ?2");
/// Fails if another job of the kind is running: the index of those allows for one.
const BEGIN: &str = "update jobs set state = 'running', fence = fence + 1, started_at = ?2, \
    held_until = ?3 where id = ?1 and state = 'queued'";
const TAKE_OVER: &str = "update jobs set fence = fence + 1, held_until = ?3 \
    where id = ?1 and state = 'running' and fence = ?4 and held_until <= ?2";
const HOLD: &str = "update jobs set held_until = ?3, progress = ?4 \
    where id = ?1 and fence = ?2 and state = 'running'";
/// A batch with this changes nothing once another server has taken the job over.
const FENCE: &str = "update jobs set held_until = held_until \
    where id = ?1 and fence = ?2 and state = 'running'";
const FINISH: &str = "update jobs set state = ?3, finished_at = ?4, result = ?5, error_code = ?6, \
    error_detail = ?7, held_until = 0 where id = ?1 and fence = ?2 and state = 'running'";
const CANCEL_QUEUED: &str = "update jobs set state = 'cancelled', cancelled = 1, finished_at = ?2 \
    where id = ?1 and state = 'queued'";
const CANCEL_RUNNING: &str = "update jobs set cancelled = 1 where id = ?1 and state = 'running'";
const ADD_ITEM: &str = "insert into job_items (job, number, item) values (?1, ?2, ?3) \
    on conflict (job, number) do update set item = excluded.item";
const ITEMS: &str = "select number, item from job_items where job = ?1 and number > ?2 \
    order by number limit ?3";
const FINISHED: &str = "select id from jobs where finished_at > 0 and finished_at <= ?1 \
    order by finished_at limit ?2";
const DROP: &str = "delete from jobs where id = ?1";

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: i64,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// What was asked for.
    pub parameters: Json,
    /// Who asked for it.
    pub created_by: Box<str>,
    /// When.
    pub created_at: Timestamp,
    /// When a server began with it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether somebody asked it to end.
    pub cancelled: bool,
    /// How far it is, as its kind tells it.
    pub progress: Option<Json>,
    /// What came of it, as its kind tells it.
    pub result: Option<Json>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// Grows with each server that works on it.
    fence: i64,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

/// A job that this server works on, until another takes it over.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldJob {
    /// As it was when the server took it.
    pub job: Job,
    fence: i64,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEnd {
    /// It was done; what came of it.
    Succeeded(Json),
    /// Somebody ended it; what had come of it by then.
    Cancelled(Json),
    /// It could not be done.
    Failed(JobError),
}

/// Which jobs are meant; without anything, all.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// Those that do this.
    pub kind: Option<JobKind>,
    /// Those that are so far.
    pub state: Option<JobState>,
}

fn json_of(text: &str) -> Result<Option<Json>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| Error::Shape("a job's row has no JSON".to_owned());
    serde_json::from_str(text).map(Some).map_err(bad)
}

impl Job {
    fn read(row: &mut Row) -> Result<Self, Error> {
        let time = |at: i64| (at > 0).then_some(Timestamp(at));
        let (code, detail) = (row.text(12)?, row.text(13)?);
        let error = (!code.is_empty()).then(|| JobError {
            code: code.into(),
            detail: detail.into(),
        });
        Ok(Self {
            id: row.int(0)?,
            kind: row.parsed(1)?,
            state: row.parsed(2)?,
            dry_run: row.int(3)? != 0,
            parameters: json_of(&row.text(4)?)?.unwrap_or_default(),
            created_by: row.text(5)?,
            created_at: Timestamp(row.int(6)?),
            started_at: time(row.int(7)?),
            finished_at: time(row.int(8)?),
            cancelled: row.int(9)? != 0,
            progress: json_of(&row.text(10)?)?,
            result: json_of(&row.text(11)?)?,
            error,
            fence: row.int(14)?,
        })
    }
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
    /// Asks for a job. It begins when a server has time and no other of its kind runs.
    pub async fn queue_job(
        &self,
        kind: JobKind,
        dry_run: bool,
        parameters: &Json,
        by: &dyn Author,
    ) -> Result<Job, Error> {
        let (id, now) = (self.new_id(), self.now());
        let mut batch = Batch::default();
        let details = json!({"id": id.to_string(), "dry_run": dry_run, "parameters": parameters});
        let object = format!("job:{kind}");
        self.note(
            &mut batch,
            by,
            Action::JobCreate,
            Object::Named(&object),
            &details,
        );
        let values = [
            id.into(),
            kind.into(),
            dry_run.into(),
            parameters.to_string().into(),
            by.label().into(),
            now.into(),
        ];
        batch.run(ADD, values);
        self.sql.apply(batch).await?;
        Ok(Job {
            id,
            kind,
            state: JobState::Queued,
            dry_run,
            parameters: parameters.clone(),
            created_by: by.label().into(),
            created_at: now,
            started_at: None,
            finished_at: None,
            cancelled: false,
            progress: None,
            result: None,
            error: None,
            fence: 0,
        })
    }

    /// Takes a job of this kind that waits, or that its server has abandoned. `None`: there is
    /// none, or one runs.
    pub async fn take_job(&self, kind: JobKind) -> Result<Option<HeldJob>, Error> {
        let now = self.sql.time(self.now()).await?;
        let until = now.after(HELD);
        let values = [kind.into(), now.into()];
        let mut batch = Batch::default();
        let job = if let Some(job) = self.one_job(ABANDONED, &values).await? {
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
        let started_at = job.started_at.or(Some(now));
        Ok(Some(HeldJob {
            job: Job {
                state: JobState::Running,
                started_at,
                fence,
                ..job
            },
            fence,
        }))
    }

    async fn one_job(&self, text: &'static str, values: &[Value]) -> Result<Option<Job>, Error> {
        let mut rows = self.sql.rows(text, values).await?;
        rows.first_mut().map(Job::read).transpose()
    }

    /// Says that this server still works on a job, and how far it is. Whether somebody asked it to
    /// end. [`Error::Unmet`]: the [`Requirement::Job`] is another server's now.
    pub async fn hold_job(&self, held: &HeldJob, progress: &Json) -> Result<bool, Error> {
        let until = self.sql.time(self.now()).await?.after(HELD);
        let [id, fence] = held.key();
        let mut batch = Batch::default();
        let values = [id, fence, until.into(), progress.to_string().into()];
        batch.require(Requirement::Job, HOLD, values);
        self.sql.apply(batch).await?;
        let job = self.job(held.job.id).await?;
        Ok(job.is_some_and(|job| job.cancelled))
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
        let now = self.now().into();
        let values = [
            id,
            fence,
            state.into(),
            now,
            result.into(),
            code.into(),
            detail.into(),
        ];
        let mut batch = Batch::default();
        batch.require(Requirement::Job, FINISH, values);
        self.sql.apply(batch).await
    }

    /// Ends a job that waits, and asks one that runs to end. [`Error::Unmet`]: the
    /// [`Requirement::Job`] is not there, or has ended.
    pub async fn cancel_job(&self, id: i64, by: &dyn Author) -> Result<(), Error> {
        let job = self.job(id).await?.filter(|job| !job.state.is_final());
        let job = job.ok_or(Error::Unmet(Requirement::Job))?;
        let mut batch = Batch::default();
        let object = format!("job:{}", job.kind);
        let details = json!({"id": id.to_string()});
        self.note(
            &mut batch,
            by,
            Action::JobCancel,
            Object::Named(&object),
            &details,
        );
        batch.unless(CANCEL_QUEUED, [id.into(), self.now().into()], |batch| {
            batch.require(Requirement::Job, CANCEL_RUNNING, [id.into()]);
        });
        self.sql.apply(batch).await
    }

    /// The job of this id.
    pub async fn job(&self, id: i64) -> Result<Option<Job>, Error> {
        self.one_job(JOB, &[id.into()]).await
    }

    /// Jobs that `filter` means, older than the one of id `before`, the newest first, at most
    /// `limit`. Without `before`, the newest.
    pub async fn jobs(
        &self,
        filter: JobFilter,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<Job>, Error> {
        let text = match (filter.kind, filter.state) {
            (None, None) => ALL,
            (Some(_), None) => BY_KIND,
            (None, Some(_)) => BY_STATE,
            (Some(_), Some(_)) => BY_BOTH,
        };
        let mut values = vec![before.unwrap_or(i64::MAX).into(), limit.into()];
        values.extend(filter.kind.map(Value::from));
        values.extend(filter.state.map(Value::from));
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(Job::read).collect()
    }

    /// What a job did, after the item of this number, at most `limit`, with their numbers.
    pub async fn job_items(
        &self,
        id: i64,
        after: u64,
        limit: u64,
    ) -> Result<Vec<(u64, Json)>, Error> {
        let values = vec![id.into(), after.into(), limit.into()];
        let mut rows = self.sql.scan(ITEMS, values).await?;
        let read = |row: &mut Row| Ok((row.count(0)?, json_of(&row.text(1)?)?.unwrap_or_default()));
        rows.iter_mut().map(read).collect()
    }

    /// Deletes jobs that ended at `end` or before, with their items. How many there were.
    pub async fn prune_jobs(&self, end: Timestamp) -> Result<u64, Error> {
        let mut pruned = 0;
        loop {
            let values = vec![end.into(), BATCH.into()];
            let mut rows = self.sql.scan(FINISHED, values).await?;
            if rows.is_empty() {
                return Ok(pruned);
            }
            let mut batch = Batch::default();
            for row in &mut rows {
                batch.run(DROP, [row.int(0)?.into()]);
            }
            self.sql.apply(batch).await?;
            pruned += rows.len() as u64;
        }
    }
}
