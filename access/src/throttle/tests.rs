use super::*;

const ALLOWED: u32 = 3;

fn at(address: &str, name: &str) -> Login {
    Login::new(address.parse().expect("address"), name)
}

/// Fails from an address, and from each of as many others as it takes to shut a name.
fn fail_everywhere(throttle: &Throttle, name: &str) {
    for last in 0..ALLOWED * TOGETHER {
        throttle.failed(&at(&format!("198.51.100.{last}"), name));
    }
}

#[test]
fn an_address_shuts_itself_alone() {
    let throttle = Throttle::new(ALLOWED);
    let guesser = at("192.0.2.1", "alice");
    for _ in 0..ALLOWED {
        assert!(!throttle.is_shut(&guesser));
        throttle.failed(&guesser);
    }
    assert!(throttle.is_shut(&guesser));
    assert!(!throttle.is_shut(&at("192.0.2.2", "alice")));
    assert!(!throttle.is_shut(&at("192.0.2.1", "bob")));
}

#[test]
fn many_addresses_shut_a_name_to_strangers_alone() {
    let throttle = Throttle::new(ALLOWED);
    let (home, stranger) = (at("192.0.2.1", "alice"), at("192.0.2.2", "alice"));
    throttle.succeeded(&home);
    fail_everywhere(&throttle, "alice");
    assert!(throttle.is_shut(&stranger));
    assert!(!throttle.is_shut(&home));
    assert!(!throttle.is_shut(&at("192.0.2.2", "bob")));
    // Someone else who logged in from there opens nothing.
    throttle.succeeded(&at("192.0.2.2", "bob"));
    assert!(throttle.is_shut(&stranger));
    // A known address is counted for itself.
    for _ in 0..ALLOWED {
        throttle.failed(&home);
    }
    assert!(throttle.is_shut(&home));
}

#[test]
fn the_addresses_of_one_customer_are_one() {
    let throttle = Throttle::new(ALLOWED);
    for last in 0..ALLOWED {
        throttle.failed(&at(&format!("2001:db8:0:1::{last}"), "alice"));
    }
    assert!(throttle.is_shut(&at("2001:db8:0:1:ffff::1", "alice")));
    assert!(!throttle.is_shut(&at("2001:db8:0:2::1", "alice")));
    throttle.failed(&at("::ffff:192.0.2.1", "bob"));
    assert_eq!(at("::ffff:192.0.2.1", "bob"), at("192.0.2.1", "bob"));
}

#[test]
fn what_is_no_name_takes_no_room() {
    let throttle = Throttle::new(ALLOWED);
    for count in 0..ALLOWED {
        throttle.failed(&at("192.0.2.1", &"x".repeat(10_000 + count as usize)));
    }
    assert!(throttle.is_shut(&at("192.0.2.1", "no name\0")));
    assert!(!throttle.is_shut(&at("192.0.2.1", "alice")));
    assert_eq!(at("192.0.2.1", &"x".repeat(10_000)).name.len(), 0);
}
