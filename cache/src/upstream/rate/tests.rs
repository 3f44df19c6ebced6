use super::*;

#[test]
fn a_few_at_once_and_then_evenly() {
    let rate = Rate::per_minute(NonZeroU32::new(60).expect("number"));
    let now = Instant::now();
    let seconds = |number: u64| now + Duration::from_secs(number);
    for _ in 0..BURST {
        assert_eq!(rate.reserve(now), Ok(now));
    }
    for wait in 1..=10 {
        assert_eq!(rate.reserve(now), Ok(seconds(wait)));
    }
    assert_eq!(rate.reserve(now), Err(Duration::from_secs(11)));
    assert_eq!(
        rate.reserve(now),
        Err(Duration::from_secs(11)),
        "who is refused takes no turn"
    );
    assert_eq!(rate.reserve(seconds(1)), Ok(seconds(11)));
    let later = seconds(3600);
    for _ in 0..BURST {
        assert_eq!(
            rate.reserve(later),
            Ok(later),
            "a rest saves up no more than that"
        );
    }
    assert_eq!(rate.reserve(later), Ok(later + Duration::from_secs(1)));
}
