//! How sessions end: by another password, with their user, and by time.

use super::{House, PASSWORD, basic, clock, house, house_of};
use larder_model::{Clock, Role, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let house = house().await;
    house.user("alice", false).await;
    let (_, here) = house.session("alice").await;
    let (_, there) = house.session("alice").await;
    for browser in [&here, &there] {
        assert_eq!(house.seen_as(browser).await.0, 200);
    }
    let change = format!(r#"{{"password":"another one","current_password":"{PASSWORD}"}}"#);
    let changed = house.browse(&here, "PATCH", "/users/alice", &change).await;
    assert_eq!(changed.status, 200);
    assert_eq!(house.seen_as(&here).await.0, 200);
    assert_eq!(house.seen_as(&there).await.0, 401);
    // Whoever is given one by a superuser signs in anew.
    let admin = basic("admin", PASSWORD);
    let reset = r#"{"password":"set by admin"}"#;
    assert_eq!(
        house.ask(&admin, "PATCH", "/users/alice", reset).await.0,
        200
    );
    assert_eq!(house.seen_as(&here).await.0, 401);
    let (_, again) = house.session_with("alice", "set by admin").await;
    assert_eq!(house.seen_as(&again).await.0, 200);
}

#[tokio::test]
async fn a_disabled_or_deleted_user_has_no_session() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.user("alice", false).await;
    house.user("bob", false).await;
    let (_, alice) = house.session("alice").await;
    let (_, bob) = house.session("bob").await;
    for browser in [&alice, &bob] {
        assert_eq!(house.seen_as(browser).await.0, 200);
    }
    for (disabled, status) in [(true, 401), (false, 401)] {
        let change = json!({"disabled": disabled}).to_string();
        house.ask(&admin, "PATCH", "/users/alice", &change).await;
        assert_eq!(house.seen_as(&alice).await.0, status);
    }
    house.ask(&admin, "DELETE", "/users/bob", "").await;
    assert_eq!(house.seen_as(&bob).await.0, 401);
}

#[tokio::test]
async fn a_session_sees_new_rights_at_once() {
    let house = house().await;
    house.repo("team").await;
    house.user("alice", false).await;
    let (_, browser) = house.session("alice").await;
    let read = async || {
        let answer = house.browse(&browser, "GET", "/repositories/oci/team", "");
        answer.await.status
    };
    assert_eq!(read().await, 404);
    house
        .admission("user:alice", "oci/team", Role::Reader)
        .await;
    assert_eq!(read().await, 200);
}

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
