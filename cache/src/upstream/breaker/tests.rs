use super::*;

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_end() {
    let breaker = CircuitBreaker::default();
    for _ in 0..ACCIDENTS {
        breaker.failed(None, "down");
        assert!(breaker.admit().is_ok());
    }
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        breaker.failed(None, "down");
        let problem = breaker.admit().expect_err("a pause");
        assert_eq!(problem.retry_after, Some(Duration::from_secs(seconds)));
        tokio::time::advance(Duration::from_secs(seconds)).await;
        assert!(breaker.admit().is_ok(), "one may try");
        assert!(breaker.admit().is_err(), "and only one");
    }
    let health = breaker.health();
    assert_eq!(
        (health.failures, health.pause),
        (ACCIDENTS + 8, Some(TRIAL))
    );
    assert_eq!(health.last_error, Some(("down".into(), LONGEST_PAUSE)));
    breaker.succeeded();
    assert!(breaker.admit().is_ok() && breaker.admit().is_ok());
    let health = breaker.health();
    assert!(health.failures == 0 && health.pause.is_none() && health.last_error.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_the_upstream_wishes_counts() {
    let breaker = CircuitBreaker::default();
    breaker.failed(Some(Duration::from_secs(30)), "wait");
    assert!(breaker.admit().is_err());
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(breaker.admit().is_ok());
    breaker.failed(Some(Duration::from_hours(48)), "wait");
    tokio::time::advance(LONGEST_WISH).await;
    assert!(breaker.admit().is_ok(), "but not for ever");
}
