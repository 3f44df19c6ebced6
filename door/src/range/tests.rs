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
        ("bytes=0-1,3-4", 10, RangeRequest::Whole),
        ("bytes=a-b", 10, RangeRequest::Whole),
        ("bytes=-", 10, RangeRequest::Whole),
        ("items=0-1", 10, RangeRequest::Whole),
        ("bytes=--1", 10, RangeRequest::Whole),
        ("", 10, RangeRequest::Whole),
    ] {
        assert_eq!(wanted(header, size), expected, "{header}");
    }
}
