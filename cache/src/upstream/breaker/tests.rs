use super::*;

const STATUS: Fault = Fault::Status(500, None);

fn at(seconds: u64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).after(Duration::from_secs(seconds))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An origin that was tried at the start, in vain.
fn shut() -> OriginBreaker {
    let mut origin = OriginBreaker::default();
    assert_eq!(
        origin.failed(Fault::Unreachable, 1, at(0)),
        Verdict::Suspect
    );
    assert_eq!(
        origin.confirmed(Fault::Unreachable, at(0)),
        Some(seconds(1))
    );
    origin
}

#[test]
fn a_request_without_an_answer_has_the_origin_tried_and_nobody_waits() {
    let mut origin = OriginBreaker::default();
    assert_eq!(origin.failed(Fault::Silent, 1, at(0)), Verdict::Suspect);
    assert_eq!(
        origin.failed(Fault::Silent, 2, at(0)),
        Verdict::Open,
        "it is being tried"
    );
    assert!(origin.admit(at(0)).is_ok());
    assert!(!origin.opened(), "there was no pause");
    assert_eq!(origin.failures(), 0);
    assert_eq!(
        origin.failed(Fault::Silent, 1, at(0)),
        Verdict::Suspect,
        "and again"
    );
}

#[test]
fn an_answer_meanwhile_shows_that_it_does_not_fail_as_a_whole() {
    let mut origin = OriginBreaker::default();
    assert_eq!(origin.failed(Fault::Silent, 1, at(0)), Verdict::Suspect);
    origin.answered();
    assert_eq!(origin.confirmed(Fault::Silent, at(0)), None);
    assert!(origin.admit(at(0)).is_ok());
}

#[test]
fn pauses_grow_with_each_trial_that_fails() {
    let (mut origin, mut now) = (shut(), 0);
    for length in [1, 2, 4, 8, 16, 32, 60, 60] {
        let wait = origin.admit(at(now)).expect_err("a pause");
        assert_eq!(wait.left, seconds(length));
        assert_eq!(wait.trial, Some(Trial::After(seconds(length))));
        let wait = origin.admit(at(now)).expect_err("a pause");
        assert_eq!(wait.trial, None, "someone sees to it");
        now += length;
        assert!(origin.begin_trial(at(now)));
        assert!(!origin.begin_trial(at(now)), "one does");
        let wait = origin.admit(at(now)).expect_err("until it has gone well");
        assert_eq!((wait.left, wait.trial), (TRIAL, None));
        origin.confirmed(Fault::Unreachable, at(now));
    }
    assert!(origin.opened());
    assert!(origin.admit(at(now)).is_ok());
    assert_eq!(
        origin.failed(Fault::Unreachable, 1, at(now)),
        Verdict::Suspect
    );
    assert_eq!(
        origin.confirmed(Fault::Unreachable, at(now)),
        Some(seconds(1)),
        "anew"
    );
}

#[test]
fn whoever_asks_first_after_a_pause_has_it_tried() {
    let mut origin = shut();
    assert!(!origin.begin_trial(at(0)), "the pause has not ended");
    let wait = origin.admit(at(5)).expect_err("untried");
    assert_eq!((wait.left, wait.trial), (TRIAL, Some(Trial::Now)));
    assert_eq!(origin.admit(at(5)).expect_err("untried").trial, None);
    origin.abandon_trial();
    let wait = origin.admit(at(5)).expect_err("untried");
    assert_eq!(wait.trial, Some(Trial::Now));
}

#[test]
fn an_answer_to_an_earlier_request_ends_no_pause() {
    let mut origin = shut();
    origin.answered();
    assert!(origin.admit(at(0)).is_err());
}

#[test]
fn a_clock_that_is_set_back_ends_a_pause() {
    let mut origin = shut();
    let before = Timestamp(at(0).0 - 3_600_000_000);
    assert_eq!(
        origin.admit(before).expect_err("untried").trial,
        Some(Trial::Now)
    );
}

#[test]
fn one_address_that_fails_is_not_the_origin() {
    let mut origin = OriginBreaker::default();
    for _ in 0..1000 {
        assert_eq!(origin.failed(STATUS, 7, at(0)), Verdict::Open);
        assert!(origin.admit(at(0)).is_ok());
    }
}

#[test]
fn many_addresses_that_fail_in_a_row_are_a_reason_to_try_it() {
    let mut origin = OriginBreaker::default();
    let addresses = FAILING_ADDRESSES as u64;
    for address in 1..addresses {
        assert_eq!(origin.failed(STATUS, address, at(0)), Verdict::Open);
    }
    origin.answered();
    for address in 1..addresses {
        assert_eq!(
            origin.failed(STATUS, address, at(0)),
            Verdict::Open,
            "a success between"
        );
    }
    assert_eq!(origin.failed(STATUS, addresses, at(0)), Verdict::Suspect);
    assert!(origin.admit(at(0)).is_ok(), "until it is known");
    assert_eq!(origin.confirmed(STATUS, at(0)), Some(seconds(1)));
    assert_eq!(origin.admit(at(0)).expect_err("a pause").fault, STATUS);
}

#[test]
fn an_origin_that_asks_for_time_gets_it() {
    for status in [429, 503] {
        let mut origin = OriginBreaker::default();
        let fault = Fault::Status(status, Some(seconds(30)));
        assert_eq!(origin.failed(fault, 1, at(0)), Verdict::Paused);
        assert_eq!(origin.admit(at(0)).expect_err("a pause").left, seconds(30));
        let sooner = Fault::Status(status, Some(seconds(5)));
        origin.failed(sooner, 2, at(1));
        assert_eq!(origin.admit(at(1)).expect_err("a pause").left, seconds(29));
        origin.failed(fault, 2, at(2));
        assert_eq!(origin.admit(at(2)).expect_err("a pause").left, seconds(30));
        assert!(origin.begin_trial(at(32)));
        assert_eq!(
            origin.confirmed(sooner, at(32)),
            Some(seconds(5)),
            "it asks again"
        );
    }
}

/// Who says that the service is unavailable, and is the only one for whom it is.
#[test]
fn an_address_asks_for_the_whole_origin_once() {
    let fault = Fault::Status(503, Some(seconds(30)));
    let mut origin = OriginBreaker::default();
    assert_eq!(origin.failed(fault, 1, at(0)), Verdict::Paused);
    assert!(origin.begin_trial(at(30)) && origin.opened());
    assert_eq!(origin.failed(fault, 1, at(30)), Verdict::Open);
    assert!(origin.admit(at(30)).is_ok(), "it answers others");
    assert_eq!(
        origin.failed(fault, 2, at(30)),
        Verdict::Paused,
        "another one"
    );
    assert!(origin.begin_trial(at(60)) && origin.opened());
    let limit = Fault::Status(429, Some(seconds(30)));
    assert_eq!(
        origin.failed(limit, 2, at(60)),
        Verdict::Paused,
        "we ask too often"
    );
}

#[test]
fn an_address_has_pauses_that_grow_and_end_by_themselves() {
    let (mut address, mut now) = (AddressBreaker::default(), 0);
    for length in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(address.failed(STATUS, at(now)), seconds(length));
        let wait = address.admit(at(now)).expect_err("a pause");
        assert_eq!(
            (wait.fault, wait.left, wait.trial),
            (STATUS, seconds(length), None)
        );
        now += length;
        assert!(address.admit(at(now)).is_ok());
    }
    assert_eq!(address.failures(at(now)), 8);
    now += FORGOTTEN.as_secs();
    assert_eq!(address.failures(at(now)), 0, "that was long ago");
    assert_eq!(address.failed(STATUS, at(now)), seconds(1));
}

#[test]
fn an_address_that_asks_for_time_gets_it_for_itself() {
    let mut address = AddressBreaker::default();
    assert_eq!(
        address.failed(Fault::Status(500, Some(seconds(90))), at(0)),
        seconds(90)
    );
    assert!(address.admit(at(89)).is_err() && address.admit(at(90)).is_ok());
}

#[test]
fn an_answer_that_breaks_off_may_be_an_accident() {
    let mut address = AddressBreaker::default();
    for _ in 0..ACCIDENTS {
        assert_eq!(address.failed(Fault::BrokeOff, at(0)), Duration::ZERO);
        assert!(address.admit(at(0)).is_ok());
    }
    assert_eq!(address.failed(Fault::BrokeOff, at(0)), seconds(1));
    assert!(address.admit(at(0)).is_err());
}
