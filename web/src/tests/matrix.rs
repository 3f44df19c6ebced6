//! Every call by every kind of caller.

use super::{House, basic, house};
use crate::paths::PATHS;
use larder_model::Role;

/// Who asks, in the order of the columns below.
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

/// Method, path, what follows it in this test, body, and the status for each caller. The limited
/// token is a superuser's that may administer the repository.
type Line = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    [u16; 8],
);

const NEW_GRANT: &str = r#"{"subject":"user:target","repository":"oci/team","role":"writer"}"#;

const VERSION: &str = "/repositories/{protocol}/{name}/packages/{package}/versions/{version}";

#[rustfmt::skip]
const MATRIX: &[Line] = &[
    ("GET", "/repositories", "", "", [200, 200, 200, 200, 200, 200, 401, 200]),
    ("POST", "/repositories", "", r#"{"protocol":"oci","name":"team-new"}"#, [401, 403, 403, 403, 201, 201, 401, 201]),
    ("GET", "/repositories/{protocol}/{name}", "", "", [401, 404, 200, 404, 200, 200, 401, 200]),
    ("PATCH", "/repositories/{protocol}/{name}", "", r#"{"description":"x"}"#, [401, 403, 403, 403, 200, 200, 401, 200]),
    ("DELETE", "/repositories/{protocol}/{name}", "", "", [401, 403, 403, 403, 204, 204, 401, 204]),
    ("GET", "/repositories/{protocol}/{name}/packages", "", "", [401, 404, 200, 404, 200, 200, 401, 200]),
    ("DELETE", "/repositories/{protocol}/{name}/packages/{package}", "", "", [401, 403, 403, 403, 204, 204, 401, 204]),
    ("GET", "/repositories/{protocol}/{name}/packages/{package}/versions", "", "", [401, 404, 200, 404, 200, 200, 401, 200]),
    ("GET", VERSION, "", "", [401, 404, 200, 404, 200, 200, 401, 200]),
    // Tags are not yanked: who may write is told so.
    ("PATCH", VERSION, "", r#"{"yanked":true}"#, [401, 403, 403, 403, 405, 405, 401, 405]),
    ("DELETE", VERSION, "", "", [401, 403, 403, 403, 204, 204, 401, 204]),
    // The repository is no mirror: who may ask is told so.
    ("POST", "/repositories/{protocol}/{name}/upstream/check", "", "{}", [401, 403, 403, 403, 400, 400, 401, 400]),
    ("GET", "/upstreams", "", "", [401, 200, 200, 200, 200, 200, 401, 200]),
    ("GET", "/users", "", "", [401, 403, 403, 403, 403, 200, 401, 403]),
    ("POST", "/users", "", r#"{"name":"new","password":"long enough"}"#, [401, 403, 403, 403, 403, 201, 401, 403]),
    ("GET", "/users/{name}", "", "", [401, 404, 404, 404, 404, 200, 401, 404]),
    ("PATCH", "/users/{name}", "", r#"{"disabled":true}"#, [401, 404, 404, 404, 404, 200, 401, 404]),
    ("DELETE", "/users/{name}", "", "", [401, 404, 404, 404, 404, 204, 401, 404]),
    ("GET", "/tokens", "", "", [401, 200, 200, 200, 200, 200, 401, 200]),
    ("GET", "/tokens", "?owner=target", "", [401, 404, 404, 404, 404, 200, 401, 404]),
    ("POST", "/tokens", "", r#"{"name":"new"}"#, [401, 201, 201, 201, 201, 201, 401, 403]),
    ("POST", "/tokens", "?owner=target", r#"{"name":"new"}"#, [401, 404, 404, 404, 404, 201, 401, 404]),
    ("DELETE", "/tokens/{id}", "", "", [401, 404, 404, 404, 404, 204, 401, 403]),
    ("GET", "/grants", "", "", [401, 200, 200, 200, 200, 200, 401, 200]),
    ("POST", "/grants", "", NEW_GRANT, [401, 403, 403, 403, 201, 201, 401, 403]),
    ("DELETE", "/grants/{id}", "", "", [401, 404, 404, 404, 204, 204, 401, 403]),
    ("GET", "/settings", "", "", [401, 403, 403, 403, 403, 200, 401, 403]),
    ("PATCH", "/settings", "", r#"{"offline":true}"#, [401, 403, 403, 403, 403, 200, 401, 403]),
    ("GET", "/connect/{client}/{protocol}/{name}", "", "", [401, 404, 200, 404, 200, 200, 401, 200]),
    ("GET", "/whoami", "", "", [200, 200, 200, 200, 200, 200, 401, 200]),
    ("GET", "/can", "?subject=user:target&repository=oci/team&action=read", "", [401, 403, 403, 403, 403, 200, 401, 403]),
    ("GET", "/can", "?repository=oci/team&action=read", "", [200, 200, 200, 200, 200, 200, 401, 200]),
];

/// A house where there is everything that the calls are about, and one caller.
async fn with_caller(caller: &str) -> (House, String, i64, i64) {
    let house = house().await;
    house.repo("team").await;
    house.keep("oci/team", "team/app", &[("tags/1", "")]).await;
    house.user("target", false).await;
    let (token, _) = house.token("target", None).await;
    let admission = house
        .admission("user:target", "oci/team", Role::Reader)
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
    match caller {
        "reader" => drop(
            house
                .admission("user:caller", "oci/team", Role::Reader)
                .await,
        ),
        "admin elsewhere" => drop(
            house
                .admission("user:caller", "oci/other*", Role::Admin)
                .await,
        ),
        "repo admin" => drop(
            house
                .admission("user:caller", "oci/team*", Role::Admin)
                .await,
        ),
        "disabled" => {
            house.admission("user:caller", "*", Role::Admin).await;
            let user = house.gate.policy().user("caller").expect("user").clone();
            house
                .metadata
                .change_user(&user, None, true, true)
                .await
                .expect("disable");
            house.gate.refresh().await.expect("refresh");
        }
        _ => {}
    }
    (house, header, token, admission)
}

#[tokio::test]
async fn every_call_by_every_caller() {
    let mut wrong = Vec::new();
    for (method, path, query, body, expected) in MATRIX {
        for (caller, expected) in CALLERS.iter().zip(expected) {
            let (house, header, token, admission) = with_caller(caller).await;
            let id = if path.starts_with("/tokens") {
                token
            } else {
                admission
            };
            let name = if path.starts_with("/users") {
                "target"
            } else {
                "team"
            };
            let target = path
                .replace("{protocol}", "oci")
                .replace("{name}", name)
                .replace("{id}", &id.to_string());
            let target = target.replace("{client}", "docker");
            let target = target
                .replace("{package}", "team%2Fapp")
                .replace("{version}", "1");
            let (status, json) = house
                .ask(&header, method, &format!("{target}{query}"), body)
                .await;
            if status != *expected {
                wrong.push(format!(
                    "{method} {path}{query} by {caller}: {status}, not {expected}: {json}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_matrix_has_every_call() {
    for path in &PATHS {
        for method in path.methods() {
            let listed = MATRIX
                .iter()
                .any(|line| (line.0, line.1) == (method, path.template));
            assert!(
                listed,
                "{method} {} has no line in the matrix",
                path.template
            );
        }
    }
}
