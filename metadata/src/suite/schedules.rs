//! Schedules: one job for all servers and all that was missed, and none of what was not due.

use super::fixture::{ALICE, assert_unmet};
use crate::jobs::{Job, JobFilter};
use crate::schedules::Schedule;
use crate::{Metadata, Requirement};
use larder_model::{Cron, JobKind, JobState, Timestamp};
use std::time::Duration;
use tokio::task::JoinSet;

checks![
    a_kind_has_one_schedule,
    a_schedule_is_due_after_what_was_begun,
    of_many_servers_one_begins,
    a_job_that_waits_is_not_asked_for_again,
    a_changed_schedule_makes_up_for_nothing,
    an_old_reading_of_a_schedule_begins_nothing,
    a_change_moves_the_policy,
];

fn cron(text: &str) -> Cron {
    text.parse().expect("cron")
}

/// The schedule of a kind, made anew at this time of the day; no job of the kind is left.
async fn fresh(metadata: &Metadata, kind: JobKind, text: &str) -> Schedule {
    let script = format!(
        "delete from jobs where kind = '{kind}'; delete from schedules where kind = '{kind}'"
    );
    metadata.sql.script(script).await.expect("clear");
    let added = metadata.add_schedule(kind, &cron(text)).await;
    added.expect("add");
    told(metadata, kind).await
}

async fn told(metadata: &Metadata, kind: JobKind) -> Schedule {
    let schedule = metadata.schedule(kind).await.expect("schedule");
    schedule.expect("a schedule")
}

async fn jobs(metadata: &Metadata, kind: JobKind) -> Vec<Job> {
    let filter = JobFilter {
        kind: Some(kind),
        state: None,
    };
    metadata.jobs(filter, None, 100).await.expect("jobs")
}

async fn a_kind_has_one_schedule(metadata: &Metadata) {
    let kind = JobKind::Gc;
    let made = fresh(metadata, kind, "0 3 * * *").await;
    assert!(made.enabled);
    // What is there stays, as another server's first start finds it.
    let added = metadata.add_schedule(kind, &cron("1 1 * * *")).await;
    added.expect("add");
    assert_eq!(told(metadata, kind).await, made);
    let new = cron("0 4 * * sun");
    let changed = metadata.change_schedule(kind, &new, false, &ALICE).await;
    changed.expect("change");
    let now = told(metadata, kind).await;
    assert_eq!((&now.cron, now.enabled), (&new, false));
    let all = metadata.schedules().await.expect("schedules");
    assert_eq!(all.iter().filter(|one| one.kind == kind).count(), 1);
    let script = format!("delete from schedules where kind = '{kind}'");
    metadata.sql.script(script).await.expect("clear");
    let gone = metadata.change_schedule(kind, &new, true, &ALICE).await;
    assert_unmet(gone, Requirement::Schedule);
    assert_eq!(metadata.schedule(kind).await.expect("schedule"), None);
}

async fn a_schedule_is_due_after_what_was_begun(metadata: &Metadata) {
    let schedule = fresh(metadata, JobKind::Gc, "0 3 * * *").await;
    let next = schedule.cron.next_after(schedule.begun_until);
    let next = next.expect("next");
    assert!(!schedule.is_due(schedule.begun_until));
    assert!(!schedule.is_due(next.before(Duration::from_micros(1))));
    assert!(schedule.is_due(next));
    assert!(schedule.is_due(next.after(Duration::from_hours(1000))));
    let off = Schedule {
        enabled: false,
        ..schedule
    };
    assert!(!off.is_due(next));
}

/// So late that three runs were missed.
fn late(schedule: &Schedule) -> Timestamp {
    let missed = schedule.cron.after(schedule.begun_until, 3);
    missed[2].after(Duration::from_secs(1))
}

async fn of_many_servers_one_begins(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    let schedule = fresh(metadata, kind, "0 * * * *").await;
    let now = late(&schedule);
    let mut servers = JoinSet::new();
    for _ in 0..8 {
        let (metadata, schedule) = (metadata.clone(), schedule.clone());
        servers.spawn(async move { metadata.begin_scheduled(&schedule, now).await });
    }
    let begun = servers.join_all().await.into_iter();
    let begun: Vec<Job> = begun.filter_map(|job| job.expect("begin")).collect();
    assert_eq!(jobs(metadata, kind).await, begun);
    assert_eq!(begun.len(), 1);
    assert_eq!(&*begun[0].created_by, "schedule");
    // What was missed is made up for.
    let after = told(metadata, kind).await;
    assert_eq!(after.begun_until, now);
    assert!(!after.is_due(now));
}

async fn a_job_that_waits_is_not_asked_for_again(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    let schedule = fresh(metadata, kind, "0 * * * *").await;
    let first = metadata.begin_scheduled(&schedule, late(&schedule)).await;
    let first = first.expect("begin").expect("a job");
    let schedule = told(metadata, kind).await;
    let second = metadata.begin_scheduled(&schedule, late(&schedule)).await;
    assert_eq!(second.expect("begin"), None);
    // Its time is over all the same.
    assert_eq!(told(metadata, kind).await.begun_until, late(&schedule));
    assert_eq!(jobs(metadata, kind).await, [first]);
    // One that runs keeps none from waiting.
    let held = metadata.take_job(kind).await.expect("take");
    assert_eq!(held.expect("a job").job.state, JobState::Running);
    let schedule = told(metadata, kind).await;
    let third = metadata.begin_scheduled(&schedule, late(&schedule)).await;
    assert!(third.expect("begin").is_some());
}

async fn a_changed_schedule_makes_up_for_nothing(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    let schedule = fresh(metadata, kind, "* * * * *").await;
    let old = format!("update schedules set begun_until = 1 where kind = '{kind}'");
    metadata.sql.script(old).await.expect("old");
    let change = async |enabled| {
        let changed = metadata.change_schedule(kind, &schedule.cron, enabled, &ALICE);
        changed.await.expect("change");
    };
    change(false).await;
    change(true).await;
    let now = metadata.shared_now().await.expect("now");
    let schedule = told(metadata, kind).await;
    assert!(schedule.begun_until.0 > 1 && schedule.begun_until <= now);
}

async fn an_old_reading_of_a_schedule_begins_nothing(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    let schedule = fresh(metadata, kind, "0 * * * *").await;
    let off = metadata.change_schedule(kind, &schedule.cron, false, &ALICE);
    off.await.expect("change");
    let disabled = told(metadata, kind).await;
    for old in [schedule.clone(), disabled] {
        let begun = metadata.begin_scheduled(&old, late(&schedule)).await;
        assert_eq!(begun.expect("begin"), None);
    }
    assert_eq!(jobs(metadata, kind).await, []);
}

async fn a_change_moves_the_policy(metadata: &Metadata) {
    let kind = JobKind::Scrub;
    let schedule = fresh(metadata, kind, "0 * * * *").await;
    let before = metadata.policy_version().await.expect("version");
    let changed = metadata.change_schedule(kind, &schedule.cron, true, &ALICE);
    changed.await.expect("change");
    let after = metadata.policy_version().await.expect("version");
    assert_ne!(before, after);
}
