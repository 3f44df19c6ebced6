//! How often one caller may ask.

use super::{Header, House, PASSWORD, basic, house_of};
use larder_access::Rate;
use larder_model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const RATE: Rate = Rate {
    per_second: 2,
    burst: 5,
};

/// A house, and its time in microseconds, which stands still until it is moved.
async fn slow_house() -> (House, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(1_800_000_000_000_000));
    let told = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(told.load(Ordering::SeqCst)));
    (house_of(clock, RATE).await, time)
}

/// How many calls of a caller are answered before one is refused as one too many.
async fn answered(house: &House, who: &Header, target: &str) -> usize {
    for count in 0..100 {
        let answer = house.pass(who, "GET", target, "").await;
        if answer.status == 429 {
            assert_eq!(answer.code(), "too_many_requests");
            assert_eq!(answer.header("retry-after"), "1");
            let told = answer.json()["detail"].to_string();
            assert!(told.contains("try again in 1 s"), "{told}");
            return count;
        }
        assert!(answer.status < 400, "{}", answer.status);
    }
    panic!("{target} has no limit");
}

#[tokio::test]
async fn too_many_requests_are_refused_until_later() {
    let (house, time) = slow_house().await;
    let admin = basic("admin", PASSWORD);
    assert_eq!(answered(&house, &admin, "/users").await, 5);
    assert_eq!(
        answered(&house, &admin, "/settings").await,
        0,
        "all calls are one sum"
    );
    time.fetch_add(1_000_000, Ordering::SeqCst);
    assert_eq!(answered(&house, &admin, "/users").await, 2);
    time.fetch_add(3_600_000_000, Ordering::SeqCst);
    assert_eq!(answered(&house, &admin, "/users").await, 5);
}

#[tokio::test]
async fn nobody_is_limited_by_others() {
    let (house, _) = slow_house().await;
    let alice = house.user("alice", false).await;
    let (_, token) = house.token("alice", None).await;
    let bob = house.user("bob", false).await;
    let anonymous = Header::new();
    assert_eq!(answered(&house, &alice, "/whoami").await, 5);
    assert_eq!(
        answered(&house, &token, "/whoami").await,
        0,
        "a token is its owner"
    );
    assert_eq!(answered(&house, &bob, "/whoami").await, 5);
    assert_eq!(answered(&house, &anonymous, "/whoami").await, 5);
    assert_eq!(answered(&house, &anonymous, "/openapi.json").await, 0);
}

#[tokio::test]
async fn a_refused_change_is_not_made() {
    let (house, time) = slow_house().await;
    let admin = basic("admin", PASSWORD);
    assert_eq!(answered(&house, &admin, "/users").await, 5);
    let body = r#"{"name":"dev"}"#;
    let refused = house.pass(&admin, "POST", "/groups", body).await;
    assert_eq!(refused.status, 429);
    time.fetch_add(1_000_000, Ordering::SeqCst);
    let made = house.pass(&admin, "POST", "/groups", body).await;
    assert_eq!(made.status, 201);
}
