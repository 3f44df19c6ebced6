use super::*;
use larder_model::Algorithm;
use serde_json::{Value, json};

fn of(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

fn part(media_type: &str, text: &str) -> Value {
    json!({"mediaType": media_type, "digest": of(text).to_string(), "size": text.len()})
}

fn read(value: &Value) -> Result<Manifest, String> {
    Manifest::read(value.to_string().as_bytes())
}

#[test]
fn an_image_has_a_config_and_layers() {
    let subject = part("m", "subject");
    let image = json!({"schemaVersion": 2, "mediaType": "m", "config": part("c", "config"),
        "layers": [part("l", "one"), part("l", "two2")], "subject": subject,
        "annotations": {"a": "b"}});
    let image = read(&image).expect("image");
    assert_eq!(image.media_type.as_deref(), Some("m"));
    assert_eq!(image.config.map(|config| config.digest), Some(of("config")));
    let layers: Vec<_> = image.layers.iter().map(|it| (it.digest, it.size)).collect();
    assert_eq!(layers, [(of("one"), 3), (of("two2"), 4)]);
    assert_eq!(image.subject.map(|it| it.digest), Some(of("subject")));
    assert_eq!(image.annotations["a"], "b");
    assert_eq!(image.manifests, None);
}

#[test]
fn an_index_has_platforms() {
    let mut one = part("m", "one");
    one["platform"] = json!({"architecture": "arm64", "os": "linux", "variant": "v8"});
    let index = json!({"schemaVersion": 2, "manifests": [one, part("m", "two")]});
    let index = read(&index).expect("index").manifests.expect("manifests");
    let platform = index[0].platform.as_ref().expect("platform");
    let named = (
        platform.os().to_string(),
        platform.architecture().to_string(),
    );
    assert_eq!(named, ("linux".to_owned(), "arm64".to_owned()));
    assert_eq!(platform.variant().as_deref(), Some("v8"));
    assert_eq!(index[1].platform, None);
}

#[test]
fn what_is_broken_is_told() {
    for (bad, why) in [
        ("", "EOF"),
        (r#"{"layers":[],"layers":[]}"#, "twice"),
        (r#"{"layers":[{"digest":"sha256:00","size":1}]}"#, "digest"),
        (r#"{"layers":7}"#, "invalid type"),
        (r#"{"annotations":{"a":1}}"#, "invalid type"),
    ] {
        let told = Manifest::read(bad.as_bytes()).expect_err(bad);
        assert!(told.contains(why), "{bad}: {told}");
    }
    let many = vec![part("l", "x"); MAX_DESCRIPTORS + 1];
    let told = read(&json!({"layers": many})).expect_err("too many");
    assert!(told.contains("10000 parts"), "{told}");
}

#[test]
fn a_config_tells_how_an_image_runs() {
    let config = json!({"architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": {"Entrypoint": ["/app"], "Cmd": null, "Env": ["A=b"], "Labels": {"x": "y"}},
        "rootfs": {"type": "layers", "diff_ids": []}, "history": [{"created_by": "RUN x"}]});
    let read = read_config(config.to_string().as_bytes()).expect("config");
    assert_eq!(read.created().as_deref(), Some("2026-01-02T03:04:05Z"));
    let run = read.config().as_ref().expect("config");
    assert_eq!(run.entrypoint(), &Some(vec!["/app".to_owned()]));
    assert_eq!(run.cmd(), &None);
    let history = read.history().as_ref().expect("history");
    assert_eq!(history[0].created_by().as_deref(), Some("RUN x"));
    for bad in [
        "{}",
        "[]",
        r#"{"architecture":"a","architecture":"b","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#,
    ] {
        assert!(read_config(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn configs_of_other_artifacts_are_no_images() {
    for (media_type, is) in [
        ("application/vnd.oci.image.config.v1+json", true),
        ("application/vnd.docker.container.image.v1+json", true),
        ("application/vnd.cncf.helm.config.v1+json", false),
        ("application/vnd.oci.empty.v1+json", false),
        ("", false),
    ] {
        assert_eq!(is_image_config(media_type), is, "{media_type}");
    }
}

#[test]
fn foreign_layers_lie_elsewhere() {
    let mut named = part("application/layer", "a");
    named["urls"] = json!(["https://files.example/a"]);
    for (layer, is) in [
        (named, true),
        (
            part(
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                "a",
            ),
            true,
        ),
        (
            part(
                "application/vnd.oci.image.layer.nondistributable.v1.tar",
                "a",
            ),
            true,
        ),
        (part("application/vnd.oci.image.layer.v1.tar", "a"), false),
    ] {
        let read = read(&json!({"layers": [layer]})).expect("manifest");
        assert_eq!(read.layers[0].is_foreign(), is, "{layer}");
    }
}

#[test]
fn a_referrer_tells_its_own_type_else_that_of_its_config() {
    let told = |mut manifest: Value| {
        manifest["subject"] = part("m", "subject");
        let told = read(&manifest).expect("manifest").referrer_metadata();
        serde_json::from_str::<Value>(&told).expect("JSON")["artifactType"].clone()
    };
    let config = part("c", "config");
    assert_eq!(told(json!({"artifactType": "a", "config": config})), "a");
    assert_eq!(told(json!({"config": config})), "c");
    assert_eq!(
        told(json!({"config": config, "manifests": []})),
        Value::Null
    );
    let alone = read(&json!({"config": config})).expect("manifest");
    assert_eq!(alone.referrer_metadata(), "");
}
