//! Those who watch jobs.

use super::*;

#[tokio::test]
async fn many_watch_a_job_that_is_read_for_all() {
    let bed = Bed::new().await;
    let (work, mut reins) = steps();
    let rare = Pace {
        poll: Duration::from_hours(1),
        schedules: Duration::from_hours(1),
        hold: Duration::from_hours(1),
        tick: Duration::from_millis(20),
    };
    let server = bed.server(work, rare);
    let id = server.queue().await;
    reins.begun().await;
    let mut watching = Vec::new();
    for _ in 0..256 {
        let mut one = server.jobs.watch(id).await.expect("watch").expect("a job");
        let first = within(one.next()).await.expect("the job");
        assert_eq!(first.id, id);
        watching.push(one);
    }
    let refused = server.jobs.watch(id).await.map(drop).expect_err("too many");
    assert_eq!(refused.retry_after, Some(Duration::from_secs(5)));
    let reads = bed.metadata.statements().reads();
    reins.go_on.add_permits(1);
    for one in &mut watching {
        while within(one.next())
            .await
            .expect("the job")
            .progress
            .is_none()
        {}
    }
    let read = bed.metadata.statements().reads() - reads;
    assert!(read < 100, "{read} reads for 256 who watch");
    reins.go_on.add_permits(1);
    for one in &mut watching {
        let mut last = None;
        while let Some(job) = within(one.next()).await {
            last = Some(job);
        }
        assert_eq!(last.expect("the job").state, JobState::Succeeded);
    }
    drop(watching);
    // One that has ended is told once; of one that is not there nothing is.
    let mut ended = server.jobs.watch(id).await.expect("watch").expect("a job");
    assert!(within(ended.next()).await.is_some());
    assert!(within(ended.next()).await.is_none());
    assert!(server.jobs.watch(1).await.expect("watch").is_none());
    server.stop().await;
}
