use super::*;
use std::net::Ipv4Addr;

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

/// Connections of three addresses, of the last one most of them.
fn crowd() -> (OpenConnections, Vec<Arc<Guest>>) {
    let mut open = OpenConnections::default();
    let mut guests = Vec::new();
    for last in [1, 2, 3, 3, 3] {
        let guest = Arc::new(Guest::default());
        assert!(open.admit(address(last), &guest, 5, 0));
        guests.push(guest);
    }
    (open, guests)
}

#[test]
fn who_has_most_makes_room_and_nobody_who_is_answered() {
    let (mut open, guests) = crowd();
    let answer = guests[2].answering.begin();
    let new = Arc::new(Guest::default());
    assert!(open.admit(address(4), &new, 5, 0));
    let leaving = |guests: &[Arc<Guest>]| -> Vec<bool> {
        let leaving = guests.iter().map(|it| it.leaving.load(Ordering::Relaxed));
        leaving.collect()
    };
    assert_eq!(leaving(&guests), [false, false, false, true, false]);
    assert!(open.admit(address(4), &Arc::default(), 5, 0));
    assert_eq!(leaving(&guests), [false, false, false, true, true]);
    drop(answer);
    assert!(open.admit(address(4), &Arc::default(), 5, 0));
    assert_eq!(leaving(&guests), [false, false, true, true, true]);
    for guest in &guests[2..] {
        open.leave(address(3), guest);
    }
    assert_eq!(open.count, 5);
    assert!(!open.by_address.contains_key(&address(3)));
}

#[test]
fn a_body_that_is_waited_for_holds_nobody() {
    let (mut open, guests) = crowd();
    let answers: Vec<_> = guests.iter().map(|guest| guest.answering.begin()).collect();
    assert!(
        !open.admit(address(4), &Arc::default(), 5, 0),
        "all are answered"
    );
    let collecting = guests[0].answering.collecting();
    collecting.fetch_add(1, Ordering::Relaxed);
    assert!(open.admit(address(4), &Arc::default(), 5, 0));
    assert!(guests[0].leaving.load(Ordering::Relaxed));
    drop(answers);
}

#[test]
fn a_request_that_waits_for_the_first_start_holds_nobody() {
    let (mut open, guests) = crowd();
    let answers: Vec<_> = guests.iter().map(|guest| guest.answering.begin()).collect();
    let aside = guests[1].answering.wait_aside();
    let new = Arc::<Guest>::default();
    let _answer = new.answering.begin();
    assert!(open.admit(address(4), &new, 5, 0));
    assert!(guests[1].leaving.load(Ordering::Relaxed));
    drop(guests[0].answering.wait_aside());
    drop(aside);
    assert!(
        !open.admit(address(5), &Arc::default(), 5, 0),
        "all are answered"
    );
    drop(answers);
}

#[test]
fn an_address_has_its_share() {
    let (mut open, _guests) = crowd();
    assert!(!open.admit(address(3), &Arc::default(), 10, 3));
    assert!(open.admit(address(1), &Arc::default(), 10, 3));
}
