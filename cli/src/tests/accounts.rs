//! Commands of groups, robots, rights and their tokens.

use super::commands::{assert_calls, gone, made};
use super::{Machine, fake, json};
use crate::exit::Exit;
use serde_json::json;

#[tokio::test]
async fn commands_of_groups_make_their_calls() {
    assert_calls([
        (
            "group create dev --description Builders",
            made(),
            r#"POST /api/v1/groups | - | {"description":"Builders","name":"dev"}"#,
        ),
        ("group show dev", made(), "GET /api/v1/groups/dev | - | "),
        (
            "group set dev --description Builders",
            made(),
            r#"PATCH /api/v1/groups/dev | - | {"description":"Builders"}"#,
        ),
        (
            "group add dev robot:ci",
            gone(),
            "PUT /api/v1/groups/dev/members/robot:ci | - | ",
        ),
        (
            "group remove dev alice",
            gone(),
            "DELETE /api/v1/groups/dev/members/alice | - | ",
        ),
        (
            "group delete dev --yes",
            gone(),
            "DELETE /api/v1/groups/dev | - | ",
        ),
    ])
    .await;
}

#[tokio::test]
async fn commands_of_robots_make_their_calls() {
    assert_calls([
        (
            "robot create ci --owner user:alice",
            made(),
            r#"POST /api/v1/robots | - | {"name":"ci","owner":"user:alice"}"#,
        ),
        ("robot show ci", made(), "GET /api/v1/robots/ci | - | "),
        (
            "robot set ci --disabled true",
            made(),
            r#"PATCH /api/v1/robots/ci | - | {"disabled":true}"#,
        ),
        (
            "robot delete ci --yes",
            gone(),
            "DELETE /api/v1/robots/ci | - | ",
        ),
        (
            "token create build --owner robot:ci --grant npm/local:writer",
            made(),
            concat!(
                r#"POST /api/v1/tokens?owner=robot%3Aci | - | {"grants":[{"package":"*","#,
                r#""repository":"npm/local","role":"writer"}],"name":"build"}"#
            ),
        ),
        (
            "grant create anonymous oci/team --role reader --network 10.0.0.0/8",
            made(),
            concat!(
                r#"POST /api/v1/grants | - | {"networks":["10.0.0.0/8"],"#,
                r#""repository":"oci/team","role":"reader","subject":"anonymous"}"#
            ),
        ),
    ])
    .await;
}

#[tokio::test]
async fn lists_are_filtered_by_the_server() {
    for (line, call) in [
        ("user list", "users?limit=1000"),
        (
            "user list --prefix al --disabled false --superuser true",
            "users?prefix=al&disabled=false&superuser=true&limit=1000",
        ),
        ("group list --prefix dev", "groups?prefix=dev&limit=1000"),
        (
            "robot list --owner user:alice --disabled true --prefix ci",
            "robots?prefix=ci&disabled=true&owner=user%3Aalice&limit=1000",
        ),
        (
            "token list --owner robot:ci --prefix b --expired true",
            "tokens?owner=robot%3Aci&prefix=b&expired=true&limit=1000",
        ),
        (
            "grant list --subject group:dev --repository npm/*",
            "grants?subject=group%3Adev&repository=npm%2F*&limit=1000",
        ),
    ] {
        let list = json("200 OK", &json!({"items": [], "next": null}));
        let server = fake(vec![list]).await;
        let line = format!("{line} --server {}", server.url);
        Machine::new().run(&line).await.expect(&line);
        assert_eq!(server.heard(), [format!("GET /api/v1/{call} | - | ")]);
    }
}

#[tokio::test]
async fn commands_of_settings_make_their_calls() {
    assert_calls([
        ("settings show", made(), "GET /api/v1/settings | - | "),
        (
            "settings set offline=true oci.default_mirror=docker.io",
            made(),
            concat!(
                r#"PATCH /api/v1/settings | - | {"oci":{"default_mirror":"docker.io"},"#,
                r#""offline":true}"#
            ),
        ),
    ])
    .await;
    let line = "settings set offline=on --server http://127.0.0.1:1";
    let failure = Machine::new().run(line).await.expect_err("refused here");
    assert_eq!(failure.exit(), Exit::Usage);
}

#[tokio::test]
async fn can_ends_as_the_answer_is() {
    for (place, allowed, exit) in [
        ("npm/local @acme/pad", true, Exit::Done),
        ("npm/local/@acme/pad", false, Exit::NotAllowed),
    ] {
        let verdict = json!({"allowed": allowed, "grant": null, "through": []});
        let server = fake(vec![json("200 OK", &verdict)]).await;
        let line = format!("can robot:ci write {place} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("an answer");
        assert_eq!(outcome.exit, exit);
        let asked = "GET /api/v1/can?repository=npm%2Flocal&action=write&subject=robot%3Aci\
                     &package=%40acme%2Fpad | - | ";
        assert_eq!(server.heard(), [asked]);
    }
}

#[tokio::test]
async fn a_grant_without_effect_and_a_token_without_limits_are_told_of() {
    let grant = json!({"id": "1", "warning": "there is no repository npm/x yet"});
    let token = json!({"id": "1", "owner": "user:alice", "grants": null, "secret": "lrd_x"});
    for (line, answer, note) in [
        (
            "grant create authenticated npm/x --role reader",
            grant,
            "npm/x yet",
        ),
        ("token create ci", token, "all that user:alice may"),
    ] {
        let server = fake(vec![json("201 Created", &answer)]).await;
        let line = format!("{line} --server {}", server.url);
        let outcome = Machine::new().run(&line).await.expect("made");
        let notes = outcome.notes.join(" ");
        assert!(notes.contains(note), "{notes}");
    }
}
