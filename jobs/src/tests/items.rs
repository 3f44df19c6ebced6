//! What jobs tell of each thing: under the fence, anew, and bounded.

use super::*;
use crate::MAX_ITEMS;
use larder_metadata::jobs::{HELD, JobEnd};

/// Tells more than is written at once, and what came of it.
struct Talks(UnboundedSender<Result<(), WorkError>>, Arc<Semaphore>);

#[async_trait]
impl Work for Talks {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        self.0.send(Ok(())).expect("told");
        self.1.acquire().await.expect("open").forget();
        let mut told = Ok(());
        for _ in 0..500 {
            told = told.and(job.item(&item("talk")).await);
        }
        self.0.send(told.clone()).expect("told");
        told.map(|()| Ended::Done(json!({})))
    }
}

#[tokio::test]
async fn a_server_that_lost_its_job_writes_nothing_more() {
    let bed = Bed::new().await;
    let slow = Pace {
        tick: Duration::from_hours(1),
        hold: Duration::from_hours(1),
        ..QUICK
    };
    let (told, mut said) = unbounded_channel();
    let go_on = Arc::new(Semaphore::new(0));
    let server = bed.server(Talks(told, Arc::clone(&go_on)), slow);
    let id = server.queue().await;
    within(said.recv()).await.expect("begun").expect("begun");
    // It says for too long nothing; another takes the job and ends it.
    bed.turn(HELD);
    let other = bed.take().await;
    go_on.add_permits(1);
    assert_eq!(within(said.recv()).await, Some(Err(WorkError::Lost)));
    assert_eq!(bed.items(id).await, []);
    assert_eq!(bed.job(id).await.state, JobState::Running);
    let end = JobEnd::Succeeded(json!({"by": "the other"}));
    bed.metadata.finish_job(&other, &end).await.expect("finish");
    server.stop().await;
    let job = bed.job(id).await;
    assert_eq!(job.result, Some(json!({"by": "the other"})));
}

/// Forgets what was told before, and tells an item.
struct Anew;

#[async_trait]
impl Work for Anew {
    async fn run(&self, job: &JobContext) -> Result<Ended, WorkError> {
        job.forget_items().await?;
        job.item(&item("anew")).await?;
        Ok(Ended::Done(json!({})))
    }
}

#[tokio::test]
async fn items_can_be_told_anew_and_are_bounded() {
    let bed = Bed::new().await;
    let new = NewJob::of(KIND);
    let job = bed.metadata.queue_job(new, &System::Console).await;
    let id = job.expect("queue").id;
    let dead = bed.take().await;
    let last = [json!(item("the last that fits but one"))];
    let told = bed
        .metadata
        .add_job_items(&dead, MAX_ITEMS - 1, &last)
        .await;
    told.expect("items");
    bed.turn(HELD);
    let (work, mut reins) = steps();
    let server = bed.server(work, QUICK);
    reins.begun().await;
    reins.go_on.add_permits(2);
    server.end(id).await;
    assert_eq!(
        bed.metadata.last_job_item(id).await.expect("last"),
        MAX_ITEMS
    );
    server.stop().await;

    let new = bed
        .metadata
        .queue_job(NewJob::of(KIND), &System::Console)
        .await;
    let id = new.expect("queue").id;
    let dead = bed.take().await;
    let told = [json!(item("by the dead"))];
    bed.metadata
        .add_job_items(&dead, 1, &told)
        .await
        .expect("items");
    bed.turn(HELD);
    let server = bed.server(Anew, QUICK);
    server.end(id).await;
    assert_eq!(bed.items(id).await, [(1, "anew".to_owned())]);
    server.stop().await;
}
