//! Class 24: an answer tells whether a name is there, by what it says or by what it costs.
//!
//! What is missing and what is forbidden look alike in each call of the API
//! (`web/src/tests/matrix`, `tests/access/api.rs`) and on each route of images and packages
//! (`tests/access/routes.rs`). Work: `access/passwords/tests.rs` shows that a name without a
//! password costs a hash of its own. Here are logins at each door.

use crate::callers::larder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::{Larder, Response};
use serde_json::json;

/// Names that are nobody's, or of those that have no password, or must not log in.
const OTHERS: [&str; 4] = ["nobodyx", "robotxx", "disable", "groupxx"];

/// All of an answer but the time and the id of the request.
fn seen(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let own = |(name, _): &&(String, String)| !["date", "x-request-id"].contains(&&**name);
    let headers = answer.headers.iter().filter(own).cloned().collect();
    (answer.status, headers, answer.text())
}

/// A request that shows a name and a password: what is told of it.
type Login = (&'static str, fn(&Larder, &str) -> Response);

fn basic(larder: &Larder, path: &str, name: &str) -> Response {
    larder.user(name, "a wrong password").get(path)
}

const LOGINS: [Login; 10] = [
    ("images", |larder, name| basic(larder, "/v2/", name)),
    ("an image", |larder, name| {
        basic(larder, "/v2/team/app/tags/list", name)
    }),
    ("the token endpoint", |larder, name| {
        basic(larder, "/v2/token?service=x", name)
    }),
    ("the API", |larder, name| {
        basic(larder, "/api/v1/whoami", name)
    }),
    ("npm", |larder, name| basic(larder, "/npm/main/demo", name)),
    ("pypi", |larder, name| {
        basic(larder, "/pypi/main/simple/", name)
    }),
    ("cargo", |larder, name| {
        basic(larder, "/cargo/main/config.json", name)
    }),
    ("metrics", |larder, name| basic(larder, "/metrics", name)),
    ("the token endpoint's form", |larder, name| {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let form = format!("grant_type=password&username={name}&password=wrong&client_id=x");
        larder
            .anonymous()
            .send("POST", "/v2/token", &headers, form.as_bytes())
    }),
    ("npm's login", |larder, name| {
        let path = format!("/npm/main/-/user/org.couchdb.user:{name}");
        let body = json!({"name": name, "password": "wrong"}).to_string();
        let headers = [("content-type", "application/json")];
        larder
            .anonymous()
            .send("PUT", &path, &headers, body.as_bytes())
    }),
];

#[test]
fn a_wrong_password_looks_like_an_unknown_name() {
    let larder = larder();
    for name in ["someone", "disable"] {
        larder.make_user(name);
    }
    larder.api("PATCH", "users/disable", r#"{"disabled":true}"#, 200);
    larder.api(
        "POST",
        "robots",
        r#"{"name":"robotxx","owner":"user:someone"}"#,
        201,
    );
    larder.api("POST", "groups", r#"{"name":"groupxx"}"#, 201);
    for (what, login) in LOGINS {
        let wrong = login(&larder, "someone");
        assert!(
            matches!(wrong.status, 401 | 403),
            "{what}: {}",
            wrong.text()
        );
        let wrong = seen(&wrong);
        for name in OTHERS {
            let (status, headers, text) = seen(&login(&larder, name));
            assert_eq!(
                (status, headers, text.replace(name, "someone")),
                wrong,
                "{what}: {name}"
            );
        }
    }
    // The right password of whoever must not log in is told nothing either.
    let right = larder.user("disable", larder_tests::larder::PASSWORD);
    let wrong = larder.user("disable", "a wrong password");
    assert_eq!(seen(&right.get("/v2/")), seen(&wrong.get("/v2/")));
}

#[test]
fn tokens_of_every_kind_of_wrongness_are_told_the_same() {
    let larder = larder();
    let ended = larder.api("POST", "tokens", r#"{"name":"x"}"#, 201);
    let text = |key: &str| ended[key].as_str().expect("text").to_owned();
    larder.api("DELETE", &format!("tokens/{}", text("id")), "", 204);
    let never = format!("lrd_{}", "0".repeat(64));
    for path in ["/v2/", "/api/v1/whoami", "/npm/main/demo"] {
        let told = [&*text("secret"), &*never, "lrd_", "lrd_\u{e4}"].map(|secret| {
            let shown = STANDARD.encode(format!("x:{secret}"));
            let shown = larder_tests::Client::with_authorization(
                larder.address(),
                &format!("Basic {shown}"),
            );
            seen(&shown.get(path))
        });
        assert_eq!(told[0].0, 401);
        assert!(told.iter().all(|other| *other == told[0]), "{told:?}");
    }
}
