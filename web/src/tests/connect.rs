//! What clients are told.

use super::house;
use larder_model::Role;
use serde_json::json;

#[tokio::test]
async fn lines_fit_the_repository_and_the_caller() {
    let house = house().await;
    house.repo("team").await;
    let reader = house.user("reader", false).await;
    house
        .admission("user:reader", "oci/team", Role::Reader)
        .await;
    let ask = |client: &'static str| {
        let (house, reader) = (&house, &reader);
        async move {
            house
                .ask(reader, "GET", &format!("/connect/{client}/oci/team"), "")
                .await
        }
    };
    // The certificate of the server's authority comes first: it has one of its own.
    let (status, told) = ask("podman").await;
    let certificate = "/etc/containers/certs.d/larder.example/larder-team.crt";
    assert_eq!(told["items"][0]["file"], json!(certificate));
    let lines = json!([
        "echo $TOKEN | podman login --username token --password-stdin larder.example",
        "podman pull larder.example/team/IMAGE:TAG"
    ]);
    assert_eq!(
        (
            status,
            &told["items"][1]["lines"],
            &told["items"][1]["file"]
        ),
        (200, &lines, &json!(null))
    );
    house.admission("anonymous", "oci/team", Role::Reader).await;
    assert_eq!(
        ask("podman").await.1["items"][1]["lines"],
        json!(["podman pull larder.example/team/IMAGE:TAG"])
    );
    let (_, told) = house
        .ask(
            &reader,
            "GET",
            "/connect/podman/oci/team?with_token=true",
            "",
        )
        .await;
    assert_eq!(told["items"][1]["lines"], lines);
    let (status, told) = house.ask(&reader, "GET", "/connect", "").await;
    let podman = json!({
        "name": "podman",
        "protocol": "oci",
        "publishes_only": false,
        "check": null,
    });
    let listed = told["items"].as_array().expect("a list");
    assert!(status == 200 && listed.contains(&podman), "{told}");
    let (status, told) = ask("npm").await;
    assert_eq!((status, &told["code"]), (400, &json!("client_invalid")));
    let (status, told) = ask("gem").await;
    assert_eq!((status, &told["code"]), (404, &json!("client_not_found")));
}

#[tokio::test]
async fn whoever_may_push_is_told_how_before_the_first_push() {
    let house = house().await;
    let [reader, writer] = ["reader", "writer"].map(|name| house.user(name, false));
    let (reader, writer) = (reader.await, writer.await);
    for (who, role) in [("user:reader", Role::Reader), ("user:writer", Role::Writer)] {
        house.admission(who, "oci/*", role).await;
    }
    let ask = |who, path| house.ask(who, "GET", path, "");
    let (status, told) = ask(&writer, "/connect/docker/oci/team").await;
    let last = &told["items"]
        .as_array()
        .expect("parts")
        .last()
        .expect("one")
        .clone();
    assert_eq!(status, 200, "{told}");
    assert_eq!(
        last["lines"][1],
        "docker pull larder.example/team/IMAGE:TAG"
    );
    let note = last["note"].as_str().expect("a note");
    assert!(note.ends_with("there is no repository oci/team yet: the first push makes it"));
    // It is no other's business, and what pushes do not make is not there.
    for (who, path) in [
        (&reader, "/connect/docker/oci/team"),
        (&writer, "/connect/docker/oci/registry.example"),
        (&writer, "/connect/npm/npm/team"),
    ] {
        let (status, told) = ask(who, path).await;
        assert_eq!(
            (status, &told["code"]),
            (404, &json!("repository_not_found")),
            "{path}"
        );
    }
    house.repo("team").await;
    let (_, told) = ask(&writer, "/connect/docker/oci/team").await;
    assert!(!told.to_string().contains("yet"), "{told}");
}
