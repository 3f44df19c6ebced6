//! Class 7: a robot makes itself or another stronger, or outlives who answers for it.
//!
//! A robot's rights are its own grants, which people give (`docs/access.md`); its owner adds none
//! to them. Random owners, grants and tokens of robots are in `web/src/tests/proofs`, each call of
//! the API by robots in `web/src/tests/matrix`.

use crate::callers::{api, bearer, larder, token};
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder};
use serde_json::{Value, json};

/// A server with alice, her robot `ci`, bob's robot `other`, and an image; the secret of a token
/// of `ci` without limits.
fn house() -> (Larder, String) {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[10]);
    image.push(&larder.admin(), "team/app", "latest");
    for (owner, robot) in [("alice", "ci"), ("bob", "other")] {
        larder.make_user(owner);
        let robot = json!({"name": robot, "owner": format!("user:{owner}")});
        api(&larder.admin(), "POST", "robots", &robot).expect(201);
    }
    larder.grant("robot:ci", "oci/team", "*", "admin");
    larder.grant("robot:other", "oci/*", "*", "admin");
    let (_, secret) = token(
        &larder.admin(),
        "?owner=robot:ci",
        &json!({"name": "build"}),
    );
    (larder, secret)
}

#[test]
fn a_robot_makes_nothing_that_is_stronger_than_itself() {
    let (larder, secret) = house();
    let ci = bearer(&larder, &secret);
    let body = json!({"name": "x"});
    for (method, path, body) in [
        (
            "POST",
            "robots",
            json!({"name": "mine", "owner": "user:alice"}),
        ),
        (
            "POST",
            "robots",
            json!({"name": "mine", "owner": "robot:ci"}),
        ),
        ("PATCH", "robots/ci", json!({"owner": "user:bob"})),
        ("PATCH", "robots/other", json!({"owner": "user:alice"})),
        ("POST", "tokens?owner=robot:other", body.clone()),
        ("POST", "tokens?owner=user:alice", body.clone()),
        ("POST", "tokens?owner=admin", body.clone()),
        (
            "POST",
            "users",
            json!({"name": "mine", "password": "a good password"}),
        ),
        ("PATCH", "users/alice", json!({"superuser": true})),
        ("POST", "groups", json!({"name": "mine"})),
        (
            "POST",
            "grants",
            json!({"subject": "robot:ci", "repository": "oci/*", "role": "admin"}),
        ),
        (
            "POST",
            "grants",
            json!({"subject": "robot:ci", "repository": "*", "role": "reader"}),
        ),
        (
            "POST",
            "grants",
            json!({"subject": "robot:ci", "repository": "npm/local", "role": "writer"}),
        ),
    ] {
        let answer = api(&ci, method, path, &body);
        assert!(
            matches!(answer.status, 403 | 404),
            "{method} {path} {body}: {}",
            answer.text()
        );
    }
    // Its token makes tokens of its own, which may what it may.
    let (_, second) = token(&ci, "", &json!({"name": "second"}));
    let who = api(&bearer(&larder, &second), "GET", "whoami", &Value::Null).json();
    assert_eq!(
        (&who["name"], &who["superuser"]),
        (&json!("ci"), &json!(false))
    );
    let made = api(
        &bearer(&larder, &second),
        "GET",
        "repositories",
        &Value::Null,
    );
    let visible = |item: &Value| item["readable_by"] == "everyone" || item["name"] == "team";
    let made = made.expect(200).json();
    assert!(
        made["items"].as_array().expect("items").iter().all(visible),
        "{made}"
    );
    // A limited one makes none at all.
    let limits = json!({"name": "l", "grants": [{"repository": "oci/team", "role": "admin"}]});
    let limited = bearer(&larder, &token(&ci, "", &limits).1);
    api(&limited, "POST", "tokens", &body).expect(403);
    let grant = json!({"subject": "robot:ci", "repository": "oci/team", "role": "admin"});
    api(&limited, "POST", "grants", &grant).expect(403);
}

/// What an account is told everywhere: at each of the doors.
fn statuses(client: &Client) -> [u16; 4] {
    let paths = [
        "/v2/team/app/tags/list",
        "/v2/token?scope=repository:team/app:pull",
        "/api/v1/whoami",
        "/npm/main/-/whoami",
    ];
    paths.map(|path| client.get(path).status)
}

#[test]
fn a_robot_stands_and_falls_with_its_owner() {
    let (larder, secret) = house();
    let admin = larder.admin();
    let ci = bearer(&larder, &secret);
    let short = ci.get("/v2/token?scope=repository:team/app:pull").json();
    let short = bearer(&larder, short["token"].as_str().expect("token"));
    let well = |client: &Client| assert_eq!(statuses(client), [200; 4]);
    let void = |client: &Client| assert_eq!(statuses(client), [401; 4]);
    well(&ci);
    for change in [("users/alice", "disabled"), ("robots/ci", "disabled")] {
        api(&admin, "PATCH", change.0, &json!({change.1: true})).expect(200);
        void(&ci);
        short.get("/v2/team/app/tags/list").expect(401);
        api(&admin, "PATCH", change.0, &json!({change.1: false})).expect(200);
        well(&ci);
        short.get("/v2/team/app/tags/list").expect(200);
    }
    api(&admin, "DELETE", "users/alice", &Value::Null).expect(204);
    void(&ci);
    // Someone of the same name does not wake it; somebody has to answer for it.
    larder.make_user("alice");
    void(&ci);
    api(&admin, "PATCH", "robots/ci", &json!({"owner": "user:bob"})).expect(200);
    well(&ci);
    api(&admin, "DELETE", "robots/ci", &Value::Null).expect(204);
    void(&ci);
    short.get("/v2/team/app/tags/list").expect(401);
    // Nor does a robot of the same name inherit anything.
    let again = json!({"name": "ci", "owner": "user:bob"});
    api(&admin, "POST", "robots", &again).expect(201);
    void(&ci);
    let (_, secret) = token(&admin, "?owner=robot:ci", &json!({"name": "new"}));
    bearer(&larder, &secret)
        .get("/v2/team/app/tags/list")
        .expect(404);
}
