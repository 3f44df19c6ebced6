use super::*;

#[test]
fn a_time_is_so_long_ago_or_a_moment() {
    let days = |days: u64| Past::Ago(Duration::from_hours(24 * days));
    let noon: Timestamp = "2030-01-31T12:00:00Z".parse().expect("time");
    let day: Timestamp = "2030-01-31T00:00:00Z".parse().expect("time");
    for (text, read) in [
        ("7d", Some(days(7))),
        ("2w", Some(days(14))),
        ("0s", Some(days(0))),
        ("2030-01-31T12:00:00Z", Some(Past::At(noon))),
        ("2030-01-31", Some(Past::At(day))),
        ("soon", None),
        ("7", None),
        ("", None),
    ] {
        assert_eq!(past(text).ok(), read, "{text:?}");
    }
}
