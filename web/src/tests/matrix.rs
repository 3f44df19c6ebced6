//! Every call of the document by every kind of caller, on what is there and on what is not.
//!
//! Who may not, must not learn whether something is there: what is missing and what is forbidden
//! have the same status, body and headers.

use super::describe::JSON;
use super::{Answer, House, basic, house};
use crate::openapi::operations;
use http::Method;
use larder_model::Role;
use std::collections::BTreeSet;

/// Who asks, in the order of the columns below. The limited token is a superuser's that may
/// administer the repository.
const CALLERS: [&str; 8] = [
    "anonymous",
    "no grant",
    "reader",
    "admin elsewhere",
    "repo admin",
    "superuser",
    "disabled",
    "limited token",
];

/// A call by its id, the query and the body that go with it, the status for each caller where the
/// things that it means are there, and the status for who may where one of them is missing.
struct Line {
    call: &'static str,
    query: &'static str,
    body: &'static str,
    there: [u16; 8],
    missing: Option<u16>,
}

const fn line(
    call: &'static str,
    query: &'static str,
    body: &'static str,
    there: [u16; 8],
    missing: Option<u16>,
) -> Line {
    Line {
        call,
        query,
        body,
        there,
        missing,
    }
}

const NEW_REPOSITORY: &str = r#"{"protocol":"oci","name":"{repo}"}"#;
const NEW_USER: &str = r#"{"name":"{user}","password":"long enough"}"#;
const NEW_GRANT: &str = r#"{"subject":"user:{user}","repository":"oci/team-a","role":"writer"}"#;

const ANYONE: [u16; 8] = [200; 8];
const ANYONE_VALID: [u16; 8] = [200, 200, 200, 200, 200, 200, 401, 200];
const READERS: [u16; 8] = [401, 404, 200, 404, 200, 200, 401, 200];
const SUPERUSERS: [u16; 8] = [401, 403, 403, 403, 403, 200, 401, 403];
const THEMSELVES: [u16; 8] = [401, 404, 404, 404, 404, 200, 401, 404];

#[rustfmt::skip]
const MATRIX: &[Line] = &[
    line("get_document", "", "", ANYONE, None),
    line("get_page", "", "", ANYONE, None),
    line("list_repositories", "", "", ANYONE_VALID, None),
    line("create_repository", "", NEW_REPOSITORY, [401, 403, 403, 403, 409, 409, 401, 409], Some(201)),
    line("get_repository", "", "", READERS, Some(404)),
    line("change_repository", "", r#"{"description":"x"}"#, [401, 403, 403, 403, 200, 200, 401, 200], Some(404)),
    line("delete_repository", "", "", [401, 403, 403, 403, 204, 204, 401, 204], Some(404)),
    line("list_packages", "", "", READERS, Some(404)),
    line("delete_package", "", "", [401, 403, 403, 403, 204, 204, 401, 204], Some(404)),
    line("list_versions", "", "", READERS, Some(404)),
    line("get_version", "", "", READERS, Some(404)),
    // Tags are not yanked: who may write is told so.
    line("change_version", "", r#"{"yanked":true}"#, [401, 403, 403, 403, 405, 405, 401, 405], Some(405)),
    line("delete_version", "", "", [401, 403, 403, 403, 204, 204, 401, 204], Some(404)),
    // The repository is no mirror: who may ask is told so.
    line("check_upstream", "", "{}", [401, 403, 403, 403, 400, 400, 401, 400], Some(404)),
    line("list_upstreams", "", "", [401, 200, 200, 200, 200, 200, 401, 200], None),
    line("list_users", "", "", SUPERUSERS, None),
    line("create_user", "", NEW_USER, [401, 403, 403, 403, 403, 409, 401, 403], Some(201)),
    line("get_user", "", "", THEMSELVES, Some(404)),
    line("change_user", "", r#"{"disabled":true}"#, THEMSELVES, Some(404)),
    line("delete_user", "", "", [401, 404, 404, 404, 404, 204, 401, 404], Some(404)),
    line("list_tokens", "", "", [401, 200, 200, 200, 200, 200, 401, 200], None),
    line("list_tokens", "?owner={user}", "", THEMSELVES, Some(404)),
    line("create_token", "", r#"{"name":"new"}"#, [401, 201, 201, 201, 201, 201, 401, 403], None),
    line("create_token", "?owner={user}", r#"{"name":"new"}"#, [401, 404, 404, 404, 404, 201, 401, 404], Some(404)),
    line("delete_token", "", "", [401, 404, 404, 404, 404, 204, 401, 403], Some(404)),
    line("list_reservations", "", "", [401, 403, 403, 403, 403, 200, 401, 403], None),
    line("delete_reservation", "", "", [401, 403, 403, 403, 403, 404, 401, 403], None),
    line("list_grants", "", "", [401, 200, 200, 200, 200, 200, 401, 200], None),
    line("create_grant", "", NEW_GRANT, [401, 403, 403, 403, 201, 201, 401, 403], Some(404)),
    line("delete_grant", "", "", [401, 404, 404, 404, 204, 204, 401, 403], Some(404)),
    line("get_settings", "", "", SUPERUSERS, None),
    line("change_settings", "", r#"{"offline":true}"#, SUPERUSERS, None),
    line("list_audit", "", "", SUPERUSERS, None),
    line("verify_audit", "", "", SUPERUSERS, None),
    line("connect_client", "", "", READERS, Some(404)),
    line("whoami", "", "", ANYONE_VALID, None),
    line("can", "?subject=user:{user}&repository=oci/team-a&action=read", "", SUPERUSERS, Some(404)),
    line("can", "?repository=oci/{repo}&action=read", "", ANYONE_VALID, Some(200)),
];

/// What calls mean, as it stands in their paths, queries and bodies.
#[derive(Clone)]
struct Things {
    repo: &'static str,
    package: &'static str,
    version: &'static str,
    user: &'static str,
    token: i64,
    grant: i64,
}

impl Things {
    /// A call's address, its query and its body.
    fn place(&self, path: &str, line: &Line) -> [String; 2] {
        let (of_user, of_token) = (path.contains("/users/"), path.contains("/tokens/"));
        let name = if of_user { self.user } else { self.repo };
        let id = if of_token { self.token } else { self.grant };
        let fill = |text: &str| {
            text.replace("{protocol}", "oci")
                .replace("{client}", "docker")
                .replace("{name}", name)
                .replace("{repo}", self.repo)
                .replace("{package}", self.package)
                .replace("{version}", self.version)
                .replace("{user}", self.user)
                .replace("{id}", &id.to_string())
        };
        let path = path.strip_prefix("/api/v1").expect("path");
        [fill(&format!("{path}{}", line.query)), fill(line.body)]
    }

    /// The same where one thing is missing, in each way that makes a difference to the call.
    fn without_one(&self, path: &str, line: &Line) -> Vec<[String; 2]> {
        let there = self.place(path, line);
        let other = [
            Self {
                repo: "team-b",
                ..self.clone()
            },
            Self {
                package: "gone",
                ..self.clone()
            },
            Self {
                version: "2",
                ..self.clone()
            },
            Self {
                user: "nobody",
                ..self.clone()
            },
            Self {
                token: self.token + 1,
                ..self.clone()
            },
            Self {
                grant: self.grant + 1,
                ..self.clone()
            },
        ];
        let places = other.iter().map(|things| things.place(path, line));
        places.filter(|place| *place != there).collect()
    }

    /// A text in which the names of things do not differ.
    fn blurred(&self, text: &str) -> String {
        text.replace("team-b", self.repo)
            .replace("gone", self.package)
            .replace("nobody", self.user)
    }
}

/// A house where there is everything that the calls are about, and one caller.
async fn with_caller(caller: &str) -> (House, String, Things) {
    let house = house().await;
    house.repo("team-a").await;
    house.keep("oci/team-a", "main", &[("tags/1", "")]).await;
    house.user("target", false).await;
    let (token, _) = house.token("target", None).await;
    let grant = house
        .admission("user:target", "oci/team-a", Role::Reader)
        .await;
    let header = match caller {
        "anonymous" => String::new(),
        "superuser" => basic("admin", super::PASSWORD),
        "limited token" => {
            house
                .token("admin", Some(("oci/team*", Role::Admin)))
                .await
                .1
        }
        _ => house.user("caller", false).await,
    };
    let granted = match caller {
        "reader" => Some(("oci/team-a", Role::Reader)),
        "admin elsewhere" => Some(("oci/other*", Role::Admin)),
        "repo admin" => Some(("oci/team*", Role::Admin)),
        "disabled" => Some(("*", Role::Admin)),
        _ => None,
    };
    if let Some((repository, role)) = granted {
        house.admission("user:caller", repository, role).await;
    }
    if caller == "disabled" {
        let user = house.gate.policy().user("caller").expect("user").clone();
        house
            .metadata
            .change_user(&user, None, true, true, &super::Admin)
            .await
            .expect("disable");
        house.gate.refresh().await.expect("refresh");
    }
    let things = Things {
        repo: "team-a",
        package: "main",
        version: "1",
        user: "target",
        token,
        grant,
    };
    (house, header, things)
}

/// All of an answer that a caller can see.
fn seen(answer: &Answer, things: &Things) -> String {
    let body = things.blurred(&String::from_utf8_lossy(&answer.body));
    format!("{} {:?} {body}", answer.status, answer.headers)
}

/// What is wrong with one call of one caller.
async fn wrongs(method: &Method, path: &str, line: &Line, at: usize) -> Vec<String> {
    let (house, header, things) = with_caller(CALLERS[at]).await;
    let ask = async |[target, body]: &[String; 2], method: &str| {
        house.pass(&header, method, target, body).await
    };
    let mut wrong = Vec::new();
    let refused = matches!(line.there[at], 401 | 403 | 404);
    // What is missing first: who may not changes nothing, and who may finds nothing.
    let mut missing = Vec::new();
    for place in things.without_one(path, line) {
        let answer = ask(&place, method.as_str()).await;
        let expected = line.missing.filter(|_| !refused);
        if expected.is_some_and(|expected| expected != answer.status) {
            wrong.push(format!("{place:?}: {}, not {expected:?}", answer.status));
        }
        missing.push((place, seen(&answer, &things)));
    }
    let there = things.place(path, line);
    let head = if *method == Method::GET {
        Some(ask(&there, "HEAD").await)
    } else {
        None
    };
    let answer = ask(&there, method.as_str()).await;
    if answer.status != line.there[at] {
        wrong.push(format!(
            "{there:?}: {}, not {}: {:?}",
            answer.status, line.there[at], answer.body
        ));
    }
    if let Some(head) = head
        && (head.status, &head.headers) != (answer.status, &answer.headers)
    {
        wrong.push(format!(
            "HEAD {there:?}: {} {:?}",
            head.status, head.headers
        ));
    }
    for (place, seen_missing) in missing {
        let seen_there = seen(&answer, &things);
        if refused && seen_missing != seen_there {
            wrong.push(format!(
                "{place:?} looks other than {there:?}: {seen_missing} {seen_there}"
            ));
        }
    }
    let told = |wrong| format!("{method} {path} by {}: {wrong}", CALLERS[at]);
    wrong.into_iter().map(told).collect()
}

#[tokio::test]
async fn every_call_by_every_caller() {
    let (mut wrong, mut known) = (Vec::new(), BTreeSet::new());
    for (path, method, operation) in operations(&JSON) {
        let id = operation["operationId"].as_str().expect("id");
        let lines: Vec<&Line> = MATRIX.iter().filter(|line| line.call == id).collect();
        if lines.is_empty() {
            wrong.push(format!("{method} {path}: {id} has no line in the matrix"));
        }
        known.insert(id);
        for line in lines {
            for at in 0..CALLERS.len() {
                wrong.extend(wrongs(&method, path, line, at).await);
            }
        }
    }
    let unknown = MATRIX.iter().filter(|line| !known.contains(line.call));
    wrong.extend(unknown.map(|line| format!("{} is no call", line.call)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
