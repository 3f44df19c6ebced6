//! Class 24: an answer tells whether a name is there, by what it says or by what it costs.
//!
//! What is missing and what is forbidden look alike in each call of the API
//! (`web/src/tests/matrix`, `tests/access/api.rs`) and on each route of images and packages
//! (`tests/access/routes.rs`). `access/passwords/tests.rs` shows that a name without a password
//! fills the memory of a hash. Here are logins at each door, and the work that answers cost:
//! statements of the database and hashes of passwords.

use crate::callers::{bearer, larder, token};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::image::Image;
use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
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

const LOGINS: [Login; 11] = [
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
    ("composer", |larder, name| {
        basic(larder, "/composer/main/packages.json", name)
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

/// What the server has done so far: statements that read, batches that write, hashes.
fn work(larder: &Larder) -> [u64; 3] {
    let text = larder.admin().get("/metrics").expect(200).text();
    let value = |name: &str| {
        let start = format!("larder_{name}_total ");
        let mut values = text.lines().filter_map(|line| line.strip_prefix(&*start));
        let value = values.next().expect(name);
        value.parse().expect("a number")
    };
    ["database_reads", "database_batches", "password_hashes"].map(value)
}

/// What one of many like requests costs. The jobs of every second are lost among them.
fn cost(larder: &Larder, ask: impl Fn(u64)) -> [u64; 3] {
    const MANY: u64 = 300;
    ask(0); // what is read once is remembered
    let before = work(larder);
    (1..=MANY).for_each(ask);
    let after = work(larder);
    [0, 1, 2].map(|kind| (after[kind] - before[kind]) / MANY)
}

#[test]
fn what_is_forbidden_costs_the_work_of_what_is_missing() {
    let larder = larder();
    for (protocol, name) in [("oci", "team"), ("npm", "own")] {
        let repository = json!({"protocol": protocol, "name": name, "kind": "hosted"});
        larder.api("POST", "repositories", &repository.to_string(), 201);
    }
    let image = Image::random(&mut Random::seeded(), &[100]);
    image.push(&larder.admin(), "team/app", "v1");
    larder.make_user("bob");
    let (_, secret) = token(&larder.user("bob", PASSWORD), "", &json!({"name": "t"}));
    let layer = &image.blobs[0].0;
    for who in [bearer(&larder, &secret), larder.anonymous()] {
        for (forbidden, missing) in [
            (
                "/v2/team/app/manifests/v1".to_owned(),
                "/v2/tean/app/manifests/v1".to_owned(),
            ),
            (
                "/v2/team/app/manifests/v1".to_owned(),
                "/v2/team/apq/manifests/v1".to_owned(),
            ),
            (
                format!("/v2/team/app/manifests/{}", image.digest),
                format!("/v2/tean/app/manifests/{}", image.digest),
            ),
            (
                format!("/v2/team/app/blobs/{layer}"),
                format!("/v2/team/apq/blobs/{layer}"),
            ),
            (
                "/v2/team/app/tags/list".to_owned(),
                "/v2/tean/app/tags/list".to_owned(),
            ),
            ("/npm/own/pad".to_owned(), "/npm/owm/pad".to_owned()),
            (
                "/api/v1/repositories/oci/team".to_owned(),
                "/api/v1/repositories/oci/tean".to_owned(),
            ),
            (
                "/api/v1/repositories/oci/team/packages/app/versions/v1".to_owned(),
                "/api/v1/repositories/oci/team/packages/apq/versions/v1".to_owned(),
            ),
        ] {
            let cost_of = |path: &str| {
                cost(&larder, |_| {
                    assert!([401, 404].contains(&who.get(path).status), "{path}");
                })
            };
            let (forbidden_cost, missing_cost) = (cost_of(&forbidden), cost_of(&missing));
            assert_eq!(forbidden_cost, missing_cost, "{forbidden}, {missing}");
            assert_eq!(
                forbidden_cost[1..],
                [0, 0],
                "{forbidden}: no write, no hash"
            );
        }
    }
}

#[test]
fn an_unknown_name_costs_the_work_of_a_wrong_password() {
    let larder = larder();
    larder.make_user("someone");
    let once = |name: &str| {
        let before = work(&larder);
        for _ in 0..4 {
            basic(&larder, "/v2/", name).expect(401);
        }
        work(&larder)[2] - before[2]
    };
    assert_eq!(once("someone"), once("nobodyx"));
    assert_eq!(once("someone"), 4, "the administrator's is remembered");
}
