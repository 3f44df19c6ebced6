//! Every call of the document by every kind of caller, on what is there and on what is not.
//!
//! Who may not, must not learn whether something is there: what is missing and what is forbidden
//! have the same status, body and headers.

mod model;

use super::callers::show;
use super::describe::JSON;
use super::{Answer, House, blob, house};
use crate::openapi::operations;
use http::Method;
use http::header::CONTENT_LENGTH;
use larder_metadata::groups::MemberId;
use larder_model::{Algorithm, Digest, Role};
use model::{Asks, CALLERS, Standing, refused};
use std::collections::BTreeSet;

/// A call by its id, the query and the body that go with it, what it asks for, and the status for
/// who may, where the things that it means are there, and where one of them is missing.
struct Line {
    call: &'static str,
    query: &'static str,
    body: &'static str,
    asks: Asks,
    there: u16,
    missing: Option<u16>,
}

const fn line(
    call: &'static str,
    query: &'static str,
    body: &'static str,
    asks: Asks,
    (there, missing): (u16, Option<u16>),
) -> Line {
    Line {
        call,
        query,
        body,
        asks,
        there,
        missing,
    }
}

const NEW_REPOSITORY: &str = r#"{"protocol":"oci","name":"{repo}"}"#;
const NEW_USER: &str = r#"{"name":"{user}","password":"long enough"}"#;
const NEW_GROUP: &str = r#"{"name":"{group}"}"#;
const NEW_ROBOT: &str = r#"{"name":"{robot}","owner":"user:target"}"#;
const NEW_SESSION: &str = r#"{"name":"target","password":"a good password"}"#;
const NEW_QUOTA: &str = r#"{"repositories":"oci/nobody-*","bytes":1}"#;
const NEW_GRANT: &str = r#"{"subject":"user:{user}","repository":"oci/team-a","role":"writer"}"#;
const COPY: &str = r#"{"to":{"repository":"oci/team-a","version":"2"}}"#;
const TAG: &str =
    r#"{"package":"a","from":{"repository":"git/local","package":"team/tool","tag":"v1.2.3"}}"#;
const DELETIONS: &str = r#"{"items":[{"package":"{package}","version":"{version}"}]}"#;
const DESCRIPTION: &str = r#"{"description":"x"}"#;

const READER: Asks = Asks::Read;
const WRITER: Asks = Asks::Role(Role::Writer);
const MAINTAINER: Asks = Asks::Role(Role::Maintainer);
const ADMIN: Asks = Asks::Role(Role::Admin);

#[rustfmt::skip]
const MATRIX: &[Line] = &[
    line("get_document", "", "", Asks::Nothing, (200, None)),
    line("get_page", "", "", Asks::Nothing, (200, None)),
    line("list_repositories", "", "", Asks::Anyone, (200, None)),
    line("create_repository", "", NEW_REPOSITORY, ADMIN, (409, Some(201))),
    line("get_repository", "", "", READER, (200, Some(404))),
    line("change_repository", "", DESCRIPTION, ADMIN, (200, Some(404))),
    line("delete_repository", "", "", ADMIN, (204, Some(404))),
    line("get_retention", "", "", MAINTAINER, (200, Some(404))),
    line("put_retention", "", r#"{"rules":[]}"#, MAINTAINER, (200, Some(404))),
    line("delete_retention", "", "", MAINTAINER, (204, Some(404))),
    line("preview_retention", "", "{}", MAINTAINER, (200, Some(404))),
    line("run_retention", "", r#"{"preview":"{preview}"}"#, MAINTAINER, (202, Some(404))),
    line("list_trash", "", "", MAINTAINER, (200, Some(404))),
    line("restore_trash", "", "", MAINTAINER, (200, Some(404))),
    line("delete_trash", "", "", MAINTAINER, (204, Some(404))),
    line("list_packages", "", "", READER, (200, Some(404))),
    line("publish_tag", "", TAG, Asks::ReadAndWrite, (201, Some(404))),
    line("publish_file", "", "x", WRITER, (200, Some(404))),
    // Each thing is judged by its own right, and told of in the answer.
    line("delete_packages", "", DELETIONS, Asks::Identified, (200, Some(200))),
    line("get_package", "", "", READER, (200, Some(404))),
    line("delete_package", "", "", MAINTAINER, (204, Some(404))),
    // The repository is hosted: who may write is told so.
    line("refresh_package", "", "{}", WRITER, (409, None)),
    line("list_versions", "", "", READER, (200, Some(404))),
    line("get_version", "", "", READER, (200, Some(404))),
    line("get_version_about", "", "", READER, (200, Some(404))),
    // Tags are not yanked: who may write is told so.
    line("change_version", "", r#"{"yanked":true}"#, WRITER, (405, Some(405))),
    line("delete_version", "", "", MAINTAINER, (204, Some(404))),
    line("copy_version", "", COPY, Asks::ReadAndWrite, (200, None)),
    // The repository is no mirror: who may ask is told so.
    line("check_upstream", "", "{}", ADMIN, (400, Some(404))),
    line("search", "?q=main", "", Asks::Anyone, (200, Some(200))),
    line("list_upstreams", "", "", Asks::Identified, (200, None)),
    line("list_users", "", "", Asks::Superuser, (200, None)),
    line("create_user", "", NEW_USER, Asks::Superuser, (409, Some(201))),
    line("get_user", "", "", Asks::HiddenFromOthers, (200, Some(404))),
    line("change_user", "", r#"{"disabled":true}"#, Asks::HiddenFromOthers, (200, Some(404))),
    line("delete_user", "", "", Asks::HiddenFromOthers, (204, Some(404))),
    line("list_groups", "", "", Asks::Superuser, (200, None)),
    line("create_group", "", NEW_GROUP, Asks::Superuser, (409, Some(201))),
    line("get_group", "", "", Asks::Superuser, (200, Some(404))),
    line("change_group", "", DESCRIPTION, Asks::Superuser, (200, Some(404))),
    line("delete_group", "", "", Asks::Superuser, (204, Some(404))),
    line("list_members", "", "", Asks::Superuser, (200, Some(404))),
    line("add_member", "", "", Asks::Superuser, (204, Some(404))),
    line("remove_member", "", "", Asks::Superuser, (204, Some(404))),
    line("list_robots", "", "", Asks::Identified, (200, None)),
    line("create_robot", "", NEW_ROBOT, Asks::Superuser, (409, Some(201))),
    line("get_robot", "", "", Asks::HiddenFromOthers, (200, Some(404))),
    line("change_robot", "", r#"{"disabled":true}"#, Asks::HiddenFromOthers, (200, Some(404))),
    line("delete_robot", "", "", Asks::HiddenFromOthers, (204, Some(404))),
    line("list_tokens", "", "", Asks::Identified, (200, None)),
    line("list_tokens", "?owner={user}", "", Asks::HiddenFromOthers, (200, Some(404))),
    line("list_tokens", "?owner=robot:{robot}", "", Asks::HiddenFromOthers, (200, Some(404))),
    line("create_token", "", r#"{"name":"new"}"#, Asks::Unlimited, (201, None)),
    line("create_token", "?owner={user}", r#"{"name":"new"}"#, Asks::HiddenFromOthers, (201, Some(404))),
    line("create_token", "?owner=robot:{robot}", r#"{"name":"new"}"#, Asks::HiddenFromOthers, (201, Some(404))),
    line("delete_token", "", "", Asks::HiddenUnlimited, (204, Some(404))),
    line("create_session", "", NEW_SESSION, Asks::Nothing, (201, None)),
    line("list_sessions", "", "", Asks::Identified, (200, None)),
    line("list_sessions", "?owner={user}", "", Asks::HiddenFromOthers, (200, Some(404))),
    line("delete_session", "", "", Asks::HiddenUnlimited, (204, Some(404))),
    line("list_reservations", "", "", Asks::Superuser, (200, None)),
    line("delete_reservation", "", "", Asks::Superuser, (404, None)),
    line("list_quotas", "", "", Asks::Superuser, (200, None)),
    line("create_quota", "", NEW_QUOTA, Asks::Superuser, (201, None)),
    line("change_quota", "", r#"{"bytes":1}"#, Asks::Superuser, (404, None)),
    line("delete_quota", "", "", Asks::Superuser, (404, None)),
    line("list_grants", "", "", Asks::Identified, (200, None)),
    // Superusers alone are told that there is no such user: 404 to them, 201 to others.
    line("create_grant", "", NEW_GRANT, Asks::AdminUnlimited, (201, None)),
    line("delete_grant", "", "", Asks::AdminHidden, (204, Some(404))),
    line("get_settings", "", "", Asks::Superuser, (200, None)),
    line("change_settings", "", r#"{"offline":true}"#, Asks::Superuser, (200, None)),
    line("get_backup", "", "", Asks::Superuser, (200, None)),
    line("list_backups", "", "", Asks::Superuser, (200, None)),
    line("download_backup", "", "", Asks::Superuser, (200, None)),
    line("delete_backup", "", "", Asks::Superuser, (204, None)),
    line("run_backup", "", "{}", Asks::Superuser, (202, None)),
    line("list_jobs", "", "", Asks::Superuser, (200, None)),
    line("get_job", "", "", Asks::Superuser, (200, Some(404))),
    line("list_job_items", "", "", Asks::Superuser, (200, Some(404))),
    line("watch_job", "", "", Asks::Superuser, (200, Some(404))),
    // The job has ended: who may cancel is told so.
    line("cancel_job", "", "", Asks::Superuser, (409, Some(404))),
    line("run_upstream_check", "", "{}", Asks::Superuser, (202, None)),
    line("run_collection", "", r#"{"dry_run":true}"#, Asks::Superuser, (202, None)),
    line("get_collection", "", "", Asks::Superuser, (200, None)),
    line("run_scrub", "", r#"{"dry_run":true}"#, Asks::Superuser, (202, None)),
    line("get_scrub", "", "", Asks::Superuser, (200, None)),
    line("list_quarantine", "", "", Asks::Superuser, (200, None)),
    line("get_quarantined", "", "", Asks::Superuser, (404, None)),
    line("delete_quarantined", "", "", Asks::Superuser, (404, None)),
    line("get_blob", "", "", Asks::Superuser, (200, Some(404))),
    line("list_schedules", "", "", Asks::Superuser, (200, None)),
    line("get_schedule", "", "", Asks::Superuser, (200, Some(404))),
    line("put_schedule", "", r#"{"cron":"0 3 * * *"}"#, Asks::Superuser, (200, Some(404))),
    line("list_audit", "", "", Asks::Superuser, (200, None)),
    line("verify_audit", "", "", Asks::Superuser, (200, None)),
    line("list_denied", "", "", Asks::Identified, (200, None)),
    line("get_refusal", "", "", Asks::ReadHidden, (200, Some(404))),
    line("get_statistics", "", "", Asks::Superuser, (200, None)),
    line("get_series", "?name=requests", "", Asks::Superuser, (200, None)),
    line("list_usage", "?by=package", "", Asks::Superuser, (200, None)),
    line("run_usage", "", "{}", Asks::Superuser, (202, None)),
    line("list_downloads", "", "", READER, (200, Some(404))),
    line("get_system_health", "", "", Asks::Superuser, (200, None)),
    line("get_authority", "", "", Asks::Anyone, (200, None)),
    line("get_config", "", "", Asks::Superuser, (200, None)),
    line("list_clients", "", "", Asks::Anyone, (200, None)),
    // What is not there whoever may push to it is told of all the same (`tests/connect.rs`).
    line("connect_client", "", "", READER, (200, None)),
    line("whoami", "", "", Asks::Anyone, (200, None)),
    line("can", "?subject=user:{user}&repository=oci/team-a&action=read", "", Asks::Superuser, (200, Some(404))),
    line("can", "?subject=group:{group}&repository=oci/team-a&action=read", "", Asks::Superuser, (200, Some(404))),
    line("can", "?repository=oci/{repo}&action=read", "", Asks::Anyone, (200, Some(200))),
];

/// What calls mean, as it stands in their paths, queries and bodies.
#[derive(Clone)]
struct Things {
    repo: &'static str,
    package: &'static str,
    version: &'static str,
    user: &'static str,
    group: &'static str,
    robot: &'static str,
    member: &'static str,
    token: i64,
    session: i64,
    grant: i64,
    job: i64,
    kind: &'static str,
    digest: Digest,
    trash: i64,
    preview: String,
    refusal: String,
}

impl Things {
    /// A call's address, its query and its body.
    fn place(&self, path: &str, line: &Line) -> [String; 2] {
        let of = |folder: &str| path.contains(folder);
        let name = match () {
            () if of("/users/") => self.user,
            () if of("/robots/") => self.robot,
            () if of("/backups/") => "b.tar",
            () => self.repo,
        };
        let id = match () {
            () if of("/tokens/") => self.token,
            () if of("/sessions/") => self.session,
            () if of("/jobs/") => self.job,
            () if of("/trash/") => self.trash,
            () => self.grant,
        };
        let fill = |text: &str| {
            text.replace("{protocol}", "oci")
                .replace("{client}", "docker")
                .replace("{name}", name)
                .replace("{repo}", self.repo)
                .replace("{package}", self.package)
                .replace("{version}", self.version)
                .replace("{user}", self.user)
                .replace("{group}", self.group)
                .replace("{robot}", self.robot)
                .replace("{member}", self.member)
                .replace("{kind}", self.kind)
                .replace("{file}", "a.deb")
                .replace("{digest}", &self.digest.to_string())
                .replace("{preview}", &self.preview)
                .replace("/why/{id}", &format!("/why/{}", self.refusal))
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
                group: "no-group",
                ..self.clone()
            },
            Self {
                robot: "no-robot",
                ..self.clone()
            },
            Self {
                member: "user:no-member",
                ..self.clone()
            },
            Self {
                token: self.token + 1,
                ..self.clone()
            },
            Self {
                session: self.session + 1,
                ..self.clone()
            },
            Self {
                grant: self.grant + 1,
                ..self.clone()
            },
            Self {
                job: self.job + 1,
                ..self.clone()
            },
            Self {
                kind: "gc",
                ..self.clone()
            },
            Self {
                digest: Digest::of(Algorithm::Sha256, b"nowhere"),
                ..self.clone()
            },
            Self {
                trash: self.trash + 1,
                ..self.clone()
            },
            Self {
                preview: "p-gone".to_owned(),
                ..self.clone()
            },
            Self {
                refusal: "0".repeat(32),
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
            .replace("no-group", self.group)
            .replace("no-robot", self.robot)
            .replace("user:no-member", self.member)
    }
}

/// A house where there is everything that the calls are about, and one caller.
async fn with_caller(caller: &str) -> (House, String, Things) {
    let house = house().await;
    house.repo("team-a").await;
    house.keep("oci/team-a", "main", &[("tags/1", "")]).await;
    house.user("target", false).await;
    let group = house.group("target-group").await;
    let target = house.account("target").await.id;
    house.member(group, MemberId::User(target)).await;
    house.robot("target-robot", "target").await;
    let (token, _) = house.token("target", None).await;
    let (session, _) = house.session("target").await;
    let grant = house
        .admission("user:target", "oci/team-a", Role::Reader)
        .await;
    let job = house.ended_job().await;
    let trash = house.deleted("oci/team-a", "old").await;
    let preview = house.previewed("team-a").await;
    let refusal = house.refused("team-a").await;
    let header = show(&house, caller).await;
    let things = Things {
        repo: "team-a",
        package: "main",
        version: "1",
        user: "target",
        group: "target-group",
        robot: "target-robot",
        member: "user:target",
        token,
        session,
        grant,
        job,
        kind: "upstream-check",
        digest: blob("tags/1").digest,
        trash,
        preview,
        refusal,
    };
    (house, header, things)
}

/// All of an answer that a caller can see.
fn seen(answer: &Answer, things: &Things) -> String {
    let body = things.blurred(&String::from_utf8_lossy(&answer.body));
    // Whoever may read it is told where more of the refusal stands.
    let (body, _) = without_link(&body);
    let mut headers = answer.headers.clone();
    headers.remove(CONTENT_LENGTH);
    format!("{} {headers:?} {body}", answer.status)
}

/// A body without the address of the page about a refusal, and whether it had one.
fn without_link(body: &str) -> (String, bool) {
    match body.split_once("; see http") {
        Some((before, after)) => {
            let after = after.split_once('"').map_or("", |(_, after)| after);
            (format!("{before}\"{after}"), true)
        }
        None => (body.to_owned(), false),
    }
}

/// What is wrong with one call of one caller, in a house of its own unless it is refused.
async fn wrongs(
    method: &Method,
    path: &str,
    line: &Line,
    caller: Standing,
    (house, header, things): &(House, String, Things),
) -> Vec<String> {
    let ask = async |[target, body]: &[String; 2], method: &str| {
        house.pass(header, method, target, body).await
    };
    let mut wrong = Vec::new();
    let refused = refused(line.asks, caller);
    let expected = refused.unwrap_or(line.there);
    // What is missing first: who may not changes nothing, and who may finds nothing.
    let mut missing = Vec::new();
    for place in things.without_one(path, line) {
        let answer = ask(&place, method.as_str()).await;
        let expected = line.missing.filter(|_| refused.is_none());
        if expected.is_some_and(|expected| expected != answer.status) {
            wrong.push(format!("{place:?}: {}, not {expected:?}", answer.status));
        }
        missing.push((place, seen(&answer, things)));
    }
    let there = things.place(path, line);
    let head = if *method == Method::GET {
        Some(ask(&there, "HEAD").await)
    } else {
        None
    };
    let answer = ask(&there, method.as_str()).await;
    if answer.status != expected {
        wrong.push(format!(
            "{there:?}: {}, not {expected}: {:?}",
            answer.status, answer.body
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
    let (_, has_link) = without_link(&String::from_utf8_lossy(&answer.body));
    if has_link && caller.role.is_none() {
        wrong.push(format!("{there:?}: who may not read it is told of a page"));
    }
    for (place, seen_missing) in missing {
        let seen_there = seen(&answer, things);
        // Whoever may read what the path names is told that it may not write where the body says.
        let may_read = matches!(line.asks, Asks::ReadAndWrite) && caller.role.is_some();
        if refused.is_some() && !may_read && seen_missing != seen_there {
            wrong.push(format!(
                "{place:?} looks other than {there:?}: {seen_missing} {seen_there}"
            ));
        }
    }
    let told = |wrong| format!("{method} {path} by {}: {wrong}", caller.name);
    wrong.into_iter().map(told).collect()
}

#[tokio::test]
async fn every_call_has_its_line() {
    let operations = operations(&JSON);
    let ids: BTreeSet<&str> = operations
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().expect("id"))
        .collect();
    let lines: BTreeSet<&str> = MATRIX.iter().map(|line| line.call).collect();
    assert_eq!(ids, lines, "calls of the document, lines of the matrix");
}

/// The calls by one caller. Where it is refused nothing changes, so one house will do for these.
async fn calls_by(caller: Standing) -> Vec<String> {
    let mut wrong = Vec::new();
    let common = with_caller(caller.name).await;
    for (path, method, operation) in operations(&JSON) {
        let id = operation["operationId"].as_str().expect("id");
        for line in MATRIX.iter().filter(|line| line.call == id) {
            let refused = refused(line.asks, caller).is_some();
            wrong.extend(if refused || method == Method::GET {
                wrongs(&method, path, line, caller, &common).await
            } else {
                let own = with_caller(caller.name).await;
                wrongs(&method, path, line, caller, &own).await
            });
        }
    }
    wrong
}

#[tokio::test]
async fn every_call_by_every_caller() {
    let mut wrong = Vec::new();
    for caller in CALLERS {
        wrong.extend(calls_by(*caller).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
