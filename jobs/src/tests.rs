//! Jobs over a database in a temporary folder. Every wait is for an event, with a deadline.

mod items;
mod watching;

use crate::{Ended, Item, JobContext, Jobs, Pace, Progress, Work, WorkError, Works};
use async_trait::async_trait;
use larder_metadata::Metadata;
use larder_metadata::jobs::{HELD, HeldJob, Job, JobFilter, NewJob};
use larder_model::{Clock, Cron, JobKind, JobState, System, Timestamp};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);
const KIND: JobKind = JobKind::UpstreamCheck;
const QUICK: Pace = Pace {
    poll: Duration::from_millis(5),
    schedules: Duration::from_millis(5),
    tick: Duration::from_millis(5),
    hold: Duration::from_millis(20),
};

async fn within<T>(event: impl Future<Output = T>) -> T {
    timeout(DEADLINE, event).await.expect("in time")
}

/// A database, and a clock that is turned by hand.
struct Bed {
    metadata: Metadata,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(time.load(Ordering::SeqCst)));
        let path = folder.path().join("larder.db");
        let metadata = Metadata::sqlite(&path, 2, clock).await;
        Self {
            metadata: metadata.expect("database"),
            now,
            _folder: folder,
        }
    }

    fn turn(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("short");
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    /// A server that does `work`.
    fn server(&self, work: impl Work + 'static, pace: Pace) -> Server {
        let works = Works::default().with(KIND, cron("0 3 * * *"), work);
        let jobs = Jobs::new(self.metadata.clone(), works, pace);
        let own = jobs.clone();
        let running = tokio::spawn(async move { own.run().await });
        Server { jobs, running }
    }

    /// A server that may take a job, which nobody else does, at any moment.
    async fn take(&self) -> HeldJob {
        let taken = self.metadata.take_job(KIND).await.expect("take");
        taken.expect("a job")
    }

    async fn job(&self, id: i64) -> Job {
        let job = self.metadata.job(id).await.expect("job");
        job.expect("a job")
    }

    async fn jobs(&self) -> Vec<Job> {
        let all = self.metadata.jobs(JobFilter::default(), None, 100).await;
        all.expect("jobs")
    }

    async fn items(&self, id: i64) -> Vec<(u64, String)> {
        let items = self.metadata.job_items(id, 0, 1000).await.expect("items");
        let action = |item: Json| item["action"].as_str().expect("action").to_owned();
        items
            .into_iter()
            .map(|(n, item)| (n, action(item)))
            .collect()
    }
}

struct Server {
    jobs: Jobs,
    running: JoinHandle<()>,
}

impl Server {
    async fn queue(&self) -> i64 {
        let queued = self.jobs.queue(NewJob::of(KIND), &System::Console).await;
        queued.expect("queue").id
    }

    /// The job once it is as `fits` says.
    async fn see(&self, id: i64, fits: impl Fn(&Job) -> bool) -> Arc<Job> {
        let mut watching = self.jobs.watch(id).await.expect("watch").expect("a job");
        within(async {
            loop {
                let job = watching.next().await.expect("the job goes on");
                if fits(&job) {
                    return job;
                }
            }
        })
        .await
    }

    async fn end(&self, id: i64) -> Arc<Job> {
        self.see(id, |job| job.state.is_final()).await
    }

    async fn stop(self) {
        self.jobs.stop();
        within(self.running).await.expect("run");
    }
}

fn cron(text: &str) -> Cron {
    text.parse().expect("cron")
}

fn item(action: &str) -> Item {
    Item {
        action: action.to_owned(),
        reason: "because".to_owned(),
        ..Item::default()
    }
}

/// Work whose parts a test lets go on one by one.
struct Steps {
    begun: UnboundedSender<u64>,
    go_on: Arc<Semaphore>,
}

/// What a test sees of such work.
struct Reins {
    begun: UnboundedReceiver<u64>,
    go_on: Arc<Semaphore>,
}

fn steps() -> (Steps, Reins) {
    let (told, begun) = unbounded_channel();
    let go_on = Arc::new(Semaphore::new(0));
    let steps = Steps {
        begun: told,
        go_on: Arc::clone(&go_on),
    };
    (steps, Reins { begun, go_on })
}

impl Reins {
    async fn begun(&mut self) -> u64 {
        within(self.begun.recv()).await.expect("begun")
    }
}

#[async_trait]
impl Work for Steps {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        self.begun.send(job.job().attempts).expect("told");
        for step in 1..=2 {
            tokio::select! {
                permit = self.go_on.acquire() => permit.expect("open").forget(),
                () = job.cancelled() => return Ok(Ended::Cancelled(json!({"steps": step - 1}))),
            }
            job.progress(Progress {
                phase: "step".to_owned(),
                done: step,
                total: Some(2),
                unit: "steps".to_owned(),
                bytes: 7,
            });
            job.item(&item(&format!("step {step}"))).await?;
        }
        Ok(Ended::Done(json!({"steps": 2})))
    }
}

/// Work that is a function without IO.
struct Plain(fn() -> Result<Ended, WorkError>);

#[async_trait]
impl Work for Plain {
    async fn run(&self, _: &JobContext) -> Result<Ended, WorkError> {
        (self.0)()
    }
}

#[tokio::test]
async fn a_job_is_done_and_tells_of_itself() {
    let bed = Bed::new().await;
    let (work, mut reins) = steps();
    let server = bed.server(work, QUICK);
    let id = server.queue().await;
    assert_eq!(reins.begun().await, 1);
    reins.go_on.add_permits(1);
    let half = server.see(id, |job| job.progress.is_some()).await;
    let progress = json!({"phase": "step", "done": 1, "total": 2, "unit": "steps", "bytes": 7});
    assert_eq!(half.progress, Some(progress));
    assert_eq!(half.state, JobState::Running);
    reins.go_on.add_permits(1);
    let done = server.end(id).await;
    assert_eq!(done.state, JobState::Succeeded);
    assert_eq!(done.result, Some(json!({"steps": 2})));
    // What was told last is written with the end.
    assert_eq!(done.progress.as_ref().expect("progress")["done"], 2);
    let items = bed.items(id).await;
    assert_eq!(items, [(1, "step 1".to_owned()), (2, "step 2".to_owned())]);
    server.stop().await;
}

#[tokio::test]
async fn failures_and_panics_are_told() {
    let bed = Bed::new().await;
    let failing = || Err(WorkError::failed("no_luck", "it did not work out"));
    let server = bed.server(Plain(failing), QUICK);
    let job = server.queue().await;
    let failed = server.end(job).await;
    let error = failed.error.as_ref().expect("error");
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(
        (&*error.code, &*error.detail),
        ("no_luck", "it did not work out")
    );
    server.stop().await;

    let server = bed.server(Plain(|| panic!("out of {}", "luck")), QUICK);
    let job = server.queue().await;
    let failed = server.end(job).await;
    let error = failed.error.as_ref().expect("error");
    assert_eq!((failed.state, &*error.code), (JobState::Failed, "panicked"));
    assert!(error.detail.contains("out of luck"), "{error:?}");
    // The server does the next one.
    let next = server.queue().await;
    assert_eq!(server.end(next).await.state, JobState::Failed);
    server.stop().await;
}

#[tokio::test]
async fn a_job_is_cancelled_at_any_server() {
    let bed = Bed::new().await;
    let (work, mut reins) = steps();
    let server = bed.server(work, QUICK);
    let id = server.queue().await;
    reins.begun().await;
    reins.go_on.add_permits(1);
    server.see(id, |job| job.progress.is_some()).await;
    // Another server has this row alone.
    bed.metadata
        .cancel_job(id, &System::Console)
        .await
        .expect("cancel");
    let ended = server.end(id).await;
    assert_eq!(ended.state, JobState::Cancelled);
    assert_eq!(ended.result, Some(json!({"steps": 1})));
    server.stop().await;
}

#[tokio::test]
async fn one_job_of_a_kind_runs_at_a_time() {
    let bed = Bed::new().await;
    let (work, mut first) = steps();
    let one = bed.server(work, QUICK);
    let id = one.queue().await;
    first.begun().await;
    let (work, mut second) = steps();
    let other = bed.server(work, QUICK);
    let next = other.queue().await;
    // The other server has looked for work several times by the time this one is done.
    first.go_on.add_permits(2);
    assert!(second.begun.try_recv().is_err());
    one.end(id).await;
    first.go_on.add_permits(2);
    second.go_on.add_permits(2);
    one.end(next).await;
    let begun = [first.begun.try_recv(), second.begun.try_recv()];
    assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 1);
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_job_of_a_dead_server_is_taken_up() {
    let bed = Bed::new().await;
    let new = NewJob::of(KIND);
    let job = bed.metadata.queue_job(new, &System::Console).await;
    let id = job.expect("queue").id;
    let dead = bed.take().await;
    let told = [json!(item("by the dead"))];
    bed.metadata
        .add_job_items(&dead, 1, &told)
        .await
        .expect("items");
    let (work, mut reins) = steps();
    let server = bed.server(work, QUICK);
    bed.turn(HELD);
    assert_eq!(reins.begun().await, 2);
    reins.go_on.add_permits(2);
    assert_eq!(server.end(id).await.state, JobState::Succeeded);
    // What was told before stays.
    let items = bed.items(id).await;
    let actions: Vec<&str> = items.iter().map(|(_, action)| &**action).collect();
    assert_eq!(actions, ["by the dead", "step 1", "step 2"]);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_gives_its_job_back() {
    let bed = Bed::new().await;
    let (work, mut reins) = steps();
    let server = bed.server(work, QUICK);
    let id = server.queue().await;
    reins.begun().await;
    reins.go_on.add_permits(1);
    let mut watching = server.jobs.watch(id).await.expect("watch").expect("a job");
    server.see(id, |job| job.progress.is_some()).await;
    server.stop().await;
    // Who watches is told nothing more.
    within(async { while watching.next().await.is_some() {} }).await;
    let job = bed.job(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    assert_eq!(bed.items(id).await, [(1, "step 1".to_owned())]);
    let (work, mut reins) = steps();
    let next = bed.server(work, QUICK);
    assert_eq!(reins.begun().await, 1);
    reins.go_on.add_permits(2);
    assert_eq!(next.end(id).await.state, JobState::Succeeded);
    next.stop().await;
}

#[tokio::test]
async fn a_schedule_asks_once_for_all_servers() {
    let bed = Bed::new().await;
    let done = || Ok(Ended::Done(json!({})));
    let servers = [(); 3].map(|()| bed.server(Plain(done), QUICK));
    // Each kind that can be done has its schedule, and no other.
    for server in &servers {
        server.jobs.add_schedules().await.expect("schedules");
    }
    let schedule = bed.metadata.schedule(KIND).await.expect("schedule");
    let schedule = schedule.expect("a schedule");
    let all = bed.metadata.schedules().await.expect("schedules");
    assert_eq!((all.len(), schedule.cron.as_str()), (1, "0 3 * * *"));
    assert_eq!(bed.jobs().await, []);
    // One that nobody can do here is left alone.
    let other = bed
        .metadata
        .add_schedule(JobKind::Scrub, &cron("* * * * *"))
        .await;
    other.expect("add");
    // Ten runs were missed.
    bed.turn(Duration::from_hours(240));
    let job = within(async {
        loop {
            if let [job] = &bed.jobs().await[..] {
                return job.clone();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((job.kind, &*job.created_by), (KIND, "schedule"));
    assert_eq!(servers[0].end(job.id).await.state, JobState::Succeeded);
    for server in servers {
        server.stop().await;
    }
    assert_eq!(bed.jobs().await.len(), 1);
}
