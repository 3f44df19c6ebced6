use super::*;
use crate::upstream::breaker::FAILING_ADDRESSES;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const OWN: &str = "https://registry.example/npm/";
const STATUS: Fault = Fault::Status(500, None);

/// What one mirror asks, and the clock that it goes by.
struct Bed {
    origins: Origins,
    now: Arc<AtomicI64>,
}

fn url(text: &str) -> Url {
    text.parse().expect("url")
}

fn failure(text: &str, fault: Fault) -> Failure {
    Failure {
        url: url(text),
        fault,
        said: None,
        source: None,
    }
}

impl Bed {
    fn new() -> Self {
        let now = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let hand = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp(hand.load(Ordering::SeqCst)));
        Self {
            origins: Origins::new(&url(OWN), clock),
            now,
        }
    }

    fn turn(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn fails(&self, text: &str, fault: Fault) -> Consequence {
        self.origins.failed(&failure(text, fault))
    }

    fn admits(&self, text: &str) -> bool {
        assert_eq!(
            self.origins.is_open(&url(text)),
            self.origins.admit(&url(text)).is_ok()
        );
        self.origins.admit(&url(text)).is_ok()
    }
}

#[test]
fn an_address_fails_for_itself_whatever_its_query() {
    let bed = Bed::new();
    for _ in 0..50 {
        let consequence = bed.fails("https://registry.example/npm/bad?a", STATUS);
        assert!(!consequence.is_suspect && !consequence.left.is_zero());
    }
    assert!(!bed.admits("https://registry.example/npm/bad?b"));
    for good in [
        "https://registry.example/npm/good",
        "https://registry.example/npm/bad/",
        "http://registry.example/npm/bad",
        "https://registry.example:8443/npm/bad",
        "https://other.example/npm/bad",
    ] {
        assert!(bed.admits(good), "{good}");
    }
    bed.origins
        .succeeded(&url("https://registry.example/npm/bad"));
    assert!(bed.admits("https://registry.example/npm/bad?b"));
}

#[test]
fn an_origin_that_is_dead_stops_no_other() {
    let bed = Bed::new();
    let files = "https://files.example/a.tgz";
    assert!(bed.fails(files, Fault::Unreachable).is_suspect);
    bed.origins.confirmed(&failure(files, Fault::Unreachable));
    assert!(!bed.admits("https://files.example/b.tgz"));
    assert!(bed.admits(OWN) && bed.admits("https://more.example/a.tgz"));
    let health = bed.origins.health();
    assert_eq!(
        (health.failures, health.pause, health.last_error),
        (0, None, None)
    );
    let paused = &health.paused_origins[0];
    assert_eq!(
        (&*paused.origin, &*paused.reason, paused.pause.as_secs()),
        ("https://files.example", "it cannot be reached", 1)
    );
    bed.turn(1);
    assert!(bed.origins.health().paused_origins.is_empty());
    assert!(bed.origins.begin_trial(&url(files)));
    assert!(bed.origins.opened(&url(files)));
    assert!(
        bed.admits(files),
        "what was not answered is free with its origin"
    );
}

#[test]
fn what_answered_badly_stays_so_when_its_origin_is_free() {
    let bed = Bed::new();
    let (bad, silent) = (
        "https://registry.example/npm/bad",
        "https://registry.example/npm/silent",
    );
    for _ in 0..5 {
        bed.fails(bad, STATUS);
    }
    bed.fails(silent, Fault::Silent);
    bed.origins.confirmed(&failure(OWN, Fault::Silent));
    bed.turn(1);
    assert!(!bed.admits(silent));
    assert!(bed.origins.opened(&url(OWN)));
    assert!(bed.admits(silent) && !bed.admits(bad));
    bed.origins.begin_anew();
    assert!(bed.admits(bad));
}

#[test]
fn many_addresses_are_a_reason_to_try_the_origin() {
    let bed = Bed::new();
    let address = |at: usize| format!("https://registry.example/npm/{at}");
    for at in 1..FAILING_ADDRESSES {
        assert!(!bed.fails(&address(at), STATUS).is_suspect);
    }
    assert!(!bed.origins.is_unanswered());
    assert!(bed.fails(&address(0), STATUS).is_suspect);
    assert_eq!(bed.origins.failed_at(), Some(url(&address(0))));
    bed.origins.answered(&url(OWN));
    for at in 1..FAILING_ADDRESSES {
        assert!(!bed.fails(&address(at), STATUS).is_suspect);
    }
}

#[test]
fn an_origin_that_asks_for_time_gets_it_with_all_its_addresses() {
    let bed = Bed::new();
    let wait = Some(Duration::from_mins(5));
    let left = bed
        .fails("https://registry.example/npm/a", Fault::Status(429, wait))
        .left;
    assert_eq!(Some(left), wait);
    assert!(!bed.admits("https://registry.example/npm/b"));
    assert!(bed.admits("https://files.example/b"));
    let health = bed.origins.health();
    assert_eq!((health.failures, health.pause), (1, wait));
    let (why, ago) = health.last_error.expect("error");
    assert_eq!((&*why, ago), ("it answered 429 for /npm/a", Duration::ZERO));
    bed.turn(300);
    let tried = bed.origins.admit(&url(OWN)).expect_err("untried").trial;
    assert_eq!(tried, Some(crate::upstream::breaker::Trial::Now));
}

#[test]
fn the_worst_address_is_told() {
    let bed = Bed::new();
    for _ in 0..3 {
        bed.fails("https://registry.example/npm/bad", STATUS);
        bed.fails("https://files.example/worse", STATUS);
        bed.fails("https://files.example/worse", STATUS);
    }
    bed.origins.answered(&url(OWN));
    let health = bed.origins.health();
    assert_eq!((health.failures, health.pause), (3, None));
}

#[test]
fn what_fails_is_remembered_up_to_a_bound() {
    let bed = Bed::new();
    for at in 0..=MAX_ADDRESSES {
        bed.fails(&format!("https://registry.example/npm/{at}"), STATUS);
    }
    assert!(bed.admits("https://registry.example/npm/0"), "forgotten");
    assert!(!bed.admits("https://registry.example/npm/1"));
    let long = format!("https://{}.example/", "a".repeat(500));
    let wait = Some(Duration::from_secs(9));
    for at in 0..MAX_ORIGINS {
        bed.fails(&format!("https://{at}.example/"), Fault::Status(429, wait));
    }
    bed.fails(&long, Fault::Status(429, wait));
    let paused = bed.origins.health().paused_origins;
    assert_eq!(paused.len(), MAX_ORIGINS);
    assert!(paused.iter().all(|paused| paused.origin.len() <= MAX_TEXT));
}
