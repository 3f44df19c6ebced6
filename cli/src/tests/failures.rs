use super::{Machine, fake, json};
use crate::failure::Failure;
use serde_json::json;
use tokio::net::TcpListener;

async fn told(line: &str) -> (String, u8) {
    let failure: Failure = Machine::new().run(line).await.expect_err(line);
    (failure.report().lines(false), failure.exit().code())
}

#[tokio::test]
async fn failures_say_what_to_do_next() {
    assert_eq!(
        told("repo list").await,
        (
            "error[not_logged_in]: not logged in\n  try: larder login URL\n".to_owned(),
            4
        )
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let (text, exit) = told(&format!("repo list --server {url}")).await;
    let begins = format!("error[unreachable]: cannot reach {url}\n  cause: ");
    assert!(text.starts_with(&begins) && exit == 1, "{text}");
    assert!(
        text.contains("\n  try: check that the server runs"),
        "{text}"
    );
    let (text, exit) = told("repo list --server larder.example").await;
    assert!(
        text.contains("write it as https://larder.example") && exit == 2,
        "{text}"
    );
    let (text, exit) =
        told("repo list --server https://127.0.0.1:1 --ca-cert /nowhere/ca.pem").await;
    assert!(
        text.starts_with("error[failed]: /nowhere/ca.pem: ") && exit == 1,
        "{text}"
    );
}

#[tokio::test]
async fn refusals_are_told_in_the_servers_words() {
    let problem = |status, code, detail| {
        let body = json!({"type": "about:blank", "status": 0, "code": code, "detail": detail});
        (status, "application/problem+json", body.to_string())
    };
    let server = fake(vec![
        problem("404 Not Found", "user_not_found", "no such user"),
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
        ("302 Found", "text/html", String::new()),
        json("200 OK", &json!({"hello": "world"})),
        json("404 Not Found", &json!({"error": "x"})),
    ])
    .await;
    let url = &server.url;
    let strange = |what: &str| {
        format!(
            "error[not_larder]: {url} does not answer like a larder server\n  cause: {what}\n  \
             try: check the address: --server URL\n"
        )
    };
    let token = " --token lrd_x";
    for (token, exit, expected) in [
        (token, 3, "error[user_not_found]: no such user\n".to_owned()),
        (
            "",
            4,
            "error[not_logged_in]: not logged in\n  try: larder login URL\n".to_owned(),
        ),
        (
            token,
            4,
            "error[unauthenticated]: the token has expired\n  try: larder login URL\n".to_owned(),
        ),
        (
            token,
            4,
            "error[not_allowed]: no\\u{1b}[2J\\u{202e}\n".to_owned(),
        ),
        ("", 1, strange("status 502 text/html")),
        (token, 1, strange("status 302 text/html")),
        ("", 1, strange("a list without items")),
        ("", 1, strange("status 404 application/json")),
    ] {
        assert_eq!(
            told(&format!("user list --server {url}{token}")).await,
            (expected, exit)
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
            text.ends_with("Nobody is there to answer: give --yes if so\n") && exit == 2,
            "{text}"
        );
    }
    let (text, exit) = told("user set alice --server http://127.0.0.1:1").await;
    assert!(
        text.starts_with("error[usage]: nothing to change") && exit == 2,
        "{text}"
    );
}
