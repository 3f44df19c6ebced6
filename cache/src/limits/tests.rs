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
