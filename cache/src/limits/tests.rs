use super::*;
use futures_util::FutureExt as _;

const MIB: u64 = 1 << 20;

#[test]
fn shares_are_bytes_of_one_budget() {
    let budget = Budget::new(4 << 20);
    let at_once = |bytes| budget.share(bytes).now_or_never().map(Result::unwrap);
    let three = at_once(3 * MIB).expect("there is room");
    assert!(at_once(2 * MIB).is_none(), "it waits");
    let one = at_once(MIB).expect("there is room");
    assert!(at_once(1000).is_some(), "a small document needs none");
    drop((three, one));
    // One that is larger than all has all.
    let all = at_once(100 * MIB).expect("there is room");
    assert!(at_once(MIB).is_none(), "it waits");
    drop(all);
    assert!(at_once(MIB).is_some());
}

#[test]
fn a_place_grows_or_stays_as_it_was() {
    let (room, own) = (Room::new(100), Room::new(50));
    let mut place = None;
    assert!(room.grow(&mut place, 30, None));
    assert_eq!((room.free(), own.free()), (70, 50));
    assert!(room.grow(&mut place, 50, Some(&own)));
    assert_eq!((room.free(), own.free()), (50, 0));
    assert!(!room.grow(&mut place, 51, Some(&own)), "its own is taken");
    assert!(!room.grow(&mut place, 101, None), "there is not as much");
    assert_eq!((room.free(), own.free()), (50, 0));
    assert!(room.grow(&mut place, 100, None));
    assert!(room.place(1).is_none());
    drop(place);
    assert_eq!((room.free(), own.free()), (100, 50));
    assert!(!room.grow(&mut None, 60, Some(&own)));
    assert_eq!((room.free(), own.free()), (100, 50), "nothing stays taken");
}
