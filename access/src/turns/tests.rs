use super::*;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn network(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

/// What has come of waiting so far.
macro_rules! poll {
    ($waiting:expr) => {
        $waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    };
}

#[test]
fn networks_take_turns() {
    let turns = Turns::new(1);
    let first = turns.at_once().expect("free");
    let mut flood = [1, 1, 1, 1].map(|number| Box::pin(turns.wait(network(number))));
    for waiting in &mut flood {
        assert!(poll!(waiting).is_pending());
    }
    let mut other = pin!(turns.wait(network(2)));
    assert!(poll!(other).is_pending());
    assert_eq!(turns.waiting(), 5);
    drop(first);
    let [a, b, ..] = &mut flood;
    let Poll::Ready(Ok(turn)) = poll!(a) else {
        panic!("the first has waited longest");
    };
    assert!(poll!(b).is_pending() && poll!(other).is_pending());
    drop(turn);
    assert!(poll!(b).is_pending(), "of its network one was just there");
    assert!(matches!(poll!(other), Poll::Ready(Ok(_))));
}

#[test]
fn of_one_network_a_few_wait() {
    let turns = Turns::new(1);
    let held = turns.at_once().expect("free");
    let mut waiting: Vec<_> = (0..=MAX_OF_NETWORK)
        .map(|_| Box::pin(turns.wait(network(1))))
        .collect();
    let refused = |poll: &Poll<Result<Turn, TooMany>>| matches!(poll, Poll::Ready(Err(TooMany)));
    let polled: Vec<_> = waiting.iter_mut().map(|it| poll!(it)).collect();
    assert_eq!(polled.iter().filter(|poll| refused(poll)).count(), 1);
    let mut other = Box::pin(turns.wait(network(2)));
    assert!(poll!(other).is_pending(), "others are not refused for it");
    // Whoever goes away makes room.
    drop(waiting.swap_remove(3));
    let mut again = Box::pin(turns.wait(network(1)));
    assert!(poll!(again).is_pending());
    // Of all together no more wait than may.
    let mut all: Vec<_> = (3..2000)
        .map(|number| Box::pin(turns.wait(network(number))))
        .collect();
    let polled: Vec<_> = all.iter_mut().map(|it| poll!(it)).collect();
    assert!(polled.iter().any(refused));
    assert_eq!(turns.waiting(), MAX);
    drop(held);
}

#[test]
fn a_turn_that_nobody_takes_is_not_lost() {
    let turns = Turns::new(1);
    let held = turns.at_once().expect("free");
    let mut gone = Box::pin(turns.wait(network(1)));
    let mut told = Box::pin(turns.wait(network(2)));
    let mut last = Box::pin(turns.wait(network(3)));
    for waiting in [&mut gone, &mut told, &mut last] {
        assert!(poll!(waiting).is_pending());
    }
    drop(gone); // before its turn
    drop(held);
    drop(told); // when it has its turn, and was not asked yet
    let Poll::Ready(Ok(turn)) = poll!(last) else {
        panic!("it is the last one's");
    };
    drop(turn);
    assert_eq!(turns.waiting(), 0);
    assert!(turns.at_once().is_some());
}
