//! Takes jobs and has them done.

use crate::context::JobContext;
use crate::ended::{Ended, WorkError};
use crate::pace::{Pace, stopped, ticks};
use crate::work::{Work, Works};
use larder_metadata::jobs::{HELD, HeldJob, JobEnd, JobError};
use larder_metadata::{Error, Metadata};
use larder_model::{JobKind, Problem};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

/// What jobs of this server are done with.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) metadata: Metadata,
    pub(crate) works: Works,
    pub(crate) pace: Pace,
    /// Told when a job was asked for here.
    pub(crate) wake: Arc<Notify>,
    /// Told when a job began here, or ended.
    pub(crate) moves: watch::Sender<()>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// How the work on a job came to its end here.
enum Finish {
    /// It is to be written down.
    Ended(JobEnd),
    /// Another server has the job.
    Lost,
    /// This server stops.
    Stopping,
}

impl Runner {
    /// Takes jobs, one of each kind at a time, until the server stops; then gives back those that
    /// run.
    pub(crate) async fn run(&self) {
        let mut polls = ticks(self.pace.poll);
        let (mut tasks, mut running) = (JoinSet::new(), BTreeSet::new());
        loop {
            tokio::select! {
                _ = polls.tick() => {}
                () = self.wake.notified() => {}
                // The next job of the kind may wait.
                Some(ended) = tasks.join_next() => forget(&mut running, ended),
                () = stopped(&self.stopping) => break,
            }
            if let Err(error) = self.take_all(&mut tasks, &mut running).await {
                let problem = Problem::from(error);
                tracing::warn!(
                    problem = problem.with_causes(),
                    "jobs could not be looked for; the next time tries again"
                );
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Takes a job of each kind that waits and of which none runs here.
    async fn take_all(
        &self,
        tasks: &mut JoinSet<JobKind>,
        running: &mut BTreeSet<JobKind>,
    ) -> Result<(), Error> {
        let waiting = self.metadata.waiting_jobs().await?.into_iter();
        for kind in waiting
            .filter(|kind| !running.contains(kind))
            .collect::<Vec<_>>()
        {
            let Some(work) = self.works.work(kind) else {
                continue; // another server can do it
            };
            let taken = Instant::now();
            if let Some(held) = self.metadata.take_job(kind).await? {
                running.insert(kind);
                self.moves.send_replace(());
                let runner = self.clone();
                tasks.spawn(async move {
                    runner.carry_out(work, held, taken).await;
                    kind
                });
            }
        }
        Ok(())
    }

    /// Does a job, and writes down how it ended.
    async fn carry_out(self, work: Arc<dyn Work>, held: HeldJob, taken: Instant) {
        let (job, kind, attempt) = (held.job.id, held.job.kind, held.job.attempts);
        tracing::info!(job, %kind, attempt, "job begun");
        let context = match JobContext::new(self.metadata.clone(), held, taken).await {
            Ok(context) => Arc::new(context),
            Err(error) => {
                let problem = Problem::from(error);
                tracing::warn!(job, %kind, %problem, "a job could not be begun; a server takes it again");
                return;
            }
        };
        let own = Arc::clone(&context);
        let task = tokio::spawn(async move { work.run(&own).await });
        match self.attend(&context, task).await {
            Finish::Ended(end) => self.write_end(&context, &end).await,
            Finish::Lost => {
                tracing::warn!(job, %kind, "another server has the job; nothing more is done here");
            }
            Finish::Stopping => match self.give_back(&context).await {
                Ok(()) => tracing::info!(job, %kind, "job given back: the server stops"),
                Err(error) => {
                    let problem = Problem::from(error);
                    tracing::warn!(job, %kind, %problem, "a job could not be given back");
                }
            },
        }
    }

    /// Keeps a job alive while its work goes on.
    async fn attend(
        &self,
        context: &JobContext,
        mut task: JoinHandle<Result<Ended, WorkError>>,
    ) -> Finish {
        let mut ticks = ticks(self.pace.tick);
        ticks.reset(); // it was taken just now
        let unfinished = loop {
            tokio::select! {
                joined = &mut task => return finish_of(joined),
                _ = ticks.tick() => if !self.keep(context).await {
                    break Finish::Lost;
                },
                () = stopped(&self.stopping) => break Finish::Stopping,
            }
        };
        task.abort();
        // It may have ended at the same moment.
        match task.await {
            Ok(joined) if matches!(unfinished, Finish::Stopping) => finish_of(Ok(joined)),
            _ => unfinished,
        }
    }

    /// Keeps a job; whether this server still holds it. While the database fails, it does until
    /// others may take the job.
    async fn keep(&self, context: &JobContext) -> bool {
        match timeout_at(context.lease_end(), context.keep(self.pace.hold)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) if JobContext::is_lost(&error) => false,
            Ok(Err(error)) => {
                let (problem, job) = (Problem::from(error), context.job().id);
                tracing::warn!(job, %problem, "a job could not be kept; the next time tries again");
                context.is_held()
            }
            Err(_) => false,
        }
    }

    /// Writes down how a job ended, again and again while this server holds it and the database
    /// fails.
    async fn write_end(&self, context: &JobContext, end: &JobEnd) {
        let (job, kind) = (context.job().id, context.job().kind);
        let mut ticks = ticks(self.pace.tick);
        let until = Instant::now() + HELD;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stopped(&self.stopping) => {}
            }
            let written = async {
                // What was told last belongs to it.
                context.keep(self.pace.hold).await?;
                self.metadata.finish_job(context.held(), end).await
            };
            match written.await {
                Ok(()) => {
                    self.moves.send_replace(());
                    return tell_end(context, end);
                }
                Err(error)
                    if !JobContext::is_lost(&error)
                        && Instant::now() < until
                        && !*self.stopping.borrow() =>
                {
                    let problem = Problem::from(error);
                    tracing::warn!(job, %kind, %problem, "the end of a job could not be written yet");
                }
                Err(error) => {
                    let problem = Problem::from(error);
                    tracing::warn!(job, %kind, %problem, "the end of a job was not written: it is done again");
                    return;
                }
            }
        }
    }

    async fn give_back(&self, context: &JobContext) -> Result<(), Error> {
        context.keep(self.pace.hold).await?;
        self.metadata.give_job_back(context.held()).await
    }
}

fn forget(running: &mut BTreeSet<JobKind>, ended: Result<JobKind, JoinError>) {
    match ended {
        Ok(kind) => {
            running.remove(&kind);
        }
        Err(error) => {
            // Of which kind it was is not known; the rows say what runs.
            running.clear();
            tracing::error!(%error, "the care for a job ended; a server takes it again in a while");
        }
    }
}

fn finish_of(joined: Result<Result<Ended, WorkError>, JoinError>) -> Finish {
    match joined {
        Ok(Ok(Ended::Done(result))) => Finish::Ended(JobEnd::Succeeded(result)),
        Ok(Ok(Ended::Cancelled(result))) => Finish::Ended(JobEnd::Cancelled(result)),
        Ok(Err(WorkError::Failed(error))) => Finish::Ended(JobEnd::Failed(error)),
        Ok(Err(WorkError::Lost)) => Finish::Lost,
        Err(error) => Finish::Ended(JobEnd::Failed(JobError {
            code: "panicked".to_owned(),
            detail: format!(
                "the server failed over it: {}; its log may say more",
                error
                    .try_into_panic()
                    .map_or_else(|error| error.to_string(), said)
            ),
        })),
    }
}

/// What a panic says.
#[expect(clippy::needless_pass_by_value, reason = "a panic is handed over")]
fn said(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it gave no reason".to_owned())
}

fn tell_end(context: &JobContext, end: &JobEnd) {
    let (job, kind) = (context.job().id, context.job().kind);
    match end {
        JobEnd::Succeeded(result) => tracing::info!(job, %kind, %result, "job done"),
        JobEnd::Cancelled(result) => tracing::info!(job, %kind, %result, "job cancelled"),
        JobEnd::Failed(error) => {
            tracing::warn!(job, %kind, code = error.code, detail = error.detail, "job failed");
        }
    }
}
