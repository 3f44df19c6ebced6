//! Jobs: work that takes a while, outlives the server that does it, and is done by one server at a
//! time.

mod held;

pub use held::{HELD, HeldJob, MAX_ATTEMPTS};

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, JobKind, JobState, RepoPath, Timestamp};
use serde_json::{Value as Json, json};

/// Finished jobs looked for at once, and items of one deleted in one batch.
const JOBS: u64 = 100;
const ITEMS_OF_BATCH: u64 = 5000;

macro_rules! jobs {
    ($where:literal) => {
        concat!(
            "select id, kind, state, dry_run, parameters, created_by, created_at, started_at, \
             finished_at, cancelled, progress, result, error_code, error_detail, fence, repository, \
             attempts from jobs where ",
            $where
        )
    };
}
use jobs;

const ADD: &str = "insert into jobs (id, kind, state, dry_run, parameters, created_by, created_at, \
    started_at, finished_at, cancelled, fence, held_until, progress, result, error_code, \
    error_detail, repository, attempts) \
    values (?1, ?2, 'queued', ?3, ?4, ?5, ?6, 0, 0, 0, 0, 0, '', '', '', '', ?7, 0)";
const JOB: &str = jobs!("id = ?1");
const ALL: &str = jobs!("id < ?1 order by id desc limit ?2");
const BY_KIND: &str = jobs!("kind = ?3 and id < ?1 order by id desc limit ?2");
const BY_STATE: &str = jobs!("state = ?3 and id < ?1 order by id desc limit ?2");
const BY_BOTH: &str = jobs!("kind = ?3 and state = ?4 and id < ?1 order by id desc limit ?2");
const CANCEL_QUEUED: &str = "update jobs set state = 'cancelled', cancelled = 1, finished_at = ?2 \
    where id = ?1 and state = 'queued'";
const CANCEL_RUNNING: &str = "update jobs set cancelled = 1 where id = ?1 and state = 'running'";
const ITEMS: &str = "select number, item from job_items where job = ?1 and number > ?2 \
    order by number limit ?3";
const STATES: &str = "select state, count(*) from jobs group by state order by state";
const FINISHED: &str = "select id from jobs where finished_at > 0 and finished_at <= ?1 \
    order by finished_at limit ?2";
const LAST_ITEM: &str = "select coalesce(max(number), 0) from job_items where job = ?1";
const DROP_ITEMS: &str = "delete from job_items where job = ?1 and number <= ?2";
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
    /// The repository that it is about; `None`: the whole server.
    pub repository: Option<RepoPath>,
    /// What was asked for.
    pub parameters: Json,
    /// Who asked for it.
    pub created_by: Box<str>,
    /// When.
    pub created_at: Timestamp,
    /// When a server first began with it.
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
    /// Servers that began with it and did not give it back.
    pub attempts: u64,
    /// Grows with each server that works on it.
    fence: i64,
}

/// A job that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// The repository that it is about; `None`: the whole server.
    pub repository: Option<RepoPath>,
    /// What is asked for: an object.
    pub parameters: Json,
}

impl NewJob {
    /// One about the whole server, with nothing more to say.
    pub fn of(kind: JobKind) -> Self {
        Self {
            kind,
            dry_run: false,
            repository: None,
            parameters: json!({}),
        }
    }
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
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
        let repository = row.text(15)?;
        let repository = Some(repository).filter(|path| !path.is_empty());
        let bad = |_| Error::Shape("a job's repository is none".to_owned());
        Ok(Self {
            id: row.int(0)?,
            kind: row.parsed(1)?,
            state: row.parsed(2)?,
            dry_run: row.int(3)? != 0,
            repository: repository
                .map(|path| path.parse())
                .transpose()
                .map_err(bad)?,
            parameters: json_of(&row.text(4)?)?.unwrap_or_default(),
            created_by: row.text(5)?,
            created_at: Timestamp(row.int(6)?),
            started_at: time(row.int(7)?),
            finished_at: time(row.int(8)?),
            cancelled: row.int(9)? != 0,
            progress: json_of(&row.text(10)?)?,
            result: json_of(&row.text(11)?)?,
            error,
            attempts: row.count(16)?,
            fence: row.int(14)?,
        })
    }
}

impl Metadata {
    /// Asks for a job. It begins when a server has time and no other of its kind runs.
    pub async fn queue_job(&self, new: NewJob, by: &dyn Author) -> Result<Job, Error> {
        let mut batch = Batch::default();
        let job = self.add_job(&mut batch, new, by);
        self.sql.apply(batch).await?;
        Ok(job)
    }

    /// Adds a job to a batch; the job as it will be.
    pub(crate) fn add_job(&self, batch: &mut Batch, new: NewJob, by: &dyn Author) -> Job {
        let (id, now) = (self.new_id(), self.now());
        let NewJob {
            kind,
            dry_run,
            repository,
            parameters,
        } = new;
        let path = repository.as_ref().map(ToString::to_string);
        let details = json!({
            "id": id.to_string(), "dry_run": dry_run, "parameters": parameters, "repository": path,
        });
        let object = format!("job:{kind}");
        let object = Object::Named(&object);
        self.note(batch, by, Action::JobCreate, object, &details);
        let values = [
            id.into(),
            kind.into(),
            dry_run.into(),
            parameters.to_string().into(),
            by.label().into(),
            now.into(),
            path.unwrap_or_default().into(),
        ];
        batch.run(ADD, values);
        Job {
            id,
            kind,
            state: JobState::Queued,
            dry_run,
            repository,
            parameters,
            created_by: by.label().into(),
            created_at: now,
            started_at: None,
            finished_at: None,
            cancelled: false,
            progress: None,
            result: None,
            error: None,
            attempts: 0,
            fence: 0,
        }
    }

    async fn one_job(&self, text: &'static str, values: &[Value]) -> Result<Option<Job>, Error> {
        let mut rows = self.sql.rows(text, values).await?;
        rows.first_mut().map(Job::read).transpose()
    }

    /// Ends a job that waits, and asks one that runs to end. [`Error::Unmet`]: the
    /// [`Requirement::Job`] is not there, or has ended.
    pub async fn cancel_job(&self, id: i64, by: &dyn Author) -> Result<(), Error> {
        let job = self.job(id).await?.filter(|job| !job.state.is_final());
        let job = job.ok_or(Error::Unmet(Requirement::Job))?;
        let mut batch = Batch::default();
        let object = format!("job:{}", job.kind);
        let object = Object::Named(&object);
        let details = json!({"id": id.to_string()});
        self.note(&mut batch, by, Action::JobCancel, object, &details);
        let now = self.shared_now().await?;
        batch.unless(CANCEL_QUEUED, [id.into(), now.into()], |batch| {
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

    /// The number of a job's last item; 0: it has none.
    pub async fn last_job_item(&self, id: i64) -> Result<u64, Error> {
        let mut rows = self.sql.rows(LAST_ITEM, &[id.into()]).await?;
        rows.first_mut().map_or(Ok(0), |row| row.count(0))
    }

    /// How many jobs there are of each state.
    pub async fn jobs_by_state(&self) -> Result<Vec<(JobState, u64)>, Error> {
        let mut rows = self.sql.scan(STATES, Vec::new()).await?;
        let read = |row: &mut Row| Ok((row.parsed(0)?, row.count(1)?));
        rows.iter_mut().map(read).collect()
    }

    /// Deletes jobs that ended at `end` or before, with their items. How many there were.
    pub async fn prune_jobs(&self, end: Timestamp) -> Result<u64, Error> {
        let mut pruned = 0;
        loop {
            let values = vec![end.into(), JOBS.into()];
            let mut rows = self.sql.scan(FINISHED, values).await?;
            if rows.is_empty() {
                return Ok(pruned);
            }
            for row in &mut rows {
                self.drop_job(row.int(0)?).await?;
                pruned += 1;
            }
        }
    }

    /// Deletes a job, its items in pieces: other writes get their turn between them.
    async fn drop_job(&self, id: i64) -> Result<(), Error> {
        let last = self.last_job_item(id).await?;
        let mut number = 0;
        while number < last {
            number += ITEMS_OF_BATCH;
            let mut batch = Batch::default();
            batch.run(DROP_ITEMS, [id.into(), number.into()]);
            self.sql.apply(batch).await?;
        }
        let mut batch = Batch::default();
        batch.run(DROP, [id.into()]);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
