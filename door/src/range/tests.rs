use super::*;

#[test]
fn ranges() {
    for (header, size, expected) in [
        ("bytes=0-0", 10, RangeRequest::Part(0..1)),
        ("bytes=0-", 10, RangeRequest::Part(0..10)),
        ("bytes=5-", 10, RangeRequest::Part(5..10)),
        ("bytes=5-7", 10, RangeRequest::Part(5..8)),
        ("bytes=5-700", 10, RangeRequest::Part(5..10)),
        ("bytes=-3", 10, RangeRequest::Part(7..10)),
        ("bytes=-30", 10, RangeRequest::Part(0..10)),
        ("bytes=-0", 10, RangeRequest::Outside),
        ("bytes=10-", 10, RangeRequest::Outside),
        ("bytes=0-", 0, RangeRequest::Outside),
        ("bytes=18446744073709551615-", 10, RangeRequest::Outside),
        (
            "bytes=0-99999999999999999999999",
            10,
            RangeRequest::Part(0..10),
        ),
        ("bytes=7-5", 10, RangeRequest::Outside),
        ("bytes=a-b", 10, RangeRequest::Whole),
        ("bytes=-", 10, RangeRequest::Whole),
        ("items=0-1", 10, RangeRequest::Whole),
        ("bytes=--1", 10, RangeRequest::Whole),
        ("", 10, RangeRequest::Whole),
    ] {
        assert_eq!(wanted(header, size), expected, "{header}");
    }
}

fn parts(parts: &[Range<u64>]) -> RangeRequest {
    RangeRequest::Parts(parts.to_vec())
}

#[test]
fn several_ranges() {
    for (header, size, expected) in [
        ("bytes=0-1,3-4", 10, parts(&[0..2, 3..5])),
        ("bytes= 0-1 ,\t-2", 10, parts(&[0..2, 8..10])),
        ("bytes=,0-1,,3-4,", 10, parts(&[0..2, 3..5])),
        // In the order of the request, and as many as were asked for.
        ("bytes=7-8,0-1,3-3", 10, parts(&[7..9, 0..2, 3..4])),
        ("bytes=0-1,2-3", 10, parts(&[0..2, 2..4])),
        // Those that overlap are one.
        ("bytes=0-5,3-8", 10, RangeRequest::Part(0..9)),
        ("bytes=0-,0-,0-,-10", 10, RangeRequest::Part(0..10)),
        ("bytes=8-9,3-4,4-5,0-0", 10, parts(&[8..10, 3..6, 0..1])),
        ("bytes=0-1,5-6,1-5", 10, RangeRequest::Part(0..7)),
        // Those outside are left out.
        ("bytes=0-1,10-11", 10, RangeRequest::Part(0..2)),
        ("bytes=10-,5-6,-0,8-9", 10, parts(&[5..7, 8..10])),
        ("bytes=10-,20-", 10, RangeRequest::Outside),
        ("bytes=0-1,-1", 0, RangeRequest::Outside),
        // What is not understood asks for nothing.
        ("bytes=0-1,a-b", 10, RangeRequest::Whole),
        ("bytes=0-1,items=3-4", 10, RangeRequest::Whole),
        ("bytes=,", 10, RangeRequest::Whole),
    ] {
        assert_eq!(wanted(header, size), expected, "{header}");
    }
}

#[test]
fn too_many_ranges_are_none() {
    let header = |count: u64| {
        let specs: Vec<String> = (0..count).map(|at| format!("{0}-{0}", 2 * at)).collect();
        format!("bytes={}", specs.join(","))
    };
    let all: Vec<_> = (0..1024).map(|at| 2 * at..2 * at + 1).collect();
    assert_eq!(wanted(&header(1024), 10_000), RangeRequest::Parts(all));
    assert_eq!(wanted(&header(1025), 10_000), RangeRequest::Whole);
}

#[test]
fn the_first_byte_is_in_what_begins_with_it() {
    for (header, has_first) in [
        ("", true),
        ("bytes=0-0", true),
        ("bytes=1-", false),
        ("bytes=5-6,0-1", true),
        ("bytes=5-6,8-9", false),
        ("bytes=10-", false),
    ] {
        assert_eq!(wanted(header, 10).has_first(), has_first, "{header}");
    }
}
