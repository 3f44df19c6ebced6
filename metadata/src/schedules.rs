//! Schedules: when jobs of a kind begin by themselves, once for all servers of the database.

use crate::audit::Object;
use crate::jobs::{Job, NewJob};
use crate::{Batch, Error, Metadata, Requirement, Row};
use larder_model::{Action, Author, Cron, JobKind, System, Timestamp};
use serde_json::json;

macro_rules! schedules {
    ($rest:literal) => {
        concat!(
            "select kind, cron, enabled, begun_until from schedules ",
            $rest
        )
    };
}

const ALL: &str = schedules!("order by kind");
const ONE: &str = schedules!("where kind = ?1");
const ADD: &str = "insert into schedules (kind, cron, enabled, begun_until) values (?1, ?2, 1, ?3) \
    on conflict (kind) do nothing";
const CHANGE: &str = "update schedules set cron = ?2, enabled = ?3, begun_until = ?4 \
    where kind = ?1";
/// Of several servers at which it is due, one finds it as it was.
const BEGIN: &str = "update schedules set begun_until = ?2 \
    where kind = ?1 and begun_until = ?3 and cron = ?4 and enabled = 1";
/// A job of the kind that a schedule asked for and that did not begin yet.
const WAITING: &str = "select id from jobs \
    where kind = ?1 and state = 'queued' and created_by = ?2 limit 1";

/// When jobs of a kind begin by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What they do.
    pub kind: JobKind,
    /// When.
    pub cron: Cron,
    /// Whether they do.
    pub enabled: bool,
    /// What was due up to this time was begun.
    pub begun_until: Timestamp,
}

impl Schedule {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            kind: row.parsed(0)?,
            cron: row.parsed(1)?,
            enabled: row.int(2)? != 0,
            begun_until: Timestamp(row.int(3)?),
        })
    }

    /// Whether a run is due at `now`, however many were missed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let next = self.cron.next_after(self.begun_until);
        self.enabled && next.is_some_and(|next| next <= now)
    }
}

impl Metadata {
    /// All schedules, in the order of their kinds' words.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, Error> {
        let mut rows = self.sql.rows(ALL, &[]).await?;
        rows.iter_mut().map(Schedule::read).collect()
    }

    /// The schedule of a kind.
    pub async fn schedule(&self, kind: JobKind) -> Result<Option<Schedule>, Error> {
        let mut rows = self.sql.rows(ONE, &[kind.into()]).await?;
        rows.first_mut().map(Schedule::read).transpose()
    }

    /// Gives a kind that has no schedule yet this one, from now on.
    pub async fn add_schedule(&self, kind: JobKind, cron: &Cron) -> Result<(), Error> {
        let now = self.shared_now().await?;
        let mut batch = Batch::default();
        batch.run(ADD, [kind.into(), cron.as_str().into(), now.into()]);
        self.sql.apply(batch).await
    }

    /// Changes a schedule. What was due until now is not made up for. [`Error::Unmet`]: the
    /// [`Requirement::Schedule`] is not there.
    pub async fn change_schedule(
        &self,
        kind: JobKind,
        cron: &Cron,
        enabled: bool,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let now = self.shared_now().await?;
        let mut batch = Batch::default();
        let values = [
            kind.into(),
            cron.as_str().into(),
            enabled.into(),
            now.into(),
        ];
        batch.require(Requirement::Schedule, CHANGE, values);
        let object = format!("schedule:{kind}");
        let object = Object::Named(&object);
        let details = json!({"cron": cron.as_str(), "enabled": enabled});
        self.note(&mut batch, by, Action::ScheduleChange, object, &details);
        self.touch_policy(&mut batch, by); // a change may rest on what one has seen of it
        self.sql.apply(batch).await
    }

    /// Asks for the job of a schedule that is due at `now`, as it was read, for all that was missed
    /// at once. `None`: another server did, someone changed the schedule, or the job that was asked
    /// for the last time still waits.
    pub async fn begin_scheduled(
        &self,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<Option<Job>, Error> {
        let (kind, by) = (schedule.kind, &System::Schedule);
        let mut batch = Batch::default();
        let values = [
            kind.into(),
            now.into(),
            schedule.begun_until.into(),
            schedule.cron.as_str().into(),
        ];
        batch.require(Requirement::Schedule, BEGIN, values);
        let waiting = [kind.into(), by.label().into()];
        let waits = !self.sql.rows(WAITING, &waiting).await?.is_empty();
        let job = (!waits).then(|| self.add_job(&mut batch, NewJob::of(kind), by));
        match self.sql.apply(batch).await {
            Err(Error::Unmet(Requirement::Schedule)) => Ok(None),
            done => done.map(|()| job),
        }
    }
}
