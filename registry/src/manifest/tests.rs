use super::*;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn descriptor(seed: &str, media_type: &str) -> String {
    let digest = Digest::of(larder_model::Algorithm::Sha256, seed.as_bytes());
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":3}}"#)
}

fn image(extra: &str) -> String {
    let (config, layer) = (
        descriptor("c", "application/vnd.x.config"),
        descriptor("l", "x/layer"),
    );
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[{layer}]{extra}}}"#
    )
}

#[test]
fn an_image() {
    let subject = descriptor("s", OCI_MANIFEST);
    let text = image(&format!(
        r#","subject":{subject},"annotations":{{"a":"b"}},"unknown":[1]"#
    ));
    let manifest = parse(
        text.as_bytes(),
        Some(&format!("{OCI_MANIFEST}; charset=utf-8")),
    )
    .expect("manifest");
    assert_eq!(manifest.media_type, OCI_MANIFEST);
    assert_eq!(manifest.blobs.len(), 2);
    assert_eq!(
        manifest.subject,
        Some(Digest::of(larder_model::Algorithm::Sha256, b"s"))
    );
    assert_eq!(
        manifest.artifact_type.as_deref(),
        Some("application/vnd.x.config")
    );
    assert_eq!(manifest.annotations.as_deref(), Some(r#"{"a":"b"}"#));
    let typed = parse(image(r#","artifactType":"x/y""#).as_bytes(), None).expect("manifest");
    assert_eq!(typed.artifact_type.as_deref(), Some("x/y"));
}

#[test]
fn layers_that_lie_elsewhere_are_not_demanded() {
    let foreign = descriptor(
        "f",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    );
    let urls = descriptor("u", "x/layer").replace('}', r#","urls":["https://a.example/x"]}"#);
    let text = image("").replace("\"layers\":[", &format!("\"layers\":[{foreign},{urls},"));
    assert_eq!(
        parse(text.as_bytes(), None).expect("manifest").blobs.len(),
        2
    );
}

#[test]
fn an_index() {
    let child = descriptor("m", OCI_MANIFEST);
    let text = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{child}]}}"#);
    let manifest = parse(text.as_bytes(), Some(OCI_INDEX)).expect("index");
    assert_eq!(
        (
            manifest.blobs.len(),
            manifest.manifests.len(),
            manifest.artifact_type
        ),
        (0, 1, None)
    );
    let empty = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
    assert!(parse(empty.as_bytes(), Some(OCI_INDEX)).is_ok());
}

/// A list of no layers may be left out or null (Go writes it so).
#[test]
fn an_image_without_layers() {
    let config = descriptor("c", "x");
    for layers in ["", r#","layers":null"#, r#","layers":[]"#] {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config}{layers}}}"#
        );
        let manifest = parse(text.as_bytes(), Some(OCI_MANIFEST)).expect("an image");
        assert_eq!(manifest.blobs.len(), 1, "{text}");
    }
}

#[test]
fn what_has_two_readings_is_refused() {
    let (config, layer) = (descriptor("c", "x"), descriptor("l", "x"));
    let bad = [
        String::new(),
        "[]".into(),
        "{}".into(),
        image("").replace(OCI_MANIFEST, OCI_INDEX),
        image(r#","manifests":[]"#),
        image(r#","mediaType":"x""#),
        format!("{} ", image("")) + "{}",
        image("").replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
        image(r#","signatures":[]"#),
        image(r#","fsLayers":[]"#),
        image("").replace("sha256:", "sha256:0"),
        image("").replace("\"size\":3", "\"size\":-3"),
        image("").replace("\"size\":3", "\"size\":18446744073709551615"),
        format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","layers":[{layer}]}}"#),
        format!(r#"{{"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[]}}"#),
    ];
    for text in bad {
        assert!(
            parse(text.as_bytes(), Some(OCI_MANIFEST)).is_err(),
            "{text}"
        );
    }
    let schema_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    assert!(parse(br#"{"schemaVersion":1}"#, Some(schema_1)).is_err());
}

#[test]
fn unknown_kinds_are_kept() {
    let manifest =
        parse(br#"{"anything":true}"#, Some("application/vnd.acme+json")).expect("manifest");
    assert_eq!(manifest.media_type, "application/vnd.acme+json");
}

#[test]
fn only_what_the_registry_needs_of_a_descriptor_is_judged() {
    let bare = image("").replace(r#""mediaType":"x/layer","#, "");
    let odd = image("").replace(
        r#""mediaType":"x/layer","#,
        r#""mediaType":null,"platform":{},"annotations":{"a":1},"urls":null,"#,
    );
    for text in [bare, odd] {
        let manifest = parse(text.as_bytes(), None).expect(&text);
        assert_eq!(manifest.blobs.len(), 2, "{text}");
    }
}

#[test]
fn docker_names_the_same_shapes() {
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    let text = image("").replace(OCI_MANIFEST, docker);
    assert_eq!(
        parse(text.as_bytes(), Some(docker))
            .expect("image")
            .blobs
            .len(),
        2
    );
    assert!(parse(image("").replace(OCI_MANIFEST, list).as_bytes(), Some(list)).is_err());
}

#[test]
fn media_types_are_those_that_a_header_can_have() {
    for wrong in ["a\\nb", "a\\u0000b", "\u{e9}/x"] {
        let typed = format!(r#"{{"schemaVersion":2,"mediaType":"{wrong}"}}"#);
        let problem = parse(typed.as_bytes(), None).expect_err(wrong);
        assert!(problem.detail.contains("is no media type"), "{problem}");
        let typed = image(&format!(r#","artifactType":"{wrong}""#));
        assert!(parse(typed.as_bytes(), None).is_err(), "{wrong}");
    }
}
