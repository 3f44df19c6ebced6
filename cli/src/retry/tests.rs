use super::*;
use reqwest::header::HeaderValue;

fn after(text: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
    headers
}

const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

#[test]
fn only_who_asked_too_often_asks_again() {
    for status in [200, 409, 500, 503] {
        let status = StatusCode::from_u16(status).expect("status");
        assert_eq!(Retries::default().pause(status, &after("1")), None);
    }
    let pause = |headers| Retries::default().pause(TOO_MANY, &headers);
    assert_eq!(pause(after("3")), Some(Duration::from_secs(3)));
    assert_eq!(pause(HeaderMap::new()), Some(PAUSE));
    for strange in [
        "Fri, 31 Dec 1999 23:59:59 GMT",
        "-1",
        "61",
        "99999999999999999999",
    ] {
        assert_eq!(pause(after(strange)), None, "{strange}");
    }
}

#[test]
fn pauses_have_a_bound_together() {
    let mut retries = Retries::default();
    for _ in 0..3 {
        let pause = retries.pause(TOO_MANY, &after("20"));
        assert_eq!(pause, Some(Duration::from_secs(20)));
    }
    assert_eq!(retries.pause(TOO_MANY, &after("1")), None);
    // And so has their number.
    let mut retries = Retries::default();
    let mut pauses = 0;
    while retries.pause(TOO_MANY, &after("0")).is_some() {
        pauses += 1;
    }
    assert_eq!(pauses + 1, ATTEMPTS);
}

#[test]
fn keys_are_random_uuids() {
    let (one, other) = (idempotency_key(), idempotency_key());
    let one = one.expect("random bytes");
    assert_ne!(one, other.expect("random bytes"));
    let parts: Vec<usize> = one.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!(&one[14..15], "4", "{one}");
    assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"), "{one}");
}
