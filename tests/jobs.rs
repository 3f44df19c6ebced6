//! Jobs and schedules of the built binary: over several servers of one database, over a server's end
//! and its restart, and as clients watch them.

use larder_tests::http::{read_head, read_response};
use larder_tests::tools::{command, tool};
use larder_tests::{Fault, Larder, Postgres, Start, Upstream};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// What is awaited has happened within this time.
const DEADLINE: Duration = Duration::from_mins(1);
/// Where an npm mirror asks whether its upstream is there.
const PROBE: &str = "/-/ping";

fn larder() -> Start {
    // What is awaited is asked for again and again.
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
}

/// An upstream that answers when it is released, and a mirror of it.
fn silent_upstream(larder: &Larder) -> Upstream {
    let upstream = Upstream::start();
    upstream.put(PROBE, "{}");
    upstream.fail(PROBE, Fault::Silent);
    let settings = json!({"url": upstream.url(), "allow_private": true});
    let body = json!({"protocol": "npm", "name": "up", "kind": "mirror", "upstream": settings});
    larder.api("POST", "repositories", &body.to_string(), 201);
    upstream
}

fn speak(upstream: &Upstream) {
    upstream.heal();
    upstream.release();
}

/// Asks for the check of all upstreams; the job's id.
#[track_caller]
fn queue(larder: &Larder) -> String {
    let job = larder.api("POST", "upstream-check/runs", "{}", 202);
    assert_eq!(job["state"], "queued");
    job["id"].as_str().expect("id").to_owned()
}

/// The states of a job, each whole, to its end.
#[track_caller]
fn watch(larder: &Larder, id: &str) -> Vec<Value> {
    let path = format!("/api/v1/jobs/{id}/events");
    let (response, whole) = larder.admin().take(&path, &[]).expect("events");
    assert!(whole, "the events broke off");
    let response = response.expect(200);
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let text = response.text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|json| serde_json::from_str(json).expect("job"))
        .collect()
}

#[track_caller]
fn end(larder: &Larder, id: &str) -> Value {
    watch(larder, id).pop().expect("events")
}

/// Asks a server until the answer is as it should be.
#[track_caller]
fn ask_until(larder: &Larder, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let answer = larder.api("GET", path, "", 200);
        if fits(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "{path}: {answer}");
    }
}

fn count(list: &Value) -> usize {
    list["items"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_job_of_a_killed_server_is_finished_by_another() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("killed");
    let start = || postgres.names_of(larder(), &url).start();
    let mut one = start();
    let upstream = silent_upstream(&one);
    let id = queue(&one);
    upstream.await_count(PROBE, 1);
    let running = one.api("GET", &format!("jobs/{id}"), "", 200);
    assert_eq!(
        (&running["state"], &running["attempts"]),
        (&json!("running"), &json!(1))
    );
    one.kill();
    let other = start();
    // As if its time were over.
    postgres.tell(
        "killed",
        "update jobs set held_until = 1 where state = 'running'",
    );
    upstream.await_count(PROBE, 2);
    speak(&upstream);
    let job = end(&other, &id);
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("succeeded"), &json!(2)),
        "{job}"
    );
    assert_eq!(job["result"], json!({"ok": 1, "failed": 0, "offline": 0}));
    let items = other.api("GET", &format!("jobs/{id}/items"), "", 200);
    assert_eq!(count(&items), 1, "{items}");
    assert_eq!(items["items"][0]["repository"], "npm/up");
}

#[test]
fn a_server_that_lost_its_job_lets_go_of_it() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("lost");
    let one = larder().with("LARDER_DATABASE__URL", &url).start();
    let upstream = silent_upstream(&one);
    let id = queue(&one);
    upstream.await_count(PROBE, 1);
    // As if another server had taken it, and then died.
    let stolen = format!("update jobs set fence = fence + 1, held_until = 1 where id = {id}");
    postgres.tell("lost", &stolen);
    assert!(one.await_line("another server has the job"));
    // It takes it anew, as any server would.
    upstream.await_count(PROBE, 2);
    speak(&upstream);
    let job = end(&one, &id);
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("succeeded"), &json!(2)),
        "{job}"
    );
}

#[test]
fn a_schedule_begins_once_for_all_servers() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("schedule");
    let start = || postgres.names_of(larder(), &url).start();
    let servers = [start(), start(), start()];
    let schedules = servers[0].api("GET", "schedules", "", 200);
    let kinds = [
        "backup",
        "gc",
        "retention",
        "scrub",
        "upstream-check",
        "usage",
    ];
    let kinds = kinds.map(Value::from);
    let schedules = schedules["items"].as_array().expect("schedules");
    assert!(schedules.iter().map(|it| &it["kind"]).eq(&kinds));
    let schedule = &schedules[4];
    assert_eq!(
        (&schedule["cron"], &schedule["enabled"]),
        (&json!("0 6 * * *"), &json!(true))
    );
    assert_eq!(
        (schedule["next"].as_array().map(Vec::len), &schedule["last"]),
        (Some(3), &Value::Null)
    );
    // Nothing but what this test makes late is due today.
    servers[0].disable_schedules();
    let rare = json!({"cron": "0 0 29 2 *"}).to_string();
    servers[0].api("PUT", "schedules/upstream-check", &rare, 200);
    for round in 1..=3 {
        // Nine years were missed.
        let late = "update schedules set begun_until = begun_until - 283824000000000";
        postgres.tell("schedule", late);
        let server = &servers[round % servers.len()];
        let jobs = ask_until(server, "jobs", |jobs| {
            let newest = &jobs["items"][0]["state"];
            count(jobs) >= round && newest == "succeeded"
        });
        assert_eq!(count(&jobs), round, "{jobs}");
        assert_eq!(jobs["items"][0]["by"], "schedule");
        let schedule = server.api("GET", "schedules/upstream-check", "", 200);
        assert_eq!(schedule["last"]["id"], jobs["items"][0]["id"]);
    }
}

#[test]
fn a_job_is_cancelled_through_another_server() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let url = postgres.database("cancelled");
    let start = || postgres.names_of(larder(), &url).start();
    let servers = [start(), start()];
    let upstream = silent_upstream(&servers[0]);
    let id = queue(&servers[0]);
    upstream.await_count(PROBE, 1);
    // One of them works on it: it hears of it, whichever was asked.
    for server in &servers {
        let running = server.api("GET", &format!("jobs/{id}"), "", 200);
        assert_eq!(running["state"], "running");
    }
    let queued = queue(&servers[1]);
    let cancel = |server: &Larder, id: &str| {
        server.api("POST", &format!("jobs/{id}/cancel"), "", 200)["state"].clone()
    };
    assert_eq!(cancel(&servers[0], &queued), "cancelled");
    assert_eq!(cancel(&servers[1], &id), "running");
    for server in &servers {
        assert_eq!(end(server, &id)["state"], "cancelled");
        server.api("POST", &format!("jobs/{id}/cancel"), "", 409);
    }
    assert_eq!(upstream.count(PROBE), 1);
}

#[test]
fn a_server_that_stops_gives_its_job_back_and_lets_watchers_go() {
    let mut larder = larder().start();
    let upstream = silent_upstream(&larder);
    let id = queue(&larder);
    upstream.await_count(PROBE, 1);
    let path = format!("/api/v1/jobs/{id}/events");
    let admin = larder.admin();
    let mut stream = admin.connect().expect("connection");
    stream
        .write_all(&admin.head("GET", &path, &[], None))
        .expect("request");
    let mut watching = BufReader::new(stream);
    assert_eq!(read_head(&mut watching).expect("head").status, 200);
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert!(watching.read_line(&mut line).expect("event") > 0);
    }
    let begun = Instant::now();
    assert_eq!(larder.stop(), Some(0));
    let mut rest = String::new();
    watching.read_to_string(&mut rest).expect("the end");
    assert!(
        rest.ends_with("0\r\n\r\n"),
        "the answer ends as it should: {rest:?}"
    );
    let log = larder.log_text();
    assert!(
        log.contains("job given back") && !log.contains("cut off"),
        "{log}"
    );
    assert!(begun.elapsed() < DEADLINE);
    larder.start_again();
    upstream.await_count(PROBE, 2);
    speak(&upstream);
    let job = end(&larder, &id);
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("succeeded"), &json!(1)),
        "{job}"
    );
}

#[test]
fn upstreams_are_told_one_by_one() {
    let larder = larder().start();
    let upstream = silent_upstream(&larder);
    speak(&upstream);
    for (name, settings) in [
        (
            "gone",
            json!({"url": "http://127.0.0.1:9/", "allow_private": true}),
        ),
        ("off", json!({"url": upstream.url(), "allow_private": true})),
    ] {
        let body = json!({"protocol": "npm", "name": name, "kind": "mirror", "upstream": settings});
        larder.api("POST", "repositories", &body.to_string(), 201);
    }
    larder.api("PATCH", "repositories/npm/off", r#"{"offline":true}"#, 200);
    let id = queue(&larder);
    let told = watch(&larder, &id);
    let job = told.last().expect("events");
    // What somebody should look at is no success.
    assert_eq!(
        (&job["state"], &job["error"]["code"]),
        (&json!("failed"), &json!("upstream_failed"))
    );
    let detail = job["error"]["detail"].as_str().expect("detail");
    assert!(
        detail.contains("npm/gone") && !detail.contains("npm/up"),
        "{detail}"
    );
    let progress =
        json!({"phase": "check", "done": 3, "total": 3, "unit": "upstreams", "bytes": 0});
    assert_eq!(job["progress"], progress);
    let items = larder.api("GET", &format!("jobs/{id}/items"), "", 200);
    let items = items["items"].as_array().expect("items");
    let told: Vec<_> = items
        .iter()
        .map(|item| [&item["repository"], &item["action"]].map(|it| it.as_str().expect("text")))
        .collect();
    assert_eq!(
        told,
        [
            ["npm/gone", "failed"],
            ["npm/off", "skipped"],
            ["npm/up", "ok"]
        ]
    );
    assert!(!items[0]["reason"].as_str().expect("reason").is_empty());
}

#[test]
fn curl_and_the_command_line_watch_a_job() {
    let Some(curl) = tool("curl") else { return };
    let larder = larder().start();
    let upstream = silent_upstream(&larder);
    let id = queue(&larder);
    upstream.await_count(PROBE, 1);
    let token = larder.token_of("admin");
    let url = format!("{}/api/v1/jobs/{id}/events", larder.url());
    let mut curl = command(&curl, larder.folder());
    curl.args([
        "--no-buffer",
        "--silent",
        "--show-error",
        "--fail",
        "--noproxy",
        "*",
    ]);
    curl.args(["-H", &format!("authorization: Bearer {token}"), &url]);
    let mut curl = curl.stdout(Stdio::piped()).spawn().expect("curl");
    let mut events = BufReader::new(curl.stdout.take().expect("stdout")).lines();
    // The first event is there while the job runs.
    let first = events.next().expect("an event").expect("line");
    assert!(first.contains(r#""state":"running""#), "{first}");
    let mut watch = command(env!("CARGO_BIN_EXE_larder").as_ref(), larder.folder());
    watch.args([
        "job",
        "watch",
        &id,
        "--json",
        "--server",
        larder.url(),
        "--token",
        &token,
    ]);
    watch.stdout(Stdio::piped()).stderr(Stdio::piped());
    let watch = watch.spawn().expect("larder");
    speak(&upstream);
    let last = events
        .map_while(Result::ok)
        .filter(|line| !line.is_empty())
        .last();
    assert!(last.expect("events").contains(r#""state":"succeeded""#));
    assert!(curl.wait().expect("curl").success());
    let watched = watch.wait_with_output().expect("larder");
    assert_eq!(watched.status.code(), Some(0), "{watched:?}");
    let job: Value = serde_json::from_slice(&watched.stdout).expect("JSON");
    assert_eq!(
        (&job["id"], &job["state"]),
        (&json!(id), &json!("succeeded"))
    );
    // Nothing but data, and no bar where nobody watches.
    assert_eq!(String::from_utf8_lossy(&watched.stderr), "");
}

/// Many who watch, some of whom go away, cost the server nothing that stays.
#[test]
fn many_watch_a_job() {
    let larder = larder().start();
    let upstream = silent_upstream(&larder);
    let id = queue(&larder);
    upstream.await_count(PROBE, 1);
    let admin = larder.admin();
    let path = format!("/api/v1/jobs/{id}/events");
    let head = admin.head("GET", &path, &[], None);
    let open = || {
        let mut stream = admin.connect().expect("connection");
        stream.write_all(&head).expect("request");
        let mut stream = BufReader::new(stream);
        (read_head(&mut stream).expect("head"), stream)
    };
    let mut watching: Vec<_> = (0..256).map(|_| open()).collect();
    assert!(watching.iter().all(|(head, _)| head.status == 200));
    let mut stream = admin.connect().expect("connection");
    stream.write_all(&head).expect("request");
    let refused = read_response(&mut BufReader::new(stream), "GET").expect("answer");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("5"))
    );
    assert_eq!(refused.json()["code"], "busy");
    // Those who go away make room, once the server has something to tell them.
    watching.truncate(128);
    speak(&upstream);
    for (_, stream) in &mut watching {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("events");
        assert!(text.contains(r#""state":"succeeded""#));
    }
    drop(watching);
    assert_eq!(end(&larder, &id)["state"], "succeeded");
}
