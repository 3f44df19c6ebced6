use super::*;
use crate::resource::ReadRequest;
use crate::testing::{REPO_URL, get};
use larder_model::{Integrity, Ruling};
use serde_json::Value;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const MOVED: &str = "89abcdef0123456789abcdef0123456789abcdef";

fn artifact(path: &str) -> Artifact {
    match get(&Composer, path).expect("path") {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

fn body(versions: &Value) -> Bytes {
    let body = json!({"packages": {"acme/demo": versions}});
    body.to_string().into()
}

fn version(version: &str, reference: &str, shasum: &str) -> Value {
    let url = format!("https://git.example/zipball/{reference}");
    json!({"name": "acme/demo", "version": version,
        "dist": {"type": "zip", "url": url, "reference": reference, "shasum": shasum}})
}

fn fetch(path: &str, known: &[Option<Bytes>]) -> crate::Fetch {
    match Composer.plan(&artifact(path), known, &[]).expect("a plan") {
        Plan::Fetch(fetch) => fetch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_archive_is_where_the_metadata_has_it() {
    let sum = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let path = format!("/dist/acme/demo/1.0.0/{COMMIT}.zip");
    let plan = Composer.plan(&artifact(&path), &[], &[]).expect("a plan");
    assert_eq!(plan, Plan::Read(document_of("acme/demo", false)));
    let versions = json!([version("v1.0.0", COMMIT, ""), version("2.0", "r2", sum)]);
    let known = [Some(body(&versions))];
    let found = fetch(&path, &known);
    assert_eq!(found.url, format!("https://git.example/zipball/{COMMIT}"));
    assert_eq!(found.integrity, Integrity::None);
    let found = fetch(&format!("/dist/acme/demo/2.0/r2-{sum}.zip"), &known);
    assert_eq!(found.integrity.text(), format!("sha1:{sum}"));
    for path in [
        "/dist/acme/demo/1.0.0/other.zip".to_owned(),
        format!("/dist/acme/demo/2.0/{COMMIT}.zip"),
        "/dist/acme/demo/2.0/r2.zip".to_owned(),
    ] {
        let problem = Composer
            .plan(&artifact(&path), &known, &[])
            .expect_err("no archive");
        assert_eq!(problem.kind, Kind::NotFound, "{path}");
    }
    assert!(Composer.plan(&artifact(&path), &[None], &[]).is_err());
}

#[test]
fn a_branch_is_looked_for_in_both_documents() {
    let path = format!("/dist/acme/demo/dev-main/{MOVED}.zip");
    let branch = artifact(&path);
    let plan = |known: &[_]| Composer.plan(&branch, known, &[]).expect("a plan");
    assert_eq!(plan(&[]), Plan::Read(document_of("acme/demo", true)));
    assert_eq!(plan(&[None]), Plan::Read(document_of("acme/demo", false)));
    let listed = body(&json!([version("dev-main", MOVED, "")]));
    assert_eq!(
        fetch(&path, &[None, Some(listed)]).url,
        format!("https://git.example/zipball/{MOVED}")
    );
    // A commit that a lockfile has, after the branch has moved on.
    let now = body(&json!([version("dev-main", COMMIT, "")]));
    let found = fetch(&path, &[Some(now), None]);
    assert_eq!(found.url, format!("https://git.example/zipball/{MOVED}"));
}

#[test]
fn what_is_missing_warns_nobody() {
    let absent = Composer.refuse(&Problem::not_found("package", "none"), &REPO_URL);
    let reply: Value = serde_json::from_slice(&absent.body).expect("JSON");
    assert_eq!(
        (absent.status, reply.get("warning")),
        (StatusCode::NOT_FOUND, None)
    );
    let denied = Composer.refuse(
        &Problem::new(Kind::Denied, "package", "no right"),
        &REPO_URL,
    );
    let reply: Value = serde_json::from_slice(&denied.body).expect("JSON");
    assert_eq!(
        (denied.status.as_u16(), &reply["warning"]),
        (403, &json!("no right"))
    );
    let who = Composer.refuse(
        &Problem::new(Kind::Unauthenticated, "user", "who"),
        &REPO_URL,
    );
    assert_eq!(who.status.as_u16(), 401);
    assert_eq!(who.headers[WWW_AUTHENTICATE], "Basic realm=\"larder\"");
}

#[test]
fn a_blocked_package_has_no_versions_and_no_archives() {
    let ruling = Ruling {
        package: Some("acme/demo".into()),
        ..Ruling::of(RuleKind::Block)
    };
    let blocked = || Problem::new(Kind::Policy, "package", "it is blocked").ruled(ruling.clone());
    let at = |rest: &'static str| Composer.refuse(&blocked(), &RepoUrl { rest, ..REPO_URL });
    let metadata = at("/p2/acme/demo.json");
    let reply: Value = serde_json::from_slice(&metadata.body).expect("JSON");
    assert_eq!(metadata.status, StatusCode::OK);
    assert_eq!(reply["packages"], json!({"acme/demo": []}));
    assert_eq!(reply["warning"], "it is blocked");
    assert_eq!(
        at("/dist/acme/demo/1.0/a.zip").status,
        StatusCode::FORBIDDEN
    );
}

#[test]
fn documents_of_a_package_are_beside_one_another() {
    let [one, other] = [false, true].map(|branches| document_of("acme/demo", branches));
    assert_eq!(Composer.beside(&one), std::slice::from_ref(&other));
    assert_eq!(Composer.beside(&other), [one]);
    assert!(Composer.beside(&root::root()).is_empty());
}
