//! Asks for jobs when their time has come.

use crate::pace::{stopped, ticks};
use crate::runner::Runner;
use larder_metadata::Error;
use larder_model::Problem;

/// Looks at the schedules again and again, until the server stops.
pub(crate) async fn run(runner: &Runner) {
    let mut looks = ticks(runner.pace.schedules);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = stopped(&runner.stopping) => return,
        }
        if let Err(error) = look(runner).await {
            let problem = Problem::from(error);
            tracing::warn!(
                problem = problem.with_causes(),
                "schedules could not be looked at; the next time tries again"
            );
        }
    }
}

/// Asks for the jobs that are due.
async fn look(runner: &Runner) -> Result<(), Error> {
    let metadata = &runner.metadata;
    let now = metadata.shared_now().await?;
    for schedule in metadata.schedules().await? {
        if !runner.works.has(schedule.kind) || !schedule.is_due(now) {
            continue;
        }
        if let Some(job) = metadata.begin_scheduled(&schedule, now).await? {
            let (kind, cron) = (schedule.kind, &schedule.cron);
            tracing::info!(job = job.id, %kind, %cron, "a schedule asked for a job");
            runner.wake.notify_one();
        }
    }
    Ok(())
}
