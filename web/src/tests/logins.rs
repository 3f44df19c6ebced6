//! Guesses at passwords: how many are looked at, and whom they keep out.

use super::{House, PASSWORD, house};
use larder_access::{Gate, Settings};
use larder_metadata::tokens::TokenUse;
use larder_model::{Kind, Origin, Problem, Timestamp};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// Failures for one name that one address may have, and all together.
const ALLOWED: usize = 10;
const TOGETHER: usize = 100;

fn at(address: IpAddr) -> Origin {
    Origin {
        address,
        request_id: "".into(),
    }
}

/// One of many addresses.
fn stranger(number: usize) -> Origin {
    let number = u32::try_from(number).expect("number");
    at(Ipv4Addr::from_bits(0xc633_6400 + number).into())
}

async fn guess(gate: &Gate, name: &str, origin: &Origin) -> Problem {
    let refused = gate.log_in(name, "a guess", origin).await;
    refused.expect_err("a wrong password")
}

/// Guesses from as many addresses as it takes to shut a name.
async fn guess_from_everywhere(gate: &Gate, name: &str) {
    for number in 0..TOGETHER {
        let refused = guess(gate, name, &stranger(number)).await;
        assert_eq!(refused.kind, Kind::Unauthenticated, "{number}");
    }
}

async fn gate(house: &House) -> Gate {
    let settings = Settings {
        keys: larder_keys::KeyRing::of([1; 32]),
        anonymous: true,
        token_life: Duration::from_mins(1),
        offline_token_life: Duration::from_mins(1),
        password_memory: 64 * 1024,
        login_attempts: u32::try_from(ALLOWED).expect("number"),
        header_bytes: 64 * 1024,
    };
    let gate = Gate::new(house.metadata.clone(), settings).await;
    gate.expect("gate")
}

#[tokio::test]
async fn guesses_from_everywhere_keep_strangers_out_alone() {
    let house = house().await;
    house.user("alice", false).await;
    house.user("bob", false).await;
    let gate = gate(&house).await;
    let home = at(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    gate.log_in("alice", PASSWORD, &home).await.expect("alice");
    for name in ["alice", "nobody"] {
        guess_from_everywhere(&gate, name).await;
    }
    // Whoever is not there looks the same.
    let (shut, absent) = (
        guess(&gate, "alice", &stranger(1000)).await,
        guess(&gate, "nobody", &stranger(1000)).await,
    );
    assert_eq!(shut.kind, Kind::TooMany);
    assert_eq!((shut.kind, &shut.detail), (absent.kind, &absent.detail));
    assert_eq!(shut.retry_after, absent.retry_after);
    let refused = gate.log_in("alice", PASSWORD, &stranger(1000)).await;
    assert_eq!(refused.expect_err("shut").kind, Kind::TooMany);
    // Where she is known she is welcome, and others are everywhere.
    gate.log_in("alice", PASSWORD, &home).await.expect("alice");
    let bob = gate.log_in("bob", PASSWORD, &stranger(1000)).await;
    bob.expect("bob");
    // She can change her password, too.
    let verified = gate.verify_password("alice", PASSWORD).await;
    assert!(verified.expect("looked at").is_some());
}

#[tokio::test]
async fn a_known_address_is_known_after_a_start() {
    let house = house().await;
    house.user("alice", false).await;
    let home = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let (token, _) = house.token("alice", None).await;
    let used = TokenUse {
        token,
        at: Timestamp(1),
        address: home,
    };
    assert!(house.metadata.is_new_address(used).await.expect("use"));
    let gate = gate(&house).await;
    guess_from_everywhere(&gate, "alice").await;
    let refused = gate.log_in("alice", PASSWORD, &stranger(1000)).await;
    assert_eq!(refused.expect_err("shut").kind, Kind::TooMany);
    let alice = gate.log_in("alice", PASSWORD, &at(home)).await;
    alice.expect("alice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_the_same_time_are_no_more_than_one_after_the_other() {
    let house = house().await;
    house.user("alice", false).await;
    let gate = Arc::new(gate(&house).await);
    let guesses = (0..64).map(|_| {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { guess(&gate, "alice", &stranger(0)).await.kind })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.expect("guess") {
            Kind::Unauthenticated => looked_at += 1,
            kind => assert_eq!(kind, Kind::TooMany),
        }
    }
    // Two are looked at at the same time: one more than is allowed may have begun.
    assert!((ALLOWED..=ALLOWED + 1).contains(&looked_at), "{looked_at}");
}

#[tokio::test]
async fn what_is_no_name_is_refused_as_an_unknown_one() {
    let house = house().await;
    let gate = gate(&house).await;
    let unknown = guess(&gate, "nobody", &stranger(0)).await;
    for name in ["", "no name", "\0", "ALICE", &"x".repeat(10_000)] {
        let refused = guess(&gate, name, &stranger(1)).await;
        assert_eq!(
            (refused.kind, &refused.detail),
            (unknown.kind, &unknown.detail),
            "{name}"
        );
    }
}
