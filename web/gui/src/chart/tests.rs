use super::*;
use serde_json::json;

fn chart(shape: Shape) -> Chart {
    Chart {
        language: Language::English,
        title: "Requests",
        labels: vec!["<1>".to_owned(), "2".to_owned()],
        parts: vec![
            Part {
                name: "hits",
                values: vec![Some(30), Some(0)],
            },
            Part {
                name: "misses",
                values: vec![Some(10), Some(1000)],
            },
        ],
        shape,
        unit: Unit::Count,
    }
}

#[test]
fn bars_stand_upon_each_other_and_small_ones_are_seen() {
    let bars = chart(Shape::Bars).bars();
    let drawn: Vec<_> = bars
        .iter()
        .map(|bar| (bar.part, bar.y, bar.height))
        .collect();
    assert_eq!(drawn, [(1, 97, 3), (2, 96, 1), (2, 0, 100)]);
    assert!(bars.iter().all(|bar| bar.x + bar.width <= WIDTH));
}

#[test]
fn lines_go_through_all_values() {
    let chart = chart(Shape::Line);
    assert_eq!(chart.line(&chart.parts[1]), "M250 99L750 0");
}

#[test]
fn a_line_is_broken_where_nothing_was_measured() {
    let mut chart = chart(Shape::Line);
    chart.labels.push("3".to_owned());
    for part in &mut chart.parts {
        part.values = vec![Some(1000), None, Some(1000)];
    }
    assert_eq!(chart.line(&chart.parts[0]), "M160 0h12M827 0h12");
    assert_eq!(chart.words(&1), "2: hits –, misses –");
}

#[test]
fn a_chart_is_escaped_and_has_a_table() {
    let html = chart(Shape::Bars).to_string();
    assert!(
        html.contains("<table") && html.contains("&#60;1&#62;"),
        "{html}"
    );
    assert!(!html.contains("<1>") && !html.contains("style="), "{html}");
    assert!(!chart(Shape::Bars).is_empty());
}

#[test]
fn days_without_values_are_filled() {
    let values = json!({"name": "x", "unit": "bytes", "step": "1d", "items": [
        {"at": "2030-01-29T00:00:00Z", "value": 7},
        {"at": "2030-01-31T00:00:00Z", "value": 9},
        {"at": "2029-01-31T00:00:00Z", "value": 100},
    ]});
    let values = serde_json::from_value(values).expect("values");
    let days = Days::new("2030-02-01T12:00:00Z".parse().expect("time"), 5);
    assert_eq!(days.labels(), ["01-28", "01-29", "01-30", "01-31", "02-01"]);
    assert_eq!(days.sums(&values), [0, 7, 0, 9, 0]);
    let levels = [None, Some(7), Some(7), Some(9), Some(9)];
    assert_eq!(days.levels(&values), levels);
    assert_eq!(days.since().to_string().get(..10), Some("2030-01-28"));
}
