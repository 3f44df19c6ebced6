//! `Idempotency-Key`.

use super::describe::operation;
use super::{Answer, Header, House, PASSWORD, UNLIMITED, basic, house, house_of};
use crate::openapi::operations;
use futures_util::future::join_all;
use http::Method;
use http::header::HeaderName;
use larder_metadata::idempotency::{HELD, KEPT, KeyState, KeyedRequest};
use larder_model::{Clock, Role, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

async fn post(house: &House, who: &Header, key: &str, target: &str, body: &str) -> Answer {
    house.with(&[(KEY, key)], who, "POST", target, body).await
}

fn admin() -> Header {
    basic("admin", PASSWORD)
}

/// A house, and its time, which stands still until it is moved.
async fn still_house() -> (House, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(1_800_000_000_000_000));
    let told = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(told.load(Ordering::SeqCst)));
    (house_of(clock, UNLIMITED).await, time)
}

fn pass(time: &AtomicI64, duration: Duration) {
    let duration = i64::try_from(duration.as_micros()).expect("time");
    time.fetch_add(duration, Ordering::SeqCst);
}

#[track_caller]
fn assert_same(first: &Answer, second: &Answer) {
    let told = |answer: &Answer| {
        let header = |name| answer.header(name).to_owned();
        let headers = ["content-type", "location", "cache-control"].map(header);
        (answer.status, headers, answer.body.clone())
    };
    assert_eq!(told(first), told(second));
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_carried_out_once() {
    let (house, time) = still_house().await;
    let body = r#"{"name":"dev"}"#;
    let first = post(&house, &admin(), "one", "/groups", body).await;
    assert_eq!(first.status, 201);
    pass(&time, Duration::from_secs(1));
    assert_same(
        &first,
        &post(&house, &admin(), "one", "/groups", body).await,
    );
    assert_same(
        &first,
        &post(&house, &admin(), "\"one\"", "/groups", body).await,
    );
    // It is the answer, and no look at what is there.
    let gone = house.pass(&admin(), "DELETE", "/groups/dev", "").await;
    assert_eq!(gone.status, 204);
    assert_same(
        &first,
        &post(&house, &admin(), "one", "/groups", body).await,
    );
    assert_eq!(
        house.pass(&admin(), "GET", "/groups/dev", "").await.status,
        404
    );
    // A day later it is another request.
    pass(&time, KEPT);
    let again = post(&house, &admin(), "one", "/groups", body).await;
    assert_eq!(again.status, 201);
    assert_ne!(again.body, first.body, "it was made at another time");
}

#[tokio::test]
async fn without_a_key_each_request_is_carried_out() {
    let house = house().await;
    let body = r#"{"name":"dev"}"#;
    assert_eq!(
        house.pass(&admin(), "POST", "/groups", body).await.status,
        201
    );
    assert_eq!(
        house.pass(&admin(), "POST", "/groups", body).await.status,
        409
    );
    let other = post(&house, &admin(), "one", "/groups", body).await;
    assert_eq!((other.status, &*other.code()), (409, "conflict"));
    let gone = house.pass(&admin(), "DELETE", "/groups/dev", "").await;
    assert_eq!(gone.status, 204);
    assert_same(
        &other,
        &post(&house, &admin(), "one", "/groups", body).await,
    );
}

#[tokio::test]
async fn another_request_under_a_key_is_refused() {
    let house = house().await;
    let body = r#"{"name":"dev"}"#;
    assert_eq!(
        post(&house, &admin(), "one", "/groups", body).await.status,
        201
    );
    for (target, body) in [
        ("/groups", r#"{"name":"ops"}"#),
        ("/groups", r#"{ "name":"dev"}"#),
        ("/robots", body),
        ("/tokens?owner=admin", body),
    ] {
        let refused = post(&house, &admin(), "one", target, body).await;
        assert_eq!(
            (refused.status, &*refused.code()),
            (422, "idempotency_key_reused"),
            "{target}"
        );
    }
    assert_eq!(
        house.pass(&admin(), "GET", "/groups/ops", "").await.status,
        404
    );
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let house = house().await;
    let body = r#"{"name":"build"}"#;
    let first = post(&house, &admin(), "one", "/tokens", body).await;
    assert_eq!(first.status, 201);
    let (id, secret) = (first.json()["id"].clone(), first.json()["secret"].clone());
    let again = post(&house, &admin(), "one", "/tokens", body).await;
    assert_eq!(
        (again.status, &*again.code()),
        (409, "secret_already_shown")
    );
    assert_eq!(again.json()["id"], id);
    let secret = secret.as_str().expect("secret");
    assert!(!again.json().to_string().contains(secret));
    let tokens = house.pass(&admin(), "GET", "/tokens", "").await.json();
    assert_eq!(tokens["items"].as_array().expect("items").len(), 1);
}

#[tokio::test]
async fn keys_are_of_their_principal() {
    let house = house().await;
    let body = r#"{"name":"build"}"#;
    let alice = house.user("alice", false).await;
    let (_, token) = house.token("alice", None).await;
    let (_, limited) = house.token("alice", Some(("oci/team", Role::Reader))).await;
    let first = post(&house, &admin(), "one", "/tokens", body).await;
    let own = post(&house, &alice, "one", "/tokens", body).await;
    assert_eq!((first.status, own.status), (201, 201));
    assert_ne!(first.json()["id"], own.json()["id"]);
    // All that shows alice in full is alice; what shows less of her is not told.
    let same = post(&house, &token, "one", "/tokens", body).await;
    assert_eq!(same.code(), "secret_already_shown");
    let other = post(&house, &limited, "one", "/tokens", body).await;
    assert_eq!(other.code(), "idempotency_key_reused");
}

#[tokio::test]
async fn what_was_refused_or_failed_may_be_asked_anew() {
    let house = house().await;
    house.repo("team").await;
    let alice = house.user("alice", false).await;
    let body = r#"{"protocol":"oci","name":"mine"}"#;
    let refused = post(&house, &alice, "one", "/repositories", body).await;
    assert_eq!(refused.status, 403);
    house.admission("user:alice", "oci/mine", Role::Admin).await;
    let made = post(&house, &alice, "one", "/repositories", body).await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let house = house().await;
    let (who, body) = (admin(), r#"{"name":"dev"}"#);
    let all = (0..8).map(|_| post(&house, &who, "one", "/groups", body));
    let answers = join_all(all).await;
    let made = answers
        .iter()
        .find(|answer| answer.status == 201)
        .expect("made");
    for answer in &answers {
        match answer.status {
            201 => assert_same(made, answer),
            _ => assert_eq!(answer.code(), "idempotency_key_in_use"),
        }
    }
}

/// Takes the key of the request that `post` sends, as another server that carries it out.
async fn take(house: &House, key: &str, target: &str, body: &str) -> KeyState {
    let seal = house.gate.seal("idempotency");
    let target = format!("/api/v1{target}");
    let keyed = KeyedRequest {
        principal: format!("user/{}", house.account("admin").await.id).into(),
        key: key.into(),
        request: seal.make(&[target.as_bytes(), body.as_bytes(), b""]).into(),
    };
    house.metadata.take_key(&keyed).await.expect("take")
}

#[tokio::test]
async fn a_request_that_another_server_carries_out_is_told_to_wait() {
    let (house, time) = still_house().await;
    let body = r#"{"name":"dev"}"#;
    let taken = take(&house, "one", "/groups", body).await;
    assert!(matches!(taken, KeyState::Taken(_)), "{taken:?}");
    let early = post(&house, &admin(), "one", "/groups", body).await;
    assert_eq!(
        (early.status, &*early.code()),
        (409, "idempotency_key_in_use")
    );
    assert_eq!(
        house.pass(&admin(), "GET", "/groups/dev", "").await.status,
        404
    );
    // That server died.
    pass(&time, HELD);
    let made = post(&house, &admin(), "one", "/groups", body).await;
    assert_eq!(made.status, 201);
    let told = take(&house, "one", "/groups", body).await;
    assert!(matches!(told, KeyState::Answered(_)), "{told:?}");
}

#[tokio::test]
async fn a_key_is_short_and_plain() {
    let house = house().await;
    for key in ["", "a b", &"k".repeat(256)] {
        let refused = post(&house, &admin(), key, "/groups", r#"{"name":"dev"}"#).await;
        assert_eq!(
            (refused.status, &*refused.code()),
            (400, "idempotency_key_invalid"),
            "{key}"
        );
    }
    let twice = [(KEY, "a"), (KEY, "a")];
    let refused = house
        .with(&twice, &admin(), "POST", "/groups", r#"{"name":"dev"}"#)
        .await;
    assert_eq!(refused.code(), "idempotency_key_invalid");
    // Other calls are the same however often they are made.
    let patched = [(KEY, "a b")];
    let patched = house
        .with(&patched, &admin(), "PATCH", "/settings", "{}")
        .await;
    assert_eq!(patched.status, 200);
}

#[test]
fn every_post_takes_a_key() {
    let mut seen = 0;
    for (path, method, operation) in operations(&super::describe::JSON) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let mut all = parameters.filter(|it| it["name"] == "Idempotency-Key");
        let is_post = method == Method::POST;
        assert_eq!(all.next().is_some(), is_post, "{method} {path}");
        assert_eq!(
            operation["responses"]["422"].is_object(),
            is_post,
            "{method} {path}"
        );
        seen += usize::from(is_post);
    }
    assert!(seen >= 8, "{seen}");
    let codes = operation("POST", "/api/v1/tokens").expect("call")["responses"]["409"].to_string();
    assert!(codes.contains("secret_already_shown") && codes.contains("idempotency_key_in_use"));
}

/// Who is nobody keeps no rows by it.
#[tokio::test]
async fn keys_of_strangers_count_for_nothing() {
    let house = house().await;
    let nobody = String::new();
    for body in ["{}", r#"{"name":"x"}"#] {
        let answer = house
            .with(&[(KEY, "one")], &nobody, "POST", "/sessions", body)
            .await;
        assert_eq!(answer.status, 400, "{body}: {:?}", answer.problem);
    }
}
