//! The server that these tests ask, and how it is asked.

use larder_tests::{Client, Larder, Response, Start};
use serde_json::Value;

/// A server whose limits do not stand in the way of many requests.
pub(crate) fn start() -> Start {
    Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__API_REQUESTS_PER_SECOND", "0")
        .with("LARDER_AUTH__LOGIN_ATTEMPTS", "10000")
}

/// The same, started.
pub(crate) fn larder() -> Larder {
    start().start()
}

/// Calls the REST API.
#[track_caller]
pub(crate) fn api(client: &Client, method: &str, path: &str, body: &Value) -> Response {
    let (headers, text) = ([("content-type", "application/json")], body.to_string());
    let body: &[u8] = if body.is_null() { b"" } else { text.as_bytes() };
    client.send(method, &format!("/api/v1/{path}"), &headers, body)
}

/// A new token of whoever asks; its id and its secret.
#[track_caller]
pub(crate) fn token(client: &Client, query: &str, body: &Value) -> (String, String) {
    let made = api(client, "POST", &format!("tokens{query}"), body);
    let made = made.expect(201).json();
    let text = |key: &str| made[key].as_str().expect("text").to_owned();
    (text("id"), text("secret"))
}

/// Whoever shows this secret or bearer token.
pub(crate) fn bearer(larder: &Larder, secret: &str) -> Client {
    Client::with_authorization(larder.address(), &format!("Bearer {secret}"))
}

/// A text in which all but letters and digits is written as `%XX`.
pub(crate) fn encoded(text: &str) -> String {
    let mut written = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            written.push(char::from(byte));
        } else {
            written.push_str(&format!("%{byte:02X}"));
        }
    }
    written
}
