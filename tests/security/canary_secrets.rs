//! Class 38: a secret stands where it does not belong.
//!
//! A run with secrets in every place that takes one, at the log level that tells most: none is in
//! the log, the metrics, the audit trail, any answer but the one that shows it once, or a file.

use crate::callers::{api, bearer, encoded, start, token};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::hex;
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::secure::{Authority, Certificate};
use larder_tests::{Client, Image, Larder, Response, Upstream};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;

/// Secrets that the test makes up: each begins in the same way, and is in all of its spellings.
const CANARY: &str = "canarysecret";

fn canary(what: &str) -> String {
    format!("{CANARY}-{what}-0123")
}

/// All that a run leaves, beside what the server wrote to its log.
#[derive(Default)]
struct Answers(Vec<String>);

impl Answers {
    fn note(&mut self, answer: &Response) {
        self.0
            .push(format!("{:?} {}", answer.headers, answer.text()));
    }
}

/// Passwords and tokens that hold, where they belong and where they do not; the tokens.
fn right_ones(larder: &Larder, answers: &mut Answers) -> [String; 3] {
    let admin = larder.admin();
    let password = canary("password");
    let user = json!({"name": "alice", "password": password});
    answers.note(&api(&admin, "POST", "users", &user).expect(201));
    let alice = larder.user("alice", &password);
    answers.note(&alice.get("/v2/").expect(200));
    let other = canary("next-password");
    answers.note(&api(&admin, "PATCH", "users/alice", &json!({"password": other})).expect(200));
    answers.note(&alice.get("/v2/").expect(401));
    let alice = larder.user("alice", &other);
    // Secrets of ours are shown once.
    let (_, secret) = token(&alice, "", &json!({"name": "ci"}));
    let answer = alice
        .get("/v2/token?offline_token=true&scope=repository:team/app:pull")
        .json();
    let text = |key: &str| answer[key].as_str().expect("text").to_owned();
    let (short, refresh) = (text("token"), text("refresh_token"));
    for secret in [&secret, &short, &refresh] {
        answers.note(&bearer(larder, secret).get("/v2/").expect(200));
        answers.note(&bearer(larder, secret).get("/npm/main/-/whoami"));
        answers.note(&bearer(larder, secret).get("/npm/main/-/npm/v1/tokens"));
        answers.note(&bearer(larder, secret).get("/v2/nowhere/app/tags/list"));
        // Where it does not belong.
        answers.note(
            &larder
                .anonymous()
                .get(&format!("/v2/team/app/tags/list?token={secret}")),
        );
        answers.note(
            &larder
                .anonymous()
                .get(&format!("/api/v1/whoami?access_token={secret}")),
        );
    }
    answers.note(&bearer(larder, &secret).send(
        "DELETE",
        &format!("/npm/main/-/user/token/{refresh}"),
        &[],
        b"",
    ));
    [secret, short, refresh]
}

/// Secrets that do not hold, in headers of each form and in forms.
fn wrong_headers(larder: &Larder, token: &str, answers: &mut Answers) {
    let wrong = canary("wrong");
    let encode = |text: &str| STANDARD.encode(text);
    for header in [
        format!("Basic {}", encode(&format!("alice:{wrong}"))),
        // As some clients show a token: in the place of the name.
        format!("Basic {}", encode(&format!("{token}:"))),
        format!("Basic {}", encode(&format!("{token}:x-oauth-basic"))),
        format!("Basic {wrong}"),
        format!("Bearer {wrong}"),
        format!("Bearer lrd_{wrong}"),
        format!("Negotiate {wrong}"),
        wrong.clone(),
    ] {
        for path in [
            "/v2/",
            "/api/v1/whoami",
            "/npm/main/demo",
            "/pypi/main/simple/",
            "/metrics",
            "/nowhere",
        ] {
            answers.note(&Client::with_authorization(larder.address(), &header).get(path));
        }
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for text in [
        format!("grant_type=password&username=alice&password={wrong}"),
        format!("grant_type=refresh_token&refresh_token={wrong}"),
        format!("grant_type={wrong}"),
    ] {
        answers.note(
            &larder
                .anonymous()
                .send("POST", "/v2/token", &form, text.as_bytes()),
        );
    }
}

/// Secrets in bodies that are refused.
fn wrong_bodies(larder: &Larder, answers: &mut Answers) {
    let (admin, wrong) = (larder.admin(), canary("wrong"));
    for body in [
        json!({"name": "bob", "password": wrong, "superuser": "x"}),
        json!({"name": "admin", "password": wrong}),
        json!({"password": wrong}),
        json!({"secret": wrong}),
    ] {
        answers.note(&api(&admin, "POST", "users", &body));
    }
    let login = json!({"name": "alice", "password": wrong}).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("cookie", &*wrong),
        ("x-api-key", &wrong),
        ("npm-otp", &wrong),
    ];
    answers.note(&larder.anonymous().send(
        "PUT",
        "/npm/main/-/user/org.couchdb.user:alice",
        &headers,
        login.as_bytes(),
    ));
}

/// Passwords for upstreams, which are told to the upstream alone.
fn upstreams(larder: &Larder, upstream: &Upstream, answers: &mut Answers) {
    let admin = larder.admin();
    let mirror = json!({"protocol": "npm", "name": "paid", "kind": "mirror", "upstream": {
        "url": upstream.url(), "allow_private": true, "username": "team", "password": canary("upstream")}});
    answers.note(&api(&admin, "POST", "repositories", &mirror).expect(201));
    answers.note(&admin.get("/npm/paid/demo"));
    answers.note(&api(
        &admin,
        "POST",
        "repositories/npm/paid/upstream/check",
        &json!({}),
    ));
    // One whose key a client certificate has, and what is refused for it.
    let (certificate, key) = client();
    for (name, key) in [
        ("shown", key.as_str()),
        ("broken", key.trim_start_matches('-')),
    ] {
        let mirror = json!({"protocol": "npm", "name": name, "kind": "mirror", "upstream": {
            "url": "https://127.0.0.1:9/", "allow_private": true, "client_certificate": certificate,
            "client_key": key}});
        answers.note(&api(&admin, "POST", "repositories", &mirror));
        answers.note(&admin.get(&format!("/npm/{name}/demo")));
    }
    let in_url = format!("http://team:{}@registry.example/", canary("url"));
    answers.note(&api(
        &admin,
        "PATCH",
        "repositories/npm/paid",
        &json!({"upstream": {"url": in_url}}),
    ));
}

/// A client certificate with its key, made once.
fn client() -> (String, String) {
    static MADE: OnceLock<(String, String)> = OnceLock::new();
    let made = MADE.get_or_init(|| Authority::default().client(Certificate::Right));
    made.clone()
}

/// What the server tells of all that.
fn tell(larder: &Larder, answers: &mut Answers) {
    let admin = larder.admin();
    answers.note(&publish(&admin, "npm", "demo", "1.0.0", b"x"));
    Image::random(&mut Random::seeded(), &[10]).push(&admin, "team/app", "latest");
    for path in [
        "audit?limit=1000",
        "tokens",
        "users",
        "repositories?limit=1000",
        "upstreams",
        "settings",
        "repositories/npm/paid",
        "audit/verify",
    ] {
        answers.note(&api(&admin, "GET", path, &Value::Null));
    }
    answers.note(&admin.get("/metrics"));
}

/// Each way in which a secret could be written.
fn spellings(secret: &str) -> Vec<String> {
    let base64 = STANDARD.encode(secret);
    // Where a secret stands among others, its first and last characters depend on them.
    let inner = base64.trim_end_matches('=');
    vec![
        secret.to_owned(),
        encoded(secret),
        inner[..inner.len() - 2].to_owned(),
        hex::encode(secret.as_bytes()),
    ]
}

/// Files below a folder with any of these texts in them.
fn holders(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(holders(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).expect("file");
        let text = String::from_utf8_lossy(&bytes);
        let held = texts.iter().filter(|secret| text.contains(&***secret));
        found.extend(held.map(|secret| format!("{}: {secret}", path.display())));
    }
    found
}

#[test]
fn no_secret_is_told_or_written_anywhere() {
    let upstream = Upstream::start();
    let mut larder = start().with("LARDER_LOG__LEVEL", "trace").start();
    let mut answers = Answers::default();
    let tokens = right_ones(&larder, &mut answers);
    wrong_headers(&larder, &tokens[0], &mut answers);
    wrong_bodies(&larder, &mut answers);
    upstreams(&larder, &upstream, &mut answers);
    tell(&larder, &mut answers);
    let mut secrets = tokens.to_vec();
    // The upstream was told its own, and nothing else.
    let asked = upstream.take_asked();
    let told: Vec<&str> = asked
        .iter()
        .filter_map(|it| it.header("authorization"))
        .collect();
    let own = format!(
        "Basic {}",
        STANDARD.encode(format!("team:{}", canary("upstream")))
    );
    assert!(
        !told.is_empty() && told.iter().all(|it| **it == own),
        "{told:?}"
    );
    secrets.push(PASSWORD.to_owned());
    // A line of the key, which a document could hold in other ways than the whole.
    secrets.extend(client().1.lines().nth(1).map(str::to_owned));
    for what in ["password", "next-password", "wrong", "upstream", "url"] {
        secrets.push(canary(what));
    }
    let texts: Vec<String> = secrets
        .iter()
        .flat_map(|secret| spellings(secret))
        .collect();
    let data = larder.data();
    larder.stop();
    let log = larder.log_text();
    assert!(log.contains("\"level\":\"TRACE\""), "the log tells most");
    for (place, all) in [("the log", &log), ("an answer", &answers.0.join("\n"))] {
        for text in &texts {
            let line = all.lines().find(|line| line.contains(&**text));
            assert_eq!(line, None, "{place} has {text}");
        }
    }
    assert_eq!(holders(&data, &texts), [""; 0]);
}
