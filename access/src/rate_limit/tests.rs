use super::*;
use std::net::Ipv4Addr;

const START: Timestamp = Timestamp(1_800_000_000_000_000);
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn someone(user: Option<i64>) -> Principal {
    Principal {
        user,
        ..Principal::new("someone".to_owned(), Arc::default())
    }
}

fn limiter(per_second: u32, burst: u32) -> RateLimiter {
    RateLimiter::new(Rate { per_second, burst })
}

/// How many requests are taken at one moment.
fn taken(limiter: &RateLimiter, who: &Principal, address: IpAddr, now: Timestamp) -> usize {
    let takes = || limiter.take(who, address, now).is_ok();
    std::iter::repeat_with(takes)
        .take_while(|taken| *taken)
        .count()
}

#[test]
fn a_burst_is_taken_and_then_what_is_earned() {
    let (limiter, alice) = (limiter(200, 1000), someone(Some(1)));
    assert_eq!(taken(&limiter, &alice, HOME, START), 1000);
    let later = START.after(Duration::from_millis(5));
    assert_eq!(taken(&limiter, &alice, HOME, later), 1);
    let later = later.after(Duration::from_secs(1));
    assert_eq!(taken(&limiter, &alice, HOME, later), 200);
    let later = later.after(Duration::from_hours(1));
    assert_eq!(
        taken(&limiter, &alice, HOME, later),
        1000,
        "never more than a burst"
    );
}

#[test]
fn whoever_is_limited_is_told_how_long() {
    let (limiter, alice) = (limiter(1, 3), someone(Some(1)));
    assert_eq!(taken(&limiter, &alice, HOME, START), 3);
    let refused = limiter.take(&alice, HOME, START).expect_err("too many");
    assert_eq!(refused.kind, Kind::TooMany);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
    let waited = START.after(Duration::from_secs(1));
    assert_eq!(
        taken(&limiter, &alice, HOME, waited),
        1,
        "the wait was enough"
    );
    let early = waited.after(Duration::from_micros(999_999));
    assert!(
        limiter.take(&alice, HOME, early).is_err(),
        "and not too long"
    );
}

#[test]
fn refused_requests_cost_nothing() {
    let (limiter, alice) = (limiter(1, 1), someone(Some(1)));
    assert!(limiter.take(&alice, HOME, START).is_ok());
    for _ in 0..100 {
        assert!(limiter.take(&alice, HOME, START).is_err());
    }
    let later = START.after(Duration::from_secs(1));
    assert!(limiter.take(&alice, HOME, later).is_ok());
}

#[test]
fn nobody_limits_anyone_else() {
    let limiter = limiter(1, 1);
    let other: IpAddr = "192.0.2.7".parse().expect("address");
    for (who, address) in [
        (someone(Some(1)), HOME),
        (someone(Some(2)), HOME),
        (someone(None), HOME),
        (someone(None), other),
    ] {
        assert_eq!(
            taken(&limiter, &who, address, START),
            1,
            "{who:?} {address}"
        );
    }
    assert_eq!(
        taken(&limiter, &someone(Some(1)), other, START),
        0,
        "a user is one everywhere"
    );
}

#[test]
fn addresses_of_one_network_are_one() {
    let limiter = limiter(1, 1);
    let anonymous = someone(None);
    for (address, expected) in [
        ("2001:db8:0:1::1", 1),
        ("2001:db8:0:1:ffff::2", 0),
        ("2001:db8:0:2::1", 1),
        ("192.0.2.1", 1),
        ("::ffff:192.0.2.1", 0),
        ("192.0.2.2", 1),
    ] {
        let parsed = address.parse().expect("address");
        assert_eq!(
            taken(&limiter, &anonymous, parsed, START),
            expected,
            "{address}"
        );
    }
}

#[test]
fn nothing_is_no_limit() {
    let (limiter, alice) = (limiter(0, 1), someone(Some(1)));
    assert!((0..5000).all(|_| limiter.take(&alice, HOME, START).is_ok()));
}

#[test]
fn memory_is_bounded() {
    let limiter = limiter(1, 1);
    let callers = i64::try_from(MAX).expect("number") + 5000;
    for user in 0..callers {
        assert!(limiter.take(&someone(Some(user)), HOME, START).is_ok());
    }
    limiter.full_at.run_pending_tasks();
    assert!(limiter.full_at.entry_count() <= MAX);
    let newest = someone(Some(callers - 1));
    assert!(
        limiter.take(&newest, HOME, START).is_err(),
        "the newest are remembered"
    );
}
