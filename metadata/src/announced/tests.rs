use super::*;
use larder_model::Algorithm;

fn room(left: u64) -> [Room; 1] {
    [Room { quota: 7, left }]
}

fn layer() -> Digest {
    Digest::of(Algorithm::Sha256, b"layer")
}

#[test]
fn what_is_dropped_is_given_back() {
    let all = AnnouncedBytes::default();
    let first = all.announce(&room(10), 1, None, 6).expect("it fits");
    let second = all.announce(&room(10), 1, None, 5);
    assert_eq!(second.map(drop), Err((7, 6)));
    let third = all.announce(&room(10), 1, None, 4);
    drop(first);
    let fourth = all.announce(&room(10), 1, None, 6);
    assert!(third.is_ok() && fourth.is_ok());
}

#[test]
fn the_same_bytes_are_held_once_in_each_repository() {
    let all = AnnouncedBytes::default();
    let _first = all
        .announce(&room(10), 1, Some(layer()), 10)
        .expect("first");
    let _again = all
        .announce(&room(10), 1, Some(layer()), 10)
        .expect("again");
    let other = all.announce(&room(10), 2, Some(layer()), 10);
    assert_eq!(other.map(drop), Err((7, 10)));
    let elsewhere = [Room { quota: 8, left: 10 }];
    assert!(all.announce(&elsewhere, 2, Some(layer()), 10).is_ok());
}
