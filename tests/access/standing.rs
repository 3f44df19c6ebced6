//! The kinds of callers there are, as the API's own matrix has them (`web/src/tests/callers.rs`),
//! over the real binary.

use larder_model::Timestamp;
use larder_tests::{Client, Larder};
use serde_json::json;
use std::time::{Duration, Instant, SystemTime};

/// What credentials are worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Account {
    /// None are shown.
    Nobody,
    /// They do not hold, or not any more.
    Void,
    /// A user's or a robot's.
    Someone,
    /// The same, limited to some repositories.
    Limited,
}

/// The roles, each with a number that is higher the more it allows; 0 is none.
const ROLES: [&str; 5] = ["", "reader", "writer", "maintainer", "admin"];

/// A kind of caller, and what it holds in the repositories whose names begin with `team`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) name: &'static str,
    pub(crate) account: Account,
    /// Its place in [`ROLES`].
    pub(crate) role: usize,
    /// Whether it holds the same everywhere.
    pub(crate) everywhere: bool,
}

const fn standing(name: &'static str, account: Account, role: usize) -> Standing {
    Standing {
        name,
        account,
        role,
        everywhere: false,
    }
}

use Account::{Limited, Nobody, Someone, Void};

pub(crate) const CALLERS: [Standing; 23] = [
    standing("anonymous", Nobody, 0),
    standing("anonymous in its network", Nobody, 1),
    standing("anonymous outside its network", Nobody, 0),
    standing("no grant", Someone, 0),
    standing("reader", Someone, 1),
    standing("writer", Someone, 2),
    standing("maintainer", Someone, 3),
    standing("admin", Someone, 4),
    standing("admin elsewhere", Someone, 0),
    standing("member of a group", Someone, 2),
    standing("member of a nested group", Someone, 3),
    standing("removed member", Someone, 0),
    standing("robot, wide", Someone, 4),
    standing("robot, narrow token", Limited, 1),
    standing("robot of a disabled owner", Void, 0),
    standing("robot of a deleted owner", Void, 0),
    standing("limited token of a superuser", Limited, 4),
    standing("token limited to elsewhere", Limited, 0),
    standing("expired token", Void, 0),
    standing("revoked token", Void, 0),
    standing("disabled user", Void, 0),
    standing("unknown token", Void, 0),
    Standing {
        name: "superuser",
        account: Someone,
        role: 4,
        everywhere: true,
    },
];

/// The repositories in which callers are someone.
const TEAM: &str = "*/team*";

/// Makes callers and shows who they are.
pub(crate) struct People<'a> {
    pub(crate) larder: &'a Larder,
}

impl People<'_> {
    fn api(&self, method: &str, path: &str, body: &serde_json::Value, status: u16) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.larder.api(method, path, &text, status);
    }

    /// A token; its id and how it is shown.
    fn token(&self, owner: &str, body: &serde_json::Value) -> (String, Client) {
        let path = format!("tokens?owner={owner}");
        let made = self.larder.api("POST", &path, &body.to_string(), 201);
        let text = |key: &str| made[key].as_str().expect("text").to_owned();
        let header = format!("Bearer {}", text("secret"));
        let client = Client::with_authorization(self.larder.address(), &header);
        (text("id"), client)
    }

    fn anonymous_from(&self, network: &str) -> Client {
        let grant = json!({"subject": "anonymous", "repository": TEAM, "role": "reader",
            "networks": [network]});
        self.api("POST", "grants", &grant, 201);
        self.larder.anonymous()
    }

    /// A robot of an owner of its own, and a token of it without limits.
    fn robot(&self, name: &str, limits: Option<serde_json::Value>) -> Client {
        self.larder.make_user(&format!("owner-{name}"));
        let robot = json!({"name": name, "owner": format!("user:owner-{name}")});
        self.api("POST", "robots", &robot, 201);
        self.larder
            .grant(&format!("robot:{name}"), TEAM, "*", "admin");
        let mut body = json!({"name": "t"});
        if let Some(limits) = limits {
            body["grants"] = limits;
        }
        self.token(&format!("robot:{name}"), &body).1
    }

    /// A member of a group that holds a role; with `outer`, of one in a group that does.
    fn member(&self, name: &str, outer: bool, role: &str) -> Client {
        let client = self.larder.make_user(name);
        let (inner, holder) = (format!("in-{name}"), format!("out-{name}"));
        for group in [&inner, &holder] {
            self.api("POST", "groups", &json!({"name": group}), 201);
        }
        let put = |path: String| self.api("PUT", &path, &serde_json::Value::Null, 204);
        put(format!("groups/{inner}/members/user:{name}"));
        let subject = if outer {
            put(format!("groups/{holder}/members/group:{inner}"));
            holder
        } else {
            inner
        };
        self.larder
            .grant(&format!("group:{subject}"), TEAM, "*", role);
        client
    }

    /// How a caller of this kind shows who it is.
    pub(crate) fn show(&self, kind: Standing) -> Client {
        // Its account's name.
        let name = format!("a-{}", kind.name.replace(", ", "-").replace(' ', "-"));
        let user = |role: &str, repository: &str| {
            let client = self.larder.make_user(&name);
            if !role.is_empty() {
                self.larder
                    .grant(&format!("user:{name}"), repository, "*", role);
            }
            client
        };
        let limited =
            |repository: &str, role: &str| json!([{"repository": repository, "role": role}]);
        match kind.name {
            "anonymous" => self.larder.anonymous(),
            "anonymous in its network" => self.anonymous_from("127.0.0.0/8"),
            "anonymous outside its network" => self.anonymous_from("192.0.2.0/24"),
            "no grant" | "reader" | "writer" | "maintainer" | "admin" => {
                user(ROLES[kind.role], TEAM)
            }
            "admin elsewhere" => user("admin", "*/other*"),
            "member of a group" => self.member(&name, false, "writer"),
            "member of a nested group" => self.member(&name, true, "maintainer"),
            "removed member" => {
                let client = self.member(&name, false, "admin");
                client.get("/npm/team-a/demo").expect(200);
                let path = format!("groups/in-{name}/members/user:{name}");
                self.api("DELETE", &path, &serde_json::Value::Null, 204);
                client
            }
            "robot, wide" => self.robot(&name, None),
            "robot, narrow token" => self.robot(&name, Some(limited("*/team-*", "reader"))),
            "robot of a disabled owner" => {
                let client = self.robot(&name, None);
                client.get("/npm/team-a/demo").expect(200);
                self.api(
                    "PATCH",
                    &format!("users/owner-{name}"),
                    &json!({"disabled": true}),
                    200,
                );
                client
            }
            "robot of a deleted owner" => {
                let client = self.robot(&name, None);
                client.get("/npm/team-a/demo").expect(200);
                self.api(
                    "DELETE",
                    &format!("users/owner-{name}"),
                    &serde_json::Value::Null,
                    204,
                );
                client
            }
            "limited token of a superuser" => {
                let body = json!({"name": "t", "grants": limited(TEAM, "admin")});
                self.token("admin", &body).1
            }
            "token limited to elsewhere" => {
                user("admin", TEAM);
                let body = json!({"name": "t", "grants": limited("*/other", "admin")});
                self.token(&name, &body).1
            }
            "expired token" => self.expired(&name),
            "revoked token" => {
                user("admin", TEAM);
                let (id, client) = self.token(&name, &json!({"name": "t"}));
                client.get("/npm/team-a/demo").expect(200);
                self.api(
                    "DELETE",
                    &format!("tokens/{id}"),
                    &serde_json::Value::Null,
                    204,
                );
                client
            }
            "disabled user" => {
                let client = user("admin", TEAM);
                client.get("/npm/team-a/demo").expect(200);
                self.api(
                    "PATCH",
                    &format!("users/{name}"),
                    &json!({"disabled": true}),
                    200,
                );
                client
            }
            "unknown token" => {
                let header = format!("Bearer lrd_{}", "7".repeat(64));
                Client::with_authorization(self.larder.address(), &header)
            }
            "superuser" => self.larder.admin(),
            _ => panic!("nobody knows how to be {}", kind.name),
        }
    }

    /// A token that ends a moment from now, asked with until it has ended.
    fn expired(&self, name: &str) -> Client {
        let owner = self.larder.make_user(name);
        self.larder
            .grant(&format!("user:{name}"), TEAM, "*", "admin");
        let make = |seconds| {
            let end = SystemTime::now() + Duration::from_secs(seconds);
            let end = end.duration_since(SystemTime::UNIX_EPOCH).expect("time");
            let end = Timestamp(i64::try_from(end.as_micros()).expect("time"));
            let body = json!({"name": "t", "expires_at": end.to_string()}).to_string();
            let headers = [("content-type", "application/json")];
            let made = owner.send("POST", "/api/v1/tokens", &headers, body.as_bytes());
            (made.status == 201).then(|| made.json()["secret"].clone())
        };
        // A slow machine may be late: the end lies in the past then.
        let secret = [1, 5, 25].into_iter().find_map(make).expect("a token");
        let header = format!("Bearer {}", secret.as_str().expect("secret"));
        let client = Client::with_authorization(self.larder.address(), &header);
        let began = Instant::now();
        while client.get("/api/v1/whoami").status == 200 {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "a token does not end"
            );
        }
        client
    }

    /// Whether a caller needs a server of its own: what everyone holds would change the others.
    pub(crate) fn is_alone(kind: Standing) -> bool {
        kind.name.starts_with("anonymous ")
    }
}

impl Standing {
    /// What it holds in a repository.
    pub(crate) fn role_in(self, repository: &str) -> usize {
        if self.everywhere || repository.starts_with("team") {
            self.role
        } else {
            0
        }
    }
}
