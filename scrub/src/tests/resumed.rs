//! A server ends in the middle of a run.

use super::house::{House, bytes};
use larder_metadata::jobs::NewJob;
use larder_model::{JobKind, JobState};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_goes_on_where_one_ended() {
    let mut house = House::new().await;
    let mut all = BTreeSet::new();
    for number in 0..60 {
        all.insert(
            house
                .mirror(&format!("m{number}"), &bytes(&number.to_string(), true))
                .await,
        );
    }
    // One in the middle is damaged, and its upstream lets it wait; one at the start has no upstream.
    let middle = *all.iter().nth(30).expect("a blob");
    let own = bytes("hosted", true);
    let hosted = house.upload("app", &own).await;
    for digest in [middle, hosted] {
        std::fs::write(house.object(digest).await, b"short").expect("truncate");
    }
    let gate = &house.upstream.gate;
    gate.forget_permits(gate.available_permits());
    let id = house.ask(NewJob::of(JobKind::Scrub)).await;
    house.upstream.asked.notified().await;
    house.is_killed().await;
    house.upstream.gate.add_permits(1000);
    let ran = house.end_of(id).await;
    assert_eq!(ran.job.state, JobState::Succeeded, "{:?}", ran.job.error);
    assert_eq!(ran.job.attempts, 2);
    // Each was looked at once, as if nothing had happened.
    assert_eq!(ran.count("examined"), 61);
    assert_eq!((ran.count("healed"), ran.count("quarantined")), (1, 1));
    assert_eq!(ran.did("heal"), BTreeSet::from([middle]));
    assert_eq!(ran.did("quarantine"), BTreeSet::from([hosted]));
    // The second server has read no more than what was left.
    let read: u64 = ran.count("bytes");
    assert!(read > 59 * 70_000 && read < 61 * 71_000, "{read}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_when_it_is_to() {
    let house = House::new().await;
    let blob = house.mirror("m", &bytes("m", true)).await;
    house.upload("app", &bytes("other", true)).await;
    std::fs::remove_file(house.object(blob).await).expect("delete");
    let gate = &house.upstream.gate;
    gate.forget_permits(gate.available_permits());
    let id = house.ask(NewJob::of(JobKind::Scrub)).await;
    house.upstream.asked.notified().await;
    let cancelled = house
        .metadata
        .cancel_job(id, &larder_model::System::Larder)
        .await;
    cancelled.expect("cancel");
    // Whatever its upstream does.
    let ran = house.end_of(id).await;
    assert_eq!(ran.job.state, JobState::Cancelled);
    assert_eq!(house.quarantine().await.len(), 1, "what was found is known");
    house.upstream.gate.add_permits(1000);
    let next = house.scrub().await;
    assert_eq!((next.count("examined"), next.count("healed")), (2, 1));
    house.end().await;
}
