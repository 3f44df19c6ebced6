use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

#[tokio::test]
async fn many_ask_and_one_flies_even_if_they_leave() {
    let (flights, count, go) = (
        Flights::<u32>::default(),
        Arc::new(AtomicU32::new(0)),
        Arc::new(Notify::new()),
    );
    let fly = || {
        let (count, go) = (Arc::clone(&count), Arc::clone(&go));
        async move {
            go.notified().await;
            Ok(count.fetch_add(1, Ordering::SeqCst) + 1)
        }
    };
    let key: Key = (1, "a".into());
    {
        let first = flights.join(key.clone(), fly);
        assert!(futures_util::poll!(Box::pin(first)).is_pending());
    }
    let second = flights.join(key.clone(), fly);
    go.notify_one();
    assert_eq!(second.await.expect("flight"), 1);
    go.notify_one();
    assert_eq!(
        flights.join(key, fly).await.expect("flight"),
        2,
        "the next one flies again"
    );
}

#[tokio::test]
async fn the_next_one_waits_until_the_rest_is_done() {
    let (flights, go, done) = (
        Flights::<u32>::default(),
        Arc::new(Notify::new()),
        Arc::new(AtomicU32::new(0)),
    );
    let key: Key = (1, "a".into());
    let fly = || {
        let (go, done) = (Arc::clone(&go), Arc::clone(&done));
        let rest = async move {
            go.notified().await;
            done.store(1, Ordering::SeqCst);
        };
        async { Ok(FlightResult::and(7, rest)) }
    };
    assert_eq!(
        flights.join(key.clone(), fly).await.expect("flight"),
        7,
        "nobody waits for the rest"
    );
    assert_eq!(flights.landed(&key).expect("landed").brought, 7);
    let seen = Arc::clone(&done);
    let mut next =
        Box::pin(flights.join(
            key.clone(),
            || async move { Ok(seen.load(Ordering::SeqCst)) },
        ));
    assert!(futures_util::poll!(&mut next).is_pending());
    assert!(flights.landed(&key).is_none(), "it is in the air");
    go.notify_one();
    assert_eq!(next.await.expect("flight"), 1);
    while !flights.0.lock().expect("flights").is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failure_is_not_joined_once_it_has_landed() {
    let (flights, key): (Flights<u32>, Key) = (Flights::default(), (1, "a".into()));
    let fails = || async { Err::<u32, _>(Problem::not_found("name", "not there")) };
    assert!(flights.join(key.clone(), fails).await.is_err());
    assert_eq!(
        flights.join(key, || async { Ok(2) }).await.expect("flight"),
        2
    );
}
