//! A request with an `Idempotency-Key`, over a kill and through two servers.

use larder_tests::Client;
use larder_tests::http::Response;
use larder_tests::larder::Start;
use larder_tests::postgres::Postgres;
use serde_json::{Value, json};

/// Requests sent at once to each server.
const AT_ONCE: usize = 8;

fn larder() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
}

fn post(client: &Client, key: &str, path: &str, body: &Value) -> Response {
    let headers = [
        ("idempotency-key", key),
        ("content-type", "application/json"),
    ];
    client.send("POST", path, &headers, body.to_string().as_bytes())
}

#[test]
fn an_answer_outlives_a_kill() {
    let mut larder = larder().start();
    let body = json!({"name": "dev"});
    let first = post(&larder.admin(), "one", "/api/v1/groups", &body).expect(201);
    larder.kill();
    larder.start_again();
    let second = post(&larder.admin(), "one", "/api/v1/groups", &body).expect(201);
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("location"), first.header("location"));
    // Without the key it is another request.
    post(&larder.admin(), "two", "/api/v1/groups", &body).expect(409);
}

#[test]
fn two_servers_carry_a_request_out_once() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("keys");
    let start = || postgres.names_of(larder(), &url).start();
    let (one, two) = (start(), start());
    let admin = |number: usize| [&one, &two][number % 2].admin();
    // Nothing else keeps two tokens from being made.
    let body = json!({"name": "ci"});
    let ask = |number: usize| post(&admin(number), "once", "/api/v1/tokens", &body);
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let asked = (0..2 * AT_ONCE).map(|number| scope.spawn(move || ask(number)));
        let asked: Vec<_> = asked.collect();
        let joined = asked.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|answer| answer.expect("answer")).collect()
    });
    let (made, others): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 201);
    assert_eq!(made.len(), 1);
    for answer in others {
        assert_eq!(answer.status, 409);
        let code = answer.json()["code"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_default();
        assert!(
            ["idempotency_key_in_use", "secret_already_shown"].contains(&&*code),
            "{code}"
        );
    }
    let id = made[0].json()["id"].clone();
    for number in 0..2 {
        let again = ask(number).expect(409);
        assert_eq!(again.json()["code"], "secret_already_shown");
        assert_eq!(again.json()["id"], id);
        let tokens = admin(number).get("/api/v1/tokens").expect(200).json();
        assert_eq!(tokens["items"].as_array().map(Vec::len), Some(1));
    }
}
