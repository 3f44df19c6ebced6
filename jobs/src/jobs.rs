//! All that has to do with jobs in one server.

use crate::pace::Pace;
use crate::runner::Runner;
use crate::scheduler;
use crate::watch::{Watches, Watching};
use crate::work::Works;
use larder_metadata::jobs::{Job, NewJob};
use larder_metadata::{Error, Metadata};
use larder_model::{Author, JobKind, Problem};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// The jobs of a server. Clones are the same.
#[derive(Clone)]
pub struct Jobs(Arc<Parts>);

struct Parts {
    runner: Runner,
    watches: Watches,
    stop: watch::Sender<bool>,
}

impl Jobs {
    /// Jobs whose rows are in `metadata`; this server can do `works`.
    pub fn new(metadata: Metadata, works: Works, pace: Pace) -> Self {
        let stop = watch::Sender::new(false);
        let moves = watch::Sender::new(());
        let watches = Watches::new(
            metadata.clone(),
            pace,
            (stop.subscribe(), moves.subscribe()),
        );
        let runner = Runner {
            metadata,
            works,
            pace,
            wake: Arc::new(Notify::new()),
            moves,
            stopping: stop.subscribe(),
        };
        Self(Arc::new(Parts {
            runner,
            watches,
            stop,
        }))
    }

    /// Gives each kind of work that has none yet its schedule: before anyone can ask for it.
    pub async fn add_schedules(&self) -> Result<(), Error> {
        for (kind, cron) in self.0.runner.works.crons() {
            self.0.runner.metadata.add_schedule(kind, cron).await?;
        }
        Ok(())
    }

    /// Takes jobs and looks at schedules, until [`Self::stop`]; then gives back the jobs that run.
    pub async fn run(&self) {
        tokio::join!(self.0.runner.run(), scheduler::run(&self.0.runner));
    }

    /// Has [`Self::run`] return soon, and nobody watch jobs any more.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// The kinds of jobs that this server can do.
    pub fn kinds(&self) -> impl Iterator<Item = JobKind> {
        self.0.runner.works.kinds()
    }

    /// Whether this server can do jobs of a kind.
    pub fn has(&self, kind: JobKind) -> bool {
        self.0.runner.works.has(kind)
    }

    /// Asks for a job. It begins at once where no other of its kind runs.
    pub async fn queue(&self, new: NewJob, by: &dyn Author) -> Result<Job, Error> {
        let job = self.0.runner.metadata.queue_job(new, by).await?;
        self.0.runner.wake.notify_one();
        Ok(job)
    }

    /// Watches a job; `None`: there is none. Must be called on a runtime, which then reads the job
    /// for all who watch it.
    pub async fn watch(&self, id: i64) -> Result<Option<Watching>, Problem> {
        self.0.watches.watch(id).await
    }
}
