use super::*;

#[test]
fn a_use_is_noted_once_in_a_while() {
    let mark = UseMark::default();
    let at = |minutes: u64| Timestamp(1).after(Duration::from_mins(minutes));
    assert!(mark.is_due(at(1_000)));
    assert!(!mark.is_due(at(1_009)));
    assert!(mark.is_due(at(1_010)));
}
