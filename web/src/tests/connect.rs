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
