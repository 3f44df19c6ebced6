//! Class 9, login and replay races: what may be used once is used once, however many use it at the
//! same time, and nothing of it works again.

use crate::browser::{Browser, OWN_PAGE};
use larder_tests::larder::PASSWORD;
use larder_tests::{Larder, Response, Start};
use std::sync::Barrier;

/// How many use one thing at the same time.
const AT_ONCE: usize = 64;

fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// What all were answered who asked at the same time.
fn at_once(ask: impl Fn(usize) -> Response + Sync) -> Vec<Response> {
    let ready = Barrier::new(AT_ONCE);
    let (ask, ready) = (&ask, &ready);
    std::thread::scope(|scope| {
        let asking = (0..AT_ONCE).map(|number| {
            scope.spawn(move || {
                ready.wait();
                ask(number)
            })
        });
        let asking: Vec<_> = asking.collect();
        let answers = asking.into_iter().map(|one| one.join().expect("an answer"));
        answers.collect()
    })
}

/// Fails unless one was answered with the first status, and all others with the second.
#[track_caller]
fn assert_once(answers: &[Response], [once, others]: [u16; 2]) {
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(
        (count(once), count(others)),
        (1, AT_ONCE - 1),
        "{statuses:?}"
    );
}

/// The names of someone's tokens.
fn tokens(larder: &Larder, user: &str) -> Vec<String> {
    let list = larder
        .user(user, PASSWORD)
        .get("/api/v1/tokens")
        .expect(200);
    let list = list.json();
    let items = list["items"].as_array().expect("items").iter();
    let name = |item: &serde_json::Value| item["name"].as_str().expect("name").to_owned();
    items.map(name).collect()
}

/// A login through a browser that a client began: what the page is asked with, and the path at which
/// the client waits.
fn begun(larder: &Larder) -> (String, String) {
    let begun = larder
        .anonymous()
        .send("POST", "/npm/main/-/v1/login", &[], b"{}")
        .expect(200)
        .json();
    let path = |key: &str| {
        let url = begun[key].as_str().expect("a URL");
        url.strip_prefix(larder.url()).expect("here").to_owned()
    };
    let (page, done) = (path("loginUrl"), path("doneUrl"));
    (page.split_once("ask=").expect("ask").1.to_owned(), done)
}

fn sign_in(larder: &Larder, ask: &str, user: &str) -> Response {
    let form = format!("ask={ask}&username={user}&password={PASSWORD}");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let browser = larder.anonymous();
    browser.send("POST", "/sign-in", &headers, form.as_bytes())
}

#[test]
fn a_code_of_a_web_login_gives_one_token() {
    let larder = larder();
    let users = ["alice", "bob"];
    for user in users {
        larder.make_user(user);
    }
    let (ask, done) = begun(&larder);
    // Two people, too: the client gets the token of one of them.
    let answers = at_once(|number| sign_in(&larder, &ask, users[number % 2]));
    assert_once(&answers, [200, 409]);
    let [of_alice, of_bob] = users.map(|user| tokens(&larder, user));
    assert_eq!(of_alice.len() + of_bob.len(), 1, "{of_alice:?} {of_bob:?}");
    let owner = if of_bob.is_empty() { "alice" } else { "bob" };
    let given = larder.anonymous().get(&done).expect(200).json();
    let secret = given["token"].as_str().expect("a token");
    let client = larder.user("any", secret);
    let me = client.get("/api/v1/whoami").expect(200).json();
    assert_eq!(me["name"], owner);
    for user in users {
        sign_in(&larder, &ask, user).expect(409);
    }
    // When the token has ended the code gives nothing any more.
    let list = larder.user(owner, PASSWORD).get("/api/v1/tokens").json();
    let id = list["items"][0]["id"].as_str().expect("id");
    larder.api("DELETE", &format!("tokens/{id}"), "", 204);
    client.get("/api/v1/whoami").expect(401);
    sign_in(&larder, &ask, owner).expect(409);
    client.get("/api/v1/whoami").expect(401);
}

#[test]
fn a_request_with_a_key_gives_one_secret() {
    let larder = larder();
    larder.make_user("alice");
    let alice = larder.user("alice", PASSWORD);
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let make = |_| alice.send("POST", "/api/v1/tokens", &headers, br#"{"name":"ci"}"#);
    let answers = at_once(make);
    assert_once(&answers, [201, 409]);
    assert_eq!(tokens(&larder, "alice"), ["ci"]);
    let secret = "\"secret\":";
    let secrets = answers.iter().filter(|it| it.text().contains(secret));
    assert_eq!(secrets.count(), 1);
    assert!(!make(0).expect(409).text().contains(secret));

    let body = format!(r#"{{"name":"alice","password":"{PASSWORD}"}}"#);
    let anonymous = larder.anonymous();
    let answers =
        at_once(|_| anonymous.send("POST", "/api/v1/sessions", &headers, body.as_bytes()));
    assert_once(&answers, [201, 409]);
    let cookies = answers
        .iter()
        .filter(|it| it.header("set-cookie").is_some());
    assert_eq!(cookies.count(), 1);
}

#[test]
fn what_is_ended_is_ended_once() {
    let larder = larder();
    let browser = Browser::of(&larder, "admin", PASSWORD);
    let admin = larder.admin();
    let path = format!("/api/v1/sessions/{}", browser.id);
    let answers = at_once(|_| admin.send("DELETE", &path, &[], b""));
    assert_once(&answers, [204, 404]);
    browser.get("/api/v1/whoami").expect(401);
    let csrf = [OWN_PAGE, ("x-csrf-token", &*browser.csrf)];
    browser.send("DELETE", &path, &csrf, b"").expect(401);

    larder.token_of("admin");
    let list = admin.get("/api/v1/tokens").expect(200).json();
    let id = list["items"][0]["id"].as_str().expect("id").to_owned();
    let path = format!("/api/v1/tokens/{id}");
    let answers = at_once(|_| admin.send("DELETE", &path, &[], b""));
    assert_once(&answers, [204, 404]);
}

#[test]
fn of_changes_of_one_password_at_once_one_is_made() {
    let larder = larder();
    larder.make_user("alice");
    let browser = Browser::of(&larder, "alice", PASSWORD);
    let headers = [
        OWN_PAGE,
        ("x-csrf-token", &*browser.csrf),
        ("content-type", "application/json"),
    ];
    let new = |number: usize| format!("the new one {number}");
    let answers = at_once(|number| {
        let body = serde_json::json!({"password": new(number), "current_password": PASSWORD});
        let body = body.to_string();
        browser.send("PATCH", "/api/v1/users/alice", &headers, body.as_bytes())
    });
    // Each that was made had the password before: whoever comes later is refused.
    let made: Vec<usize> = (0..AT_ONCE)
        .filter(|number| answers[*number].status == 200)
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let alice = |password: &str| larder.user("alice", password).get("/api/v1/whoami").status;
    assert_eq!(alice(&new(made[0])), 200);
    assert_eq!(alice(PASSWORD), 401);
}
