//! A server with callers of every kind, and images that some of them may see.

use larder_tests::larder::PASSWORD;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder, Start};
use serde_json::json;

/// Callers and what they may on `oci/team`: read, write, delete.
pub(crate) const CALLERS: [(&str, [bool; 3]); 10] = [
    ("anonymous", [false, false, false]),
    ("stranger", [false, false, false]),
    ("reader", [true, false, false]),
    ("writer", [true, true, false]),
    ("maintainer", [true, true, true]),
    ("admin-here", [true, true, true]),
    ("admin-elsewhere", [false, false, false]),
    ("limited", [true, false, false]),
    ("disabled", [false, false, false]),
    ("admin", [true, true, true]),
];

pub(crate) struct House {
    pub(crate) larder: Larder,
    pub(crate) image: Image,
    /// The secret of a token that reads `oci/team` alone.
    pub(crate) limited: String,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_login_attempts("10")
    }

    pub(crate) fn with_login_attempts(attempts: &str) -> Self {
        let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
            .with("LARDER_AUTH__LOGIN_ATTEMPTS", attempts)
            .start();
        let image = Image::random(&mut Random::seeded(), &[1000]);
        for name in ["team/app", "team/other", "secret/app", "elsewhere/app"] {
            image.push(&larder.admin(), name, "latest");
        }
        for user in [
            "stranger",
            "reader",
            "writer",
            "maintainer",
            "admin-here",
            "admin-elsewhere",
            "limited",
            "disabled",
        ] {
            larder.make_user(user);
        }
        for (user, role) in [
            ("reader", "reader"),
            ("writer", "writer"),
            ("maintainer", "maintainer"),
        ] {
            larder.grant(&format!("user:{user}"), "oci/team", "*", role);
        }
        larder.api("POST", "groups", r#"{"name":"crew"}"#, 201);
        larder.api("PUT", "groups/crew/members/disabled", "", 204);
        let robot = r#"{"name":"stranger-robot","owner":"user:stranger"}"#;
        larder.api("POST", "robots", robot, 201);
        larder.grant("user:admin-here", "oci/team", "*", "admin");
        larder.grant("user:admin-elsewhere", "oci/elsewhere", "*", "admin");
        larder.grant("user:limited", "oci/team", "*", "maintainer");
        larder.grant("user:disabled", "oci/*", "*", "admin");
        larder.api("PATCH", "users/disabled", r#"{"disabled":true}"#, 200);
        let limits =
            json!({"name": "ro", "grants": [{"repository": "oci/team", "role": "reader"}]})
                .to_string();
        let headers = [("content-type", "application/json")];
        let made = larder
            .user("limited", PASSWORD)
            .send("POST", "/api/v1/tokens", &headers, limits.as_bytes())
            .expect(201);
        let limited = made.json()["secret"].as_str().expect("secret").to_owned();
        Self {
            larder,
            image,
            limited,
        }
    }

    pub(crate) fn client(&self, caller: &str) -> Client {
        match caller {
            "anonymous" => self.larder.anonymous(),
            "admin" => self.larder.admin(),
            "limited" => self.larder.user("any", &self.limited),
            caller => self.larder.user(caller, PASSWORD),
        }
    }
}
