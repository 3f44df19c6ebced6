use super::*;

fn at(hours: u64) -> Timestamp {
    Timestamp(1_700_000_000_000_000).after(Duration::from_hours(hours))
}

#[test]
fn a_ring_is_read_as_it_was_written() {
    let first = KeyRing::of([1; BYTES]);
    assert_eq!(first.write(), format!("{}\n", "01".repeat(BYTES)));
    let second = first.rotated([2; BYTES], at(0));
    let third = second.rotated([3; BYTES], at(1));
    for ring in [&first, &second, &third] {
        assert_eq!(KeyRing::read(&ring.write()).as_ref(), Some(ring));
    }
    let all: Vec<u8> = third.all().map(|key| key[0]).collect();
    assert_eq!((all, third.newest()[0]), (vec![3, 2, 1], 3));
    for bad in [
        "",
        "01",
        "zz\n",
        &format!("{}\n{}\n", "01".repeat(32), "02".repeat(32)),
    ] {
        assert_eq!(KeyRing::read(bad), None, "{bad}");
    }
}

#[test]
fn a_retired_key_is_believed_for_a_day() {
    let ring = KeyRing::of([1; BYTES]).rotated([2; BYTES], at(0));
    let left = |hours| ring.without_past(at(hours)).all().count();
    assert_eq!([left(0), left(23), left(24), left(1000)], [2, 2, 1, 1]);
    assert_eq!(ring.without_past(at(1000)).newest(), &[2; BYTES]);
}

#[test]
fn no_key_is_shown() {
    let ring = KeyRing::of([0xab; BYTES]).rotated([0xcd; BYTES], at(0));
    assert_eq!(format!("{ring:?}"), "2 keys");
}
