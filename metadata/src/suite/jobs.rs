//! Jobs: one of a kind runs at a time, on one server, which changes nothing once it lost it.

use super::fixture::{ALICE, BOB, assert_unmet};
use crate::jobs::{HeldJob, Job, JobEnd, JobError, JobFilter, MAX_ATTEMPTS, NewJob};
use crate::{Error, Metadata, Requirement};
use larder_model::{JobKind, JobState};
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

checks![
    a_job_goes_from_the_queue_to_its_end,
    one_job_of_a_kind_runs_at_a_time,
    of_many_servers_one_takes_a_job,
    an_abandoned_job_is_taken_over_and_fenced,
    a_job_that_servers_die_of_fails,
    an_abandoned_job_that_is_to_end_ends,
    a_job_that_is_given_back_waits_again,
    of_many_servers_one_takes_an_abandoned_job,
    a_job_that_waits_is_cancelled_at_once,
    a_job_that_runs_is_asked_to_end,
    items_are_told_in_order,
    items_are_forgotten_by_who_holds_the_job,
    jobs_are_listed_the_newest_first,
    old_jobs_are_deleted_with_their_items,
];

/// The check's own kind: checks that take jobs of one kind run one after the other.
async fn queue(metadata: &Metadata, kind: JobKind) -> Job {
    let new = NewJob {
        repository: Some("npm/local".parse().expect("path")),
        parameters: json!({"grace": "0s"}),
        ..NewJob::of(kind)
    };
    metadata.queue_job(new, &ALICE).await.expect("queue")
}

async fn take(metadata: &Metadata, kind: JobKind) -> Option<HeldJob> {
    metadata.take_job(kind).await.expect("take")
}

/// No job of the kind is left, whoever made it.
async fn clear(metadata: &Metadata, kind: JobKind) {
    let text = format!("delete from jobs where kind = '{kind}'");
    metadata.sql.script(text).await.expect("clear");
}

async fn end(metadata: &Metadata, held: &HeldJob) {
    let end = JobEnd::Succeeded(json!({"deleted": 1}));
    metadata.finish_job(held, &end).await.expect("finish");
}

/// As if the job's server had been silent for long.
async fn abandon(metadata: &Metadata, held: &HeldJob) {
    let text = format!("update jobs set held_until = 1 where id = {}", held.job.id);
    metadata.sql.script(text).await.expect("abandon");
}

async fn told(metadata: &Metadata, id: i64) -> Job {
    metadata.job(id).await.expect("job").expect("a job")
}

async fn a_job_goes_from_the_queue_to_its_end(metadata: &Metadata) {
    clear(metadata, JobKind::Gc).await;
    let job = queue(metadata, JobKind::Gc).await;
    assert_eq!(told(metadata, job.id).await, job);
    assert_eq!(
        (job.state, &*job.created_by),
        (JobState::Queued, "user:alice")
    );
    let held = take(metadata, JobKind::Gc).await.expect("a job");
    assert_eq!(told(metadata, job.id).await, held.job);
    assert_eq!(held.job.state, JobState::Running);
    assert!(held.job.started_at.is_some());
    let progress = json!({"phase": "sweep", "done": 1});
    let cancelled = metadata
        .hold_job(&held, Some(&progress))
        .await
        .expect("hold");
    assert!(!cancelled);
    metadata.hold_job(&held, None).await.expect("hold");
    assert_eq!(told(metadata, job.id).await.progress, Some(progress));
    end(metadata, &held).await;
    let ended = told(metadata, job.id).await;
    assert_eq!(ended.state, JobState::Succeeded);
    assert_eq!(ended.result, Some(json!({"deleted": 1})));
    assert!(ended.finished_at.is_some() && ended.error.is_none());
    assert_eq!(take(metadata, JobKind::Gc).await, None);
    assert_unmet(metadata.hold_job(&held, None).await, Requirement::Job);

    let job = queue(metadata, JobKind::Gc).await;
    let held = take(metadata, JobKind::Gc).await.expect("a job");
    let error = JobError {
        code: "storage_unavailable".to_owned(),
        detail: "the bucket does not answer".to_owned(),
    };
    let failed = JobEnd::Failed(error.clone());
    metadata.finish_job(&held, &failed).await.expect("finish");
    let ended = told(metadata, job.id).await;
    assert_eq!((ended.state, ended.error), (JobState::Failed, Some(error)));
}

async fn one_job_of_a_kind_runs_at_a_time(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    clear(metadata, kind).await;
    let (first, second) = (queue(metadata, kind).await, queue(metadata, kind).await);
    let held = take(metadata, kind).await.expect("a job");
    assert_eq!(held.job.id, first.id);
    assert_eq!(take(metadata, kind).await, None, "one runs");
    assert!(!waits(metadata, kind).await, "it is not asked for in vain");
    end(metadata, &held).await;
    let held = take(metadata, kind).await.expect("a job");
    assert_eq!(held.job.id, second.id);
    end(metadata, &held).await;
}

async fn of_many_servers_one_takes_a_job(metadata: &Metadata) {
    let kind = JobKind::Backup;
    clear(metadata, kind).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(queue(metadata, kind).await.id);
    }
    let mut taken = Vec::new();
    for _ in 0..all.len() {
        let mut servers = JoinSet::new();
        for _ in 0..8 {
            let metadata = metadata.clone();
            servers.spawn(async move { take(&metadata, kind).await });
        }
        let held: Vec<_> = servers.join_all().await.into_iter().flatten().collect();
        assert_eq!(held.len(), 1);
        end(metadata, &held[0]).await;
        taken.push(held[0].job.id);
    }
    assert_eq!(taken, all);
}

async fn an_abandoned_job_is_taken_over_and_fenced(metadata: &Metadata) {
    let kind = JobKind::Retention;
    clear(metadata, kind).await;
    queue(metadata, kind).await;
    let first = take(metadata, kind).await.expect("a job");
    abandon(metadata, &first).await;
    let second = take(metadata, kind).await.expect("the job");
    assert_eq!(second.job.id, first.job.id);
    assert_eq!(second.job.started_at, first.job.started_at);
    // The first server wakes up, and can do nothing any more.
    let lost = async |done: Result<(), Error>| assert_unmet(done, Requirement::Job);
    lost(metadata.hold_job(&first, None).await.map(drop)).await;
    lost(metadata.add_job_items(&first, 1, &[json!({})]).await).await;
    lost(metadata.forget_job_items(&first).await).await;
    lost(metadata.give_job_back(&first).await).await;
    lost(metadata.is_job_cancelled(&first).await.map(drop)).await;
    let end_of_first = JobEnd::Succeeded(json!({}));
    lost(metadata.finish_job(&first, &end_of_first).await).await;
    metadata.hold_job(&second, None).await.expect("hold");
    end(metadata, &second).await;
}

async fn waits(metadata: &Metadata, kind: JobKind) -> bool {
    let waiting = metadata.waiting_jobs().await.expect("waiting");
    waiting.contains(&kind)
}

async fn a_job_that_servers_die_of_fails(metadata: &Metadata) {
    let kind = JobKind::Retention;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    let next = queue(metadata, kind).await;
    for attempt in 1..=MAX_ATTEMPTS {
        let held = take(metadata, kind).await.expect("the job");
        assert_eq!((held.job.id, held.job.attempts), (job.id, attempt));
        abandon(metadata, &held).await;
    }
    // It has failed, and keeps no other from its turn.
    let held = take(metadata, kind).await.expect("the next job");
    assert_eq!(held.job.id, next.id);
    let failed = told(metadata, job.id).await;
    assert_eq!(failed.state, JobState::Failed);
    assert!(failed.finished_at.is_some());
    let error = failed.error.expect("error");
    assert_eq!(error.code, "abandoned");
    assert!(
        error.detail.starts_with("5 servers began with it"),
        "{error:?}"
    );
    end(metadata, &held).await;
}

async fn an_abandoned_job_that_is_to_end_ends(metadata: &Metadata) {
    let kind = JobKind::Retention;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    let held = take(metadata, kind).await.expect("the job");
    metadata.cancel_job(job.id, &BOB).await.expect("cancel");
    abandon(metadata, &held).await;
    assert!(waits(metadata, kind).await);
    assert_eq!(take(metadata, kind).await, None);
    let ended = told(metadata, job.id).await;
    assert_eq!((ended.state, ended.error), (JobState::Cancelled, None));
    assert!(!waits(metadata, kind).await);
}

async fn a_job_that_is_given_back_waits_again(metadata: &Metadata) {
    let kind = JobKind::Retention;
    clear(metadata, kind).await;
    assert!(!waits(metadata, kind).await);
    let job = queue(metadata, kind).await;
    assert!(waits(metadata, kind).await);
    let first = take(metadata, kind).await.expect("the job");
    assert!(!waits(metadata, kind).await, "its server is alive");
    metadata.give_job_back(&first).await.expect("give back");
    let queued = told(metadata, job.id).await;
    assert_eq!((queued.state, queued.attempts), (JobState::Queued, 0));
    assert!(waits(metadata, kind).await);
    assert_unmet(metadata.hold_job(&first, None).await, Requirement::Job);
    let second = take(metadata, kind).await.expect("the job");
    assert_eq!(second.job.started_at, first.job.started_at);
    // Whoever gave it back holds nothing of what goes on now.
    assert_unmet(metadata.hold_job(&first, None).await, Requirement::Job);
    end(metadata, &second).await;
}

async fn of_many_servers_one_takes_an_abandoned_job(metadata: &Metadata) {
    let kind = JobKind::Retention;
    clear(metadata, kind).await;
    queue(metadata, kind).await;
    let first = take(metadata, kind).await.expect("the job");
    abandon(metadata, &first).await;
    let mut servers = JoinSet::new();
    for _ in 0..8 {
        let metadata = metadata.clone();
        servers.spawn(async move { take(&metadata, kind).await });
    }
    let held: Vec<_> = servers.join_all().await.into_iter().flatten().collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].job.attempts, 2);
    end(metadata, &held[0]).await;
}

async fn a_job_that_waits_is_cancelled_at_once(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    metadata.cancel_job(job.id, &BOB).await.expect("cancel");
    let ended = told(metadata, job.id).await;
    assert_eq!(ended.state, JobState::Cancelled);
    assert!(ended.cancelled && ended.finished_at.is_some());
    assert_eq!(take(metadata, kind).await, None);
    assert_unmet(metadata.cancel_job(job.id, &BOB).await, Requirement::Job);
    assert_unmet(metadata.cancel_job(1, &BOB).await, Requirement::Job);
}

async fn a_job_that_runs_is_asked_to_end(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    let held = take(metadata, kind).await.expect("a job");
    metadata.cancel_job(job.id, &BOB).await.expect("cancel");
    assert_eq!(told(metadata, job.id).await.state, JobState::Running);
    let cancelled = metadata.hold_job(&held, None).await.expect("hold");
    assert!(cancelled);
    let end = JobEnd::Cancelled(json!({"deleted": 0}));
    metadata.finish_job(&held, &end).await.expect("finish");
    let ended = told(metadata, job.id).await;
    assert_eq!(ended.state, JobState::Cancelled);
    assert_eq!(ended.result, Some(json!({"deleted": 0})));
}

async fn items_are_told_in_order(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    queue(metadata, kind).await;
    let held = take(metadata, kind).await.expect("a job");
    let items: Vec<Json> = (1..=5).map(|number| json!({"n": number})).collect();
    metadata
        .add_job_items(&held, 1, &items[..3])
        .await
        .expect("items");
    // A server that takes over tells some again.
    metadata
        .add_job_items(&held, 3, &items[2..])
        .await
        .expect("items");
    let read = async |after, limit| {
        let items = metadata.job_items(held.job.id, after, limit).await;
        items.expect("items")
    };
    let all: Vec<(u64, Json)> = (1..).zip(items).collect();
    assert_eq!(read(0, 10).await, all);
    assert_eq!(read(2, 2).await, all[2..4]);
    end(metadata, &held).await;
}

async fn items_are_forgotten_by_who_holds_the_job(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    let held = take(metadata, kind).await.expect("a job");
    let last = async || metadata.last_job_item(job.id).await.expect("last");
    assert_eq!(last().await, 0);
    let items = [json!({"n": 1}), json!({"n": 2})];
    let added = metadata.add_job_items(&held, 1, &items).await;
    added.expect("items");
    assert_eq!(last().await, 2);
    metadata.forget_job_items(&held).await.expect("forget");
    assert_eq!(last().await, 0);
    end(metadata, &held).await;
}

async fn jobs_are_listed_the_newest_first(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.insert(0, queue(metadata, kind).await.id);
    }
    metadata.cancel_job(all[1], &BOB).await.expect("cancel");
    let list = async |state, before, limit| {
        let filter = JobFilter {
            kind: Some(kind),
            state,
        };
        let jobs = metadata.jobs(filter, before, limit).await.expect("jobs");
        jobs.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 10).await, all);
    assert_eq!(list(None, Some(all[0]), 1).await, [all[1]]);
    let cancelled = Some(JobState::Cancelled);
    assert_eq!(list(cancelled, None, 10).await, [all[1]]);
    let everything = metadata.jobs(JobFilter::default(), None, 3).await;
    assert_eq!(everything.expect("jobs").len(), 3);
    let of_state = JobFilter {
        kind: None,
        state: cancelled,
    };
    let of_state = metadata.jobs(of_state, None, 1).await.expect("jobs");
    assert_eq!(of_state[0].state, JobState::Cancelled);
}

async fn old_jobs_are_deleted_with_their_items(metadata: &Metadata) {
    let kind = JobKind::UpstreamCheck;
    clear(metadata, kind).await;
    let job = queue(metadata, kind).await;
    let held = take(metadata, kind).await.expect("a job");
    let items = [json!({})];
    metadata
        .add_job_items(&held, 1, &items)
        .await
        .expect("items");
    let now = async || metadata.shared_now().await.expect("now");
    metadata.prune_jobs(now().await).await.expect("prune");
    assert!(
        metadata.job(job.id).await.expect("job").is_some(),
        "it runs"
    );
    end(metadata, &held).await;
    assert!(metadata.prune_jobs(now().await).await.expect("prune") >= 1);
    assert_eq!(metadata.job(job.id).await.expect("job"), None);
    let left = metadata.job_items(job.id, 0, 10).await.expect("items");
    assert!(left.is_empty());
}
