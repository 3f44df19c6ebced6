use super::*;
use serde_json::json;

fn point(hour: i64, label: &str, part: &str, value: u64) -> Point {
    Point {
        at: Timestamp(hour * 3_600_000_000),
        label: label.into(),
        part: part.into(),
        value,
    }
}

#[track_caller]
fn assert_told(name: SeriesName, step: Step, points: &[Point], expected: &serde_json::Value) {
    let told = told(name, step, points);
    assert_eq!(serde_json::to_value(told.items).expect("JSON"), *expected);
}

#[test]
fn sums_of_hours_add_up_to_days() {
    let points = [
        point(23, "npm", "", 1),
        point(23, "oci", "", 2),
        point(24, "npm", "", 4),
        point(47, "npm", "", 8),
    ];
    let name = SeriesName::Requests;
    let hours = json!([
        {"at": "1970-01-01T23:00:00Z", "value": 3, "parts": {"npm": 1, "oci": 2}},
        {"at": "1970-01-02T00:00:00Z", "value": 4, "parts": {"npm": 4}},
        {"at": "1970-01-02T23:00:00Z", "value": 8, "parts": {"npm": 8}},
    ]);
    assert_told(name, Step::Hour, &points, &hours);
    let days = json!([
        {"at": "1970-01-01T00:00:00Z", "value": 3, "parts": {"npm": 1, "oci": 2}},
        {"at": "1970-01-02T00:00:00Z", "value": 12, "parts": {"npm": 12}},
    ]);
    assert_told(name, Step::Day, &points, &days);
}

#[test]
fn the_last_level_of_a_day_stands() {
    let points = [
        point(1, "", "", 10),
        point(1, "npm", "", 7),
        point(1, "oci", "", 6),
        point(2, "", "", 12),
        point(2, "npm", "", 8),
    ];
    let day = json!([
        {"at": "1970-01-01T00:00:00Z", "value": 12, "parts": {"npm": 8, "oci": 6}},
    ]);
    assert_told(SeriesName::StoredBytes, Step::Day, &points, &day);
}

#[test]
fn durations_are_told_by_their_mean_and_quantiles() {
    let points = [
        point(1, "npm", "10000", 10),
        point(1, "npm", "sum", 80_000),
        point(1, "oci", "500", 10),
        point(1, "oci", "sum", 2_000),
    ];
    let hour = json!([{
        "at": "1970-01-01T01:00:00Z", "value": 0.0041, "parts": {"npm": 0.008, "oci": 0.0002},
        "quantiles": {"count": 20, "mean": 0.0041, "p50": 0.0005, "p95": 0.0095, "p99": 0.0099},
    }]);
    assert_told(SeriesName::RequestDuration, Step::Hour, &points, &hour);
}

#[test]
fn steps_begin_at_their_beginning() {
    let at: Timestamp = "2030-01-31T12:34:56Z".parse().expect("time");
    for (step, begins) in [
        (Step::Hour, "2030-01-31T12:00:00Z"),
        (Step::Day, "2030-01-31T00:00:00Z"),
    ] {
        assert_eq!(step.begin(at).to_string(), begins);
    }
    assert!("week".parse::<Step>().is_err());
}
