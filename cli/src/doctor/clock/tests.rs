use super::*;
use crate::doctor::finding::State;

#[test]
fn a_difference_is_told_with_its_direction() {
    let now: Timestamp = "2030-01-31T12:00:00Z".parse().expect("time");
    for (date, state, part) in [
        (
            Some("Thu, 31 Jan 2030 12:00:07 GMT"),
            State::Ok,
            "the same to 7 s",
        ),
        (
            Some("Thu, 31 Jan 2030 12:01:01 GMT"),
            State::Problem,
            "61 s ahead of",
        ),
        (
            Some("Thu, 31 Jan 2030 11:00:00 GMT"),
            State::Problem,
            "3600 s behind",
        ),
        (Some("soon"), State::Note, "does not say"),
        (None, State::Note, "does not say"),
    ] {
        let finding = compare(date, now);
        assert_eq!(finding.state, state, "{date:?}");
        assert!(finding.detail.contains(part), "{finding:?}");
    }
}
