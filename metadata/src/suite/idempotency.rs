//! Keys of requests.

use super::fixture::assert_unmet;
use crate::idempotency::{HELD, KEPT, KeptAnswer, KeptBody, KeyState, KeyedRequest};
use crate::{Metadata, Requirement};
use larder_model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

checks![
    a_key_is_taken_once,
    an_answer_is_given_again,
    a_secret_is_not_kept,
    a_key_is_of_one_request_and_one_principal,
    a_key_that_was_given_back_is_free,
    a_run_that_died_leaves_its_key,
    a_run_that_says_so_keeps_its_key,
    a_run_that_lost_its_key_keeps_no_answer,
    an_expired_key_is_free,
    expired_keys_are_deleted,
    of_many_at_once_one_takes_the_key,
];

/// The same database at a time that stands still until it is moved, in microseconds.
fn at_will(metadata: &Metadata) -> (Metadata, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(metadata.now().0));
    let told = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(told.load(Ordering::SeqCst)));
    (metadata.with_clock(clock), time)
}

fn pass(time: &AtomicI64, duration: Duration) {
    let duration = i64::try_from(duration.as_micros()).expect("time");
    time.fetch_add(duration, Ordering::SeqCst);
}

/// A request under a key that no other check uses.
fn request(metadata: &Metadata) -> KeyedRequest {
    KeyedRequest {
        principal: "user/1".into(),
        key: format!("key-{:x}", metadata.new_id()).into(),
        request: "a seal".into(),
    }
}

fn answer(text: &'static str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        content_type: Some("application/json".into()),
        location: Some("/somewhere".into()),
        body: KeptBody::Bytes(text.into()),
    }
}

async fn take(metadata: &Metadata, request: &KeyedRequest) -> KeyState {
    metadata.take_key(request).await.expect("take")
}

#[track_caller]
fn run_of(state: &KeyState) -> i64 {
    match state {
        KeyState::Taken(run) => *run,
        state => panic!("the key is not free: {state:?}"),
    }
}

async fn a_key_is_taken_once(metadata: &Metadata) {
    let request = request(metadata);
    run_of(&take(metadata, &request).await);
    assert_eq!(take(metadata, &request).await, KeyState::Held);
}

async fn an_answer_is_given_again(metadata: &Metadata) {
    let request = request(metadata);
    let run = run_of(&take(metadata, &request).await);
    let answer = answer("{}");
    let kept = metadata.answer_key(&request, run, &answer).await;
    kept.expect("answer");
    for _ in 0..2 {
        let told = take(metadata, &request).await;
        assert_eq!(told, KeyState::Answered(answer.clone()));
    }
    let bare = KeptAnswer {
        status: 204,
        content_type: None,
        location: None,
        body: KeptBody::Bytes("".into()),
    };
    let again = metadata.answer_key(&request, run, &bare).await;
    assert_unmet(again, Requirement::IdempotencyKey);
}

async fn a_secret_is_not_kept(metadata: &Metadata) {
    let request = request(metadata);
    let run = run_of(&take(metadata, &request).await);
    let answer = KeptAnswer {
        body: KeptBody::SecretOf(41),
        ..answer("")
    };
    let kept = metadata.answer_key(&request, run, &answer).await;
    kept.expect("answer");
    assert_eq!(take(metadata, &request).await, KeyState::Answered(answer));
}

async fn a_key_is_of_one_request_and_one_principal(metadata: &Metadata) {
    let request = request(metadata);
    let run = run_of(&take(metadata, &request).await);
    let other = KeyedRequest {
        request: "another seal".into(),
        ..request.clone()
    };
    assert_eq!(take(metadata, &other).await, KeyState::Other);
    let answer = answer("{}");
    let kept = metadata.answer_key(&request, run, &answer).await;
    kept.expect("answer");
    assert_eq!(take(metadata, &other).await, KeyState::Other);
    let someone = KeyedRequest {
        principal: "user/2".into(),
        ..other
    };
    run_of(&take(metadata, &someone).await);
}

async fn a_key_that_was_given_back_is_free(metadata: &Metadata) {
    let request = request(metadata);
    let run = run_of(&take(metadata, &request).await);
    metadata.free_key(&request, run).await.expect("free");
    let next = run_of(&take(metadata, &request).await);
    let late = metadata.free_key(&request, run).await;
    assert_unmet(late, Requirement::IdempotencyKey);
    metadata.hold_key(&request, next).await.expect("hold");
}

async fn a_run_that_died_leaves_its_key(metadata: &Metadata) {
    let (metadata, time) = at_will(metadata);
    let request = request(&metadata);
    run_of(&take(&metadata, &request).await);
    pass(&time, HELD.saturating_sub(Duration::from_micros(1)));
    assert_eq!(take(&metadata, &request).await, KeyState::Held);
    pass(&time, Duration::from_micros(1));
    let other = KeyedRequest {
        request: "another seal".into(),
        ..request.clone()
    };
    assert_eq!(take(&metadata, &other).await, KeyState::Other);
    run_of(&take(&metadata, &request).await);
    assert_eq!(take(&metadata, &request).await, KeyState::Held);
}

async fn a_run_that_says_so_keeps_its_key(metadata: &Metadata) {
    let (metadata, time) = at_will(metadata);
    let request = request(&metadata);
    let run = run_of(&take(&metadata, &request).await);
    for _ in 0..3 {
        pass(&time, HELD / 2);
        metadata.hold_key(&request, run).await.expect("hold");
        assert_eq!(take(&metadata, &request).await, KeyState::Held);
    }
}

async fn a_run_that_lost_its_key_keeps_no_answer(metadata: &Metadata) {
    let (metadata, time) = at_will(metadata);
    let request = request(&metadata);
    let lost = run_of(&take(&metadata, &request).await);
    pass(&time, HELD);
    let run = run_of(&take(&metadata, &request).await);
    let late = metadata.answer_key(&request, lost, &answer("late")).await;
    assert_unmet(late, Requirement::IdempotencyKey);
    let late = metadata.hold_key(&request, lost).await;
    assert_unmet(late, Requirement::IdempotencyKey);
    let kept = metadata.answer_key(&request, run, &answer("{}")).await;
    kept.expect("answer");
    let told = take(&metadata, &request).await;
    assert_eq!(told, KeyState::Answered(answer("{}")));
}

async fn an_expired_key_is_free(metadata: &Metadata) {
    let (metadata, time) = at_will(metadata);
    let request = request(&metadata);
    let run = run_of(&take(&metadata, &request).await);
    let kept = metadata.answer_key(&request, run, &answer("{}")).await;
    kept.expect("answer");
    pass(&time, KEPT.saturating_sub(Duration::from_micros(1)));
    let told = take(&metadata, &request).await;
    assert_eq!(told, KeyState::Answered(answer("{}")));
    pass(&time, Duration::from_micros(1));
    let other = KeyedRequest {
        request: "another seal".into(),
        ..request.clone()
    };
    run_of(&take(&metadata, &other).await);
    assert_eq!(take(&metadata, &request).await, KeyState::Other);
}

async fn expired_keys_are_deleted(metadata: &Metadata) {
    let (metadata, time) = at_will(metadata);
    let expired = [request(&metadata), request(&metadata)];
    let mut runs = Vec::new();
    for request in &expired {
        runs.push(run_of(&take(&metadata, request).await));
    }
    pass(&time, KEPT);
    let living = request(&metadata);
    let run = run_of(&take(&metadata, &living).await);
    assert!(metadata.drop_expired_keys().await.expect("drop") >= 2);
    for (request, run) in expired.iter().zip(runs) {
        let hold = metadata.hold_key(request, run).await;
        assert_unmet(hold, Requirement::IdempotencyKey);
    }
    metadata.hold_key(&living, run).await.expect("it is there");
}

async fn of_many_at_once_one_takes_the_key(metadata: &Metadata) {
    let request = request(metadata);
    let (a, b, c, d) = tokio::join!(
        metadata.take_key(&request),
        metadata.take_key(&request),
        metadata.take_key(&request),
        metadata.take_key(&request),
    );
    let states = [a, b, c, d].map(|state| state.expect("take"));
    let taken = states.iter().filter(|it| matches!(it, KeyState::Taken(_)));
    assert_eq!(taken.count(), 1, "{states:?}");
    let held = states.iter().filter(|it| **it == KeyState::Held);
    assert_eq!(held.count(), 3, "{states:?}");
}
