use super::*;
use serde_json::json;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

#[test]
fn a_manifest_says_itself_what_it_is() {
    for own in [
        IMAGE,
        INDEX,
        DOCKER_IMAGE,
        DOCKER_INDEX,
        "application/x.y+z",
    ] {
        let body = json!({"schemaVersion": 2, "mediaType": own, "layers": []}).to_string();
        for claimed in ["", "text/plain", "application/json", IMAGE, DOCKER_INDEX] {
            assert_eq!(ManifestTypes.of(body.as_bytes(), claimed), own, "{claimed}");
        }
    }
}

#[test]
fn without_a_word_of_its_own_its_shape_tells_and_then_the_upstream() {
    let config = |of: &str| json!({"mediaType": of, "digest": "d", "size": 1});
    let oci = json!({"config": config("application/vnd.oci.image.config.v1+json"), "layers": []});
    let docker =
        json!({"config": config("application/vnd.docker.container.image.v1+json"), "layers": []});
    let list = json!({"manifests": [config(IMAGE)]});
    let docker_list = json!({"manifests": [config(DOCKER_IMAGE)]});
    for (body, claimed, right) in [
        (&oci, "", IMAGE),
        (&oci, "text/plain", IMAGE),
        (&oci, INDEX, IMAGE),
        (
            &oci,
            "application/vnd.docker.distribution.manifest.v2+json; charset=utf-8",
            DOCKER_IMAGE,
        ),
        (&docker, "application/json", DOCKER_IMAGE),
        (&docker, IMAGE, IMAGE),
        (&list, "", INDEX),
        (&list, IMAGE, INDEX),
        (&list, DOCKER_INDEX, DOCKER_INDEX),
        (&docker_list, "application/octet-stream", DOCKER_INDEX),
        (&json!({"manifests": []}), "", INDEX),
        (
            &json!({"mediaType": "text/html", "layers": []}),
            "text/html",
            IMAGE,
        ),
        (&json!({"mediaType": "application/a\r\nb"}), "", IMAGE),
        (&json!({"mediaType": 7}), "text/html", IMAGE),
    ] {
        let told = ManifestTypes.of(body.to_string().as_bytes(), claimed);
        assert_eq!(told, right, "{body} {claimed}");
    }
}

#[test]
fn what_it_says_at_its_beginning_is_seen_at_once() {
    let own = json!({"mediaType": IMAGE, "schemaVersion": 2}).to_string();
    let other = json!({"manifests": [{"mediaType": IMAGE}]}).to_string();
    for (body, kept, right) in [
        (&own, IMAGE, true),
        (&own, "application/json", false),
        (&own, INDEX, false),
        (&other, IMAGE, false),
        (&"{}".to_owned(), IMAGE, false),
    ] {
        assert_eq!(
            ManifestTypes.is_told_at_once(body.as_bytes(), kept),
            right,
            "{body} {kept}"
        );
    }
}
