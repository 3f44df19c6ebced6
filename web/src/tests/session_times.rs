//! How long a session lasts.

use super::{House, clock, house_of};
use larder_model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A house and its time, which stands still until it is moved.
async fn timed_house() -> (House, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(clock().now().0));
    let told = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(told.load(Ordering::SeqCst)));
    (house_of(clock, super::UNLIMITED).await, time)
}

fn pass(time: &AtomicI64, passed: Duration) {
    let moved = i64::try_from(passed.as_micros()).expect("time");
    time.fetch_add(moved, Ordering::SeqCst);
}

#[tokio::test]
async fn a_session_that_is_not_used_ends() {
    let (house, time) = timed_house().await;
    let (_, browser) = house.session("admin").await;
    pass(&time, Duration::from_hours(12) - Duration::from_secs(1));
    assert_eq!(house.seen_as(&browser).await.0, 200);
    let (_, other) = house.session("admin").await;
    pass(&time, Duration::from_hours(12));
    assert_eq!(house.seen_as(&other).await.0, 401);
}

#[tokio::test]
async fn a_use_moves_the_end_on_up_to_the_last_one() {
    let (house, time) = timed_house().await;
    let (_, browser) = house.session("admin").await;
    for hours in (10..14 * 24).step_by(10) {
        pass(&time, Duration::from_hours(10));
        assert_eq!(house.seen_as(&browser).await.0, 200, "after {hours} h");
        // What a job does.
        house.gate.write_session_uses().await.expect("written");
    }
    pass(&time, Duration::from_hours(10));
    assert_eq!(house.seen_as(&browser).await.0, 401);
}

#[tokio::test]
async fn a_read_writes_nothing_and_the_job_writes_the_last_use() {
    let (house, time) = timed_house().await;
    let (id, browser) = house.session("admin").await;
    let row = async || {
        house
            .metadata
            .session(id)
            .await
            .expect("row")
            .expect("there")
    };
    let before = row().await;
    pass(&time, Duration::from_hours(1));
    assert_eq!(house.seen_as(&browser).await.0, 200);
    assert_eq!(row().await, before);
    house.gate.write_session_uses().await.expect("written");
    let (before, after) = (before.last_used_at, row().await.last_used_at);
    assert_eq!(after, before.after(Duration::from_hours(1)));
}
