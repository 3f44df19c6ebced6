use super::*;

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

#[test]
fn nothing_has_no_quantiles() {
    let none = Distribution::default();
    assert_eq!(
        (none.count(), none.mean(), none.quantile(500)),
        (0, None, None)
    );
}

#[test]
fn a_duration_is_within_its_bound() {
    for (took, part) in [
        (0, "500"),
        (500, "500"),
        (501, "1000"),
        (300_000_000, "300000000"),
        (300_000_001, "more"),
    ] {
        let durations = Durations::default();
        durations.observe(micros(took));
        let parts: Vec<_> = durations.distribution().parts().collect();
        let expected = |(name, value): &(&str, u64)| match *name {
            "sum" => *value == took,
            name => *value == u64::from(name == part),
        };
        assert!(parts.iter().all(expected), "{took}: {parts:?}");
    }
}

#[test]
fn quantiles_lie_between_the_bounds_of_their_place() {
    let durations = Durations::default();
    for took in (0..100).map(|number| if number < 90 { 800 } else { 40_000 }) {
        durations.observe(micros(took));
    }
    let told = durations.distribution();
    assert_eq!(
        (told.count(), told.sum()),
        (100, micros(90 * 800 + 10 * 40_000))
    );
    assert_eq!(told.mean(), Some(micros(4720)));
    assert_eq!(told.quantile(450), Some(micros(750)));
    assert_eq!(told.quantile(900), Some(micros(1000)));
    assert_eq!(told.quantile(950), Some(micros(30_000)));
    assert_eq!(told.quantile(1000), Some(micros(50_000)));
}

#[test]
fn beyond_the_last_bound_that_bound_is_told() {
    let durations = Durations::default();
    durations.observe(micros(900_000_000));
    let told = durations.distribution().quantile(500);
    assert_eq!(told, Some(micros(300_000_000)));
}

#[test]
fn parts_make_what_they_came_from() {
    let durations = Durations::default();
    for took in [1, 600, 70_000, 400_000_000] {
        durations.observe(micros(took));
    }
    let mut made = Distribution::default();
    for (part, value) in durations.distribution().parts() {
        assert!(made.add(part, value));
    }
    assert_eq!(made, durations.distribution());
    assert!(!made.add("other", 1));
}
