use super::{Machine, fake, json};
use crate::failure::Failure;
use serde_json::json;
use tokio::net::TcpListener;

async fn told(line: &str) -> (String, i32) {
    let failure: Failure = Machine::new().run(line).await.expect_err(line);
    (failure.to_string(), failure.exit())
}

#[tokio::test]
async fn failures_say_what_to_do_next() {
    assert_eq!(
        told("repo list").await,
        ("not logged in: run larder login URL".to_owned(), 1)
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let (text, exit) = told(&format!("repo list --server {url}")).await;
    assert!(text.starts_with(&format!("cannot reach {url} (")), "{text}");
    assert!(
        text.ends_with("; is the server running? larder serve") && exit == 1,
        "{text}"
    );
    let (text, exit) = told("repo list --server larder.example").await;
    assert!(
        text.contains("write it as https://larder.example") && exit == 2,
        "{text}"
    );
    let (text, exit) =
        told("repo list --server https://127.0.0.1:1 --ca-cert /nowhere/ca.pem").await;
    assert!(text.starts_with("/nowhere/ca.pem: ") && exit == 1, "{text}");
}

#[tokio::test]
async fn refusals_are_told_in_the_servers_words() {
    let problem = |status, code, detail| {
        let body = json!({"type": "about:blank", "status": 0, "code": code, "detail": detail});
        (status, "application/problem+json", body.to_string())
    };
    let server = fake(vec![
        problem(
            "404 Not DiscoveredUpstream",
            "user_not_found",
            "no such user",
        ),
        problem(
            "401 Unauthorized",
            "unauthenticated",
            "authentication required",
        ),
        problem(
            "401 Unauthorized",
            "unauthenticated",
            "the token has expired",
        ),
        problem("403 Forbidden", "not_allowed", "no\u{1b}[2J\u{202e}"),
        ("502 Bad Gateway", "text/html", "<html>".to_owned()),
        ("302 DiscoveredUpstream", "text/html", String::new()),
        json("200 OK", &json!({"hello": "world"})),
        json("404 Not DiscoveredUpstream", &json!({"error": "x"})),
    ])
    .await;
    let url = &server.url;
    let strange = |what: &str| {
        format!("{url} does not answer like a larder server ({what}); is the address right?")
    };
    for (token, expected) in [
        (" --token lrd_x", "no such user (user_not_found)".to_owned()),
        ("", "not logged in: run larder login URL".to_owned()),
        (
            " --token lrd_x",
            "the token has expired; run larder login URL to log in again".to_owned(),
        ),
        (
            " --token lrd_x",
            r"no\u{1b}[2J\u{202e} (not_allowed)".to_owned(),
        ),
        ("", strange("status 502 text/html")),
        (" --token lrd_x", strange("status 302 text/html")),
        ("", strange("a list without items")),
        ("", strange("status 404 application/json")),
    ] {
        assert_eq!(
            told(&format!("user list --server {url}{token}")).await,
            (expected, 1)
        );
    }
}

#[tokio::test]
async fn nothing_is_deleted_unasked() {
    for line in [
        "repo delete oci/team",
        "user delete alice",
        "token delete 1",
        "grant delete 1",
    ] {
        let (text, exit) = told(&format!("{line} --server http://127.0.0.1:1")).await;
        assert!(
            text.ends_with("Nobody is there to answer: give --yes if so") && exit == 2,
            "{text}"
        );
    }
    let (text, exit) = told("user set alice --server http://127.0.0.1:1").await;
    assert!(text.starts_with("nothing to change") && exit == 2, "{text}");
}
