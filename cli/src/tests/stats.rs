use super::jobs::job;
use super::{Machine, fake, json};
use crate::exit::Exit;
use crate::format::Format;
use serde_json::{Value, json};

/// What a command asks of a server that answers so, and what it shows.
async fn shown(words: &str, answer: &Value) -> (Vec<String>, String, Vec<String>) {
    let server = fake(vec![json("200 OK", answer)]).await;
    let line = format!("{words} --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("answer");
    assert_eq!(
        (outcome.exit, &outcome.json),
        (Exit::Done, &Some(answer.clone()))
    );
    let data = outcome.data(Format::Table, None).expect("table");
    (server.heard(), data, outcome.notes)
}

#[tokio::test]
async fn the_numbers_of_now_are_shown() {
    let now = json!({"as_of": "2030-01-02T03:20:00Z", "unnamed_bytes": 5,
        "total": {"bytes": 7_001, "unique_bytes": 6_000, "shared_bytes": 1_001, "blobs": 3},
        "last_24h": {"requests": 4_096, "hit_rate": 0.75,
            "request_duration_seconds": {"p95": 0.0125}}});
    let (heard, data, _) = shown("stats", &now).await;
    assert_eq!(heard, ["GET /api/v1/stats | - | "]);
    for part in ["7001", "4096", "0.75", "0.0125", "2030-01-02T03:20:00Z"] {
        assert!(data.contains(part), "{data}");
    }
}

#[tokio::test]
async fn a_series_is_asked_for_from_so_long_ago_on() {
    let series = json!({"name": "requests", "unit": "requests", "step": "1d", "items": [
        {"at": "2030-01-02T00:00:00Z", "value": 12, "parts": {"npm": 12}}]});
    let words = "stats series requests --since 2030-01-01 --step day --part npm";
    let (heard, data, _) = shown(words, &series).await;
    let asked =
        "GET /api/v1/stats/series?name=requests&since=2030-01-01T00%3A00%3A00Z&step=day&part=npm";
    assert_eq!(heard, [format!("{asked} | - | ")]);
    assert!(data.contains("2030-01-02T00:00:00Z  12"), "{data}");
    let (heard, ..) = shown("stats series requests --since 7d", &series).await;
    assert!(
        heard[0].contains("name=requests&since=") && !heard[0].contains("7d"),
        "{heard:?}"
    );
    let all = json!({"items": [{"name": "requests", "unit": "requests", "value": "sum",
        "label": "protocol", "description": "Requests answered"}], "next": null});
    let (heard, data, _) = shown("stats series", &all).await;
    assert_eq!(heard, ["GET /api/v1/stats/series | - | "]);
    assert!(data.contains("Requests answered"), "{data}");
}

#[tokio::test]
async fn what_holds_bytes_is_listed() {
    let usage = |as_of: Value, next: Value| {
        json!({"as_of": as_of, "next": next, "items": [{"protocol": "npm", "repository": "npm/local",
            "package": "pad", "bytes": 70, "unique_bytes": 30, "shared_bytes": 40, "versions": 2}]})
    };
    let words = "stats usage --by package --repository npm/local --limit 1";
    for (as_of, next, notes) in [
        (json!("2030-01-02T03:20:00Z"), Value::Null, &[][..]),
        (
            json!("2030-01-02T03:20:00Z"),
            json!("x"),
            &["there is more: a higher --limit shows it"],
        ),
        (
            Value::Null,
            Value::Null,
            &["nothing was counted yet: larder stats count"],
        ),
    ] {
        let (heard, data, told) = shown(words, &usage(as_of, next)).await;
        let asked = "GET /api/v1/stats/usage?by=package&limit=1&repository=npm%2Flocal | - | ";
        assert_eq!(
            (heard, told),
            (
                vec![asked.to_owned()],
                notes.iter().map(|&it| it.to_owned()).collect()
            )
        );
        assert!(data.contains("npm/local") && data.contains("pad"), "{data}");
    }
}

#[tokio::test]
async fn a_count_is_left_to_the_server() {
    let queued = job("queued", &Value::Null);
    let server = fake(vec![json("202 Accepted", &queued)]).await;
    let line = format!("stats count --no-wait --server {}", server.url);
    let outcome = Machine::new().run(&line).await.expect("count");
    assert_eq!((outcome.exit, &outcome.json), (Exit::Done, &Some(queued)));
    assert_eq!(server.heard(), ["POST /api/v1/stats/usage/runs | - | {}"]);
}
