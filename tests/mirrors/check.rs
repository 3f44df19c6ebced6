//! Whether an upstream is there: asked now, in words of its protocol, with what to do next where it
//! is not.

use crate::bed::Bed;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::command;
use larder_tests::{Fault, Larder, Shelf, Start};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

pub(crate) const BODY: &[u8] = b"not asked for";

#[track_caller]
fn check(larder: &Larder, path: &str) -> Value {
    larder.api(
        "POST",
        &format!("repositories/{path}/upstream/check"),
        "{}",
        200,
    )
}

#[track_caller]
fn fails(bed: &Bed, shelf: &Shelf, problem: &str, advice: &str) -> Value {
    let told = check(&bed.larder, &format!("{}/up", shelf.protocol));
    let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    assert!(
        text("problem").contains(problem) && text("advice").contains(advice),
        "{}: {told}",
        shelf.protocol
    );
    assert_eq!(told["ok"], json!(false), "{told}");
    told
}

/// What each protocol asks for.
pub(crate) fn probe(shelf: &Shelf) -> String {
    let path = match shelf.protocol {
        "cargo" => "config.json",
        "npm" => "-/ping",
        "pypi" => "simple/",
        "composer" => "packages.json",
        _ => "repodata/repomd.xml",
    };
    format!("{}/{path}", shelf.root)
}

/// Mirrors of upstreams that have what is asked for.
pub(crate) fn mirrors(bed: &Bed) -> Vec<Shelf> {
    let shelves = bed.mirrors(BODY);
    for shelf in shelves
        .iter()
        .filter(|shelf| matches!(shelf.protocol, "npm" | "pypi"))
    {
        bed.upstream.put(&probe(shelf), "{}");
    }
    shelves
}

#[test]
fn an_upstream_that_is_there_is_said_to_be() {
    let bed = Bed::new();
    for shelf in mirrors(&bed) {
        let told = check(&bed.larder, &format!("{}/up", shelf.protocol));
        let answer = (
            &told["ok"],
            &told["reachable"],
            &told["status"],
            &told["tls"],
            &told["authenticated"],
        );
        assert_eq!(
            answer,
            (
                &json!(true),
                &json!(true),
                &json!(200),
                &json!(false),
                &json!(null)
            ),
            "{told}"
        );
        assert_eq!(
            (&told["problem"], &told["url"]),
            (&json!(null), &json!(shelf.url(&bed.upstream)))
        );
        assert!(told["took_ms"].is_u64(), "{told}");
        let asked: Vec<String> = bed
            .upstream
            .take_asked()
            .into_iter()
            .map(|asked| asked.path)
            .collect();
        assert_eq!(asked, [probe(&shelf)]);
    }
}

#[test]
fn what_has_no_ping_may_have_a_root() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", BODY);
    fails(
        &bed,
        &shelf,
        "no repository of this protocol",
        "--upstream URL",
    );
    bed.upstream.put("/npm/", "{}");
    assert_eq!(check(&bed.larder, "npm/up")["ok"], json!(true));
}

#[test]
fn who_is_not_let_in_is_told_how_to_log_in() {
    let bed = Bed::new();
    for shelf in mirrors(&bed) {
        bed.upstream.fail(&probe(&shelf), Fault::Status(401));
        let told = fails(
            &bed,
            &shelf,
            "it wants a login",
            "--username NAME --password-stdin",
        );
        assert_eq!(
            (&told["status"], &told["authenticated"]),
            (&json!(401), &json!(null))
        );
        bed.change(
            &shelf,
            &json!({"upstream": {"username": "robot", "password": "do-not-tell"}}),
        );
        let told = fails(
            &bed,
            &shelf,
            "does not take the credentials",
            "--password-stdin",
        );
        assert_eq!(told["authenticated"], json!(false));
        assert!(!told.to_string().contains("do-not-tell"), "{told}");
        bed.upstream.heal();
        assert_eq!(
            check(&bed.larder, &format!("{}/up", shelf.protocol))["authenticated"],
            json!(true)
        );
        let sent = bed.upstream.take_asked();
        assert!(
            sent.last()
                .is_some_and(|asked| asked.header("authorization").is_some()),
            "{sent:?}"
        );
        bed.upstream.fail(&probe(&shelf), Fault::Status(403));
        fails(&bed, &shelf, "it forbids it", "may lack a right");
        bed.upstream.heal();
    }
}

#[test]
fn what_does_not_answer_is_told_by_its_cause() {
    let bed = Bed::with(&[("LARDER_CACHE__UPSTREAM_ANSWER_TIME", "1s")]);
    let shelves = mirrors(&bed);
    for shelf in &shelves {
        bed.upstream.fail(&probe(shelf), Fault::Status(503));
        let told = fails(&bed, shelf, "it fails (503)", "try again later");
        assert_eq!(
            (&told["reachable"], &told["status"]),
            (&json!(true), &json!(503))
        );
        bed.upstream.fail(&probe(shelf), Fault::Closed);
        assert_eq!(
            fails(
                &bed,
                shelf,
                "it cannot be reached",
                "does this machine reach it"
            )["reachable"],
            json!(false)
        );
    }
    bed.upstream.fail(&probe(&shelves[0]), Fault::Silent);
    fails(&bed, &shelves[0], "in time", "does it run");
    bed.upstream.heal();
    bed.upstream.release();
    bed.upstream.go();
    for shelf in &shelves {
        let told = fails(
            &bed,
            shelf,
            "nothing listens at its address",
            "are host and port right",
        );
        assert_eq!(
            (&told["reachable"], &told["status"]),
            (&json!(false), &json!(null))
        );
    }
}

#[test]
fn private_addresses_are_not_asked_unless_they_are_allowed() {
    let bed = Bed::new();
    let port = bed
        .upstream
        .url()
        .rsplit(':')
        .next()
        .expect("port")
        .trim_end_matches('/')
        .to_owned();
    for shelf in mirrors(&bed) {
        for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
            let url = format!("http://{host}:{port}/{}/", shelf.protocol);
            bed.change(
                &shelf,
                &json!({"upstream": {"url": url, "allow_private": false}}),
            );
            fails(
                &bed,
                &shelf,
                "its address is private",
                &format!("larder repo set {}/up --allow-private", shelf.protocol),
            );
        }
        let elsewhere = format!("http://localhost:{port}/elsewhere");
        bed.change(
            &shelf,
            &json!({"upstream": {"url": shelf.url(&bed.upstream), "allow_private": true}}),
        );
        bed.upstream
            .fail(&probe(&shelf), Fault::Redirect(elsewhere));
        fails(
            &bed,
            &shelf,
            "it leads to another place, whose address is private",
            "/up --allow ORIGIN",
        );
        bed.upstream.heal();
    }
    assert_eq!(
        bed.upstream.total(),
        PROBES,
        "{:?}",
        bed.upstream.take_asked()
    );
}

/// Of each protocol the one that was redirected.
const PROBES: usize = 5;

#[test]
fn offline_nobody_is_asked() {
    let bed = Bed::new();
    for shelf in mirrors(&bed) {
        bed.change(&shelf, &json!({"offline": true}));
        fails(&bed, &shelf, "it is offline", "--online");
        bed.change(&shelf, &json!({"offline": false}));
        bed.larder
            .api("PATCH", "settings", r#"{"offline":true}"#, 200);
        fails(&bed, &shelf, "the server is offline", "settings");
        bed.larder
            .api("PATCH", "settings", r#"{"offline":false}"#, 200);
    }
    assert_eq!(bed.upstream.total(), 0, "{:?}", bed.upstream.take_asked());
    let told = check(&bed.larder, "npm/upstream");
    assert_eq!(told["problem"], json!("it has no upstream yet"));
}

#[test]
fn a_registry_of_images_is_asked_with_its_token() {
    let server = || Start::of(env!("CARGO_BIN_EXE_larder")).start();
    let (origin, mirror) = (server(), server());
    let make = |name: &str, upstream: &Value| {
        let body = json!({"protocol": "oci", "name": name, "kind": "mirror", "upstream": upstream});
        mirror.api("POST", "repositories", &body.to_string(), 201);
        check(&mirror, &format!("oci/{name}"))
    };
    let with = |password: &str| {
        let url = origin.url();
        json!({"url": url, "allow_private": true, "username": "admin", "password": password})
    };
    let told = make("known", &with(PASSWORD));
    assert_eq!(
        (&told["ok"], &told["status"], &told["authenticated"]),
        (&json!(true), &json!(200), &json!(true)),
        "{told}"
    );
    let told = make("wrong", &with("not the password"));
    assert_eq!(
        (&told["ok"], &told["authenticated"]),
        (&json!(false), &json!(false)),
        "{told}"
    );
    let told = make(
        "nobody",
        &json!({"url": origin.url(), "allow_private": true}),
    );
    assert_eq!(
        (&told["ok"], &told["status"], &told["authenticated"]),
        (&json!(true), &json!(401), &json!(null)),
        "{told}"
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_told() {
    let start = || Start::of(env!("CARGO_BIN_EXE_larder"));
    let (origin, mirror) = (
        start().with("LARDER_SERVER__TLS", "self-signed").start(),
        start().start(),
    );
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror",
        "upstream": {"url": origin.url(), "allow_private": true}});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    let told = check(&mirror, "oci/up");
    let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (&told["tls"], &told["reachable"]),
        (&json!(true), &json!(false)),
        "{told}"
    );
    assert!(
        text("problem").contains("no encrypted connection can be made: "),
        "{told}"
    );
    assert!(text("advice").contains("certificate"), "{told}");
}

fn run(bed: &Bed, words: &[&str]) -> Output {
    let made = bed.larder.api("POST", "tokens", r#"{"name":"check"}"#, 201);
    let mut larder = command(Path::new(env!("CARGO_BIN_EXE_larder")), bed.larder.folder());
    larder.env("LARDER_TOKEN", made["secret"].as_str().expect("secret"));
    larder
        .args(words)
        .args(["--server", bed.larder.url()])
        .output()
        .expect("larder")
}

#[test]
fn the_command_fails_if_an_upstream_does() {
    let bed = Bed::new();
    let shelves = mirrors(&bed);
    let told = run(&bed, &["upstream", "check"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    assert_eq!(text.lines().count(), 1 + shelves.len(), "{text}");
    bed.upstream.fail(&probe(&shelves[1]), Fault::Status(401));
    let told = run(&bed, &["upstream", "check", "npm/up"]);
    let (text, advice) = (
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr),
    );
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(
        text.contains("it wants a login") && text.contains("401"),
        "{text}"
    );
    assert!(
        advice.contains("npm/up: give it one: larder repo set npm/up --username"),
        "{advice}"
    );
    let told = run(&bed, &["upstream", "check", "--json"]);
    let json: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(
        (told.status.code(), json["items"].as_array().map(Vec::len)),
        (Some(5), Some(shelves.len())),
        "one of them fails"
    );
}

#[test]
fn the_list_tells_who_has_a_rest() {
    let bed = Bed::new();
    let shelf = bed.mirror("npm", BODY);
    let state = || bed.larder.api("GET", "upstreams", "", 200)["items"][0].clone();
    assert_eq!(
        (&state()["repository"], &state()["state"]),
        (&json!("npm/up"), &json!("unasked"))
    );
    let took = |state: &Value| state["answer_duration_seconds"]["count"].clone();
    assert_eq!(
        (&state()["last_answer_at"], took(&state())),
        (&json!(null), json!(0))
    );
    bed.get(&shelf.index_here()).expect(200);
    let told = state();
    assert!(told["last_answer_at"].is_string(), "{told}");
    assert_eq!(took(&told), json!(1), "{told}");
    assert_eq!(
        (&state()["state"], &state()["last_error"]),
        (&json!("answering"), &json!(null))
    );
    bed.upstream.fail(&probe(&shelf), Fault::Later(429, 300));
    fails(&bed, &shelf, "it fails (429)", "try again later");
    let told = state();
    assert_eq!(
        (&told["state"], &told["last_error"]["reason"]),
        (&json!("paused"), &json!("it answered 429 for /npm/-/ping"))
    );
    assert!(
        told["paused_until"].is_string() && told["last_error"]["at"].is_string(),
        "{told}"
    );
    // A check asks all the same, and ends the pause if all is well.
    bed.upstream.heal();
    bed.upstream.put(&probe(&shelf), "{}");
    assert_eq!(check(&bed.larder, "npm/up")["ok"], json!(true));
    let told = state();
    assert_eq!(
        (&told["state"], &told["failures"], &told["paused_until"]),
        (&json!("answering"), &json!(0), &json!(null))
    );
    assert_eq!(
        told["last_error"]["reason"],
        json!("it answered 429 for /npm/-/ping")
    );
}
