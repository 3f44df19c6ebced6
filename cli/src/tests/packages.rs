//! Commands about packages and images.

use super::commands::{assert_calls, gone, made};
use super::{Answer, Machine, fake, json};
use crate::exit::Exit;
use crate::format::Format;
use serde_json::json;

fn nothing() -> Answer {
    json("200 OK", &json!({"items": [], "next": null}))
}

#[tokio::test]
async fn commands_of_packages_make_their_calls() {
    assert_calls([
        (
            "package list npm/main --match left",
            nothing(),
            "GET /api/v1/repositories/npm/main/packages?q=left&limit=1000 | - | ",
        ),
        (
            "package show npm/main @acme/app",
            nothing(),
            "GET /api/v1/repositories/npm/main/packages/@acme%2Fapp/versions?limit=1000 | - | ",
        ),
        (
            "image show oci/team app/web latest",
            made(),
            "GET /api/v1/repositories/oci/team/packages/app%2Fweb/versions/latest | - | ",
        ),
        (
            "image delete oci/team app/web latest --yes",
            gone(),
            "DELETE /api/v1/repositories/oci/team/packages/app%2Fweb/versions/latest | - | ",
        ),
        (
            "image refresh oci/docker.io library/nginx latest",
            json("200 OK", &json!({"documents": []})),
            "POST /api/v1/repositories/oci/docker.io/packages/library%2Fnginx/refresh?version=latest | - | {}",
        ),
        (
            "image copy oci/docker.io library/nginx latest oci/prod --as nginx --tag stable",
            made(),
            concat!(
                "POST /api/v1/repositories/oci/docker.io/packages/library%2Fnginx/versions/latest/copy | - | ",
                r#"{"to":{"package":"nginx","repository":"oci/prod","version":"stable"}}"#
            ),
        ),
        (
            "package copy npm/local left-pad 1.0.0 npm/prod",
            made(),
            concat!(
                "POST /api/v1/repositories/npm/local/packages/left-pad/versions/1.0.0/copy | - | ",
                r#"{"to":{"package":null,"repository":"npm/prod","version":null}}"#
            ),
        ),
        (
            "package publish-tag go/local git/own team/tool sub/v1.2.3",
            made(),
            concat!(
                "POST /api/v1/repositories/go/local/packages | - | ",
                r#"{"from":{"package":"team/tool","repository":"git/own","tag":"sub/v1.2.3"},"package":null}"#
            ),
        ),
        (
            "package publish-tag go/local git/own team/tool v3.0.0 --as code.example/tool",
            made(),
            concat!(
                "POST /api/v1/repositories/go/local/packages | - | ",
                r#"{"from":{"package":"team/tool","repository":"git/own","tag":"v3.0.0"},"#,
                r#""package":"code.example/tool"}"#
            ),
        ),
        (
            "package delete npm/local left-pad -y",
            gone(),
            "DELETE /api/v1/repositories/npm/local/packages/left-pad | - | ",
        ),
    ])
    .await;
}

#[tokio::test]
async fn many_versions_are_deleted_in_one_call() {
    let gone = |version: &str| {
        json!({"package": "left-pad", "version": version,
        "status": 204, "code": null, "detail": null})
    };
    let kept = |version: &str| {
        json!({"package": "left-pad", "version": version, "status": 404,
            "code": "version_not_found", "detail": "no such version"})
    };
    for (items, exit) in [
        ([gone("1.0.0"), gone("2.0.0")], Exit::Done),
        ([gone("1.0.0"), kept("2.0.0")], Exit::Partly),
        ([kept("1.0.0"), kept("2.0.0")], Exit::NotFound),
    ] {
        let failed = items.iter().filter(|item| item["code"].is_string()).count();
        let told = json!({"items": items, "deleted": 2 - failed, "failed": failed});
        let server = fake(vec![json("200 OK", &told)]).await;
        let line = format!(
            "package delete npm/local left-pad 1.0.0 2.0.0 -y --server {}",
            server.url
        );
        let outcome = Machine::new().run(&line).await.expect("answer");
        assert_eq!(outcome.exit, exit);
        let shown = outcome.data(Format::Table, None).expect("a table");
        assert_eq!(
            shown.contains("no such version"),
            exit != Exit::Done,
            "{shown}"
        );
        let asked = concat!(
            "POST /api/v1/repositories/npm/local/deletions | - | ",
            r#"{"items":[{"package":"left-pad","version":"1.0.0"},"#,
            r#"{"package":"left-pad","version":"2.0.0"}]}"#
        );
        assert_eq!(server.heard(), [asked]);
    }
}

#[tokio::test]
async fn files_of_a_version_are_told_by_their_paths() {
    let file = json!({"path": "-/left-pad-1.0.0.tgz", "size_bytes": 12});
    let told = json!({"package": "left-pad", "version": "1.0.0", "bytes": 12, "files": [file]});
    let server = fake(vec![json("200 OK", &told)]).await;
    let line = format!(
        "package show npm/main left-pad 1.0.0 --server {}",
        server.url
    );
    let outcome = Machine::new().run(&line).await.expect("version");
    let shown = outcome.data(Format::Table, None).expect("a table");
    assert!(
        shown.contains("Files       -/left-pad-1.0.0.tgz\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_search_tells_when_there_is_more() {
    let more = json!({"items": [{"kind": "package", "package": "left-pad"}], "next": "x"});
    let whole = json!({"items": [], "next": null});
    for (answer, has_note) in [(more, true), (whole, false)] {
        let server = fake(vec![json("200 OK", &answer)]).await;
        let line = format!("search left pad --kind package --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("found");
        assert_eq!(!outcome.notes.is_empty(), has_note, "{outcome:?}");
        let asked = "GET /api/v1/search?q=left+pad&limit=100&kind=package | - | ";
        assert_eq!(server.heard(), [asked]);
    }
}
