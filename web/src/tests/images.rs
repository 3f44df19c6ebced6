//! What is told of an image: its manifest, its config, its referrers, and what cannot be told.

use super::{Admin, Header, House, PASSWORD, basic, house};
use larder_metadata::blobs::{NewBlob, Putting};
use larder_metadata::documents::{NewFile, NewFiles};
use larder_metadata::files::PackageKey;
use larder_metadata::manifests::{Expect, NewManifest};
use larder_model::{Algorithm, Digest, FileKind, Role, System};
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

fn digest(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

fn blob(bytes: &[u8]) -> NewBlob {
    NewBlob::inline(digest(bytes), bytes.to_vec().into())
}

fn part(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes).to_string(), "size": bytes.len()})
}

/// A config that is read.
fn config() -> Value {
    json!({"architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": {"Entrypoint": ["/app"], "Cmd": ["serve"], "Env": ["A=b"], "User": "1000",
            "Labels": {"team": "a"}, "WorkingDir": "/srv", "ExposedPorts": {"9/tcp": {}, "80/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created_by": "COPY x", "empty_layer": true}]})
}

/// A manifest of a config and one layer.
fn image_of(config_type: &str, config: &[u8]) -> Value {
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": part(config_type, config),
        "layers": [part("application/layer", b"a layer")], "annotations": {"a": "b"}})
}

impl House {
    fn image(&self) -> PackageKey<'static> {
        PackageKey {
            repo: self.id_of("oci/team"),
            package: "app",
        }
    }

    /// Pushes a manifest; blobs that it names are there.
    async fn push(&self, manifest: &Value, blobs: &[&[u8]], tags: &[&str]) -> Digest {
        let package = self.image();
        let putting = Putting {
            package,
            by: &Admin,
        };
        for bytes in blobs {
            let kept = self.metadata.keep_blob(putting, blob(bytes), None);
            kept.await.expect("blob");
        }
        let subject = manifest["subject"]["digest"].as_str();
        let noted = json!({"artifactType": manifest["artifactType"],
            "annotations": manifest["annotations"]});
        let bytes = manifest.to_string().into_bytes();
        let new = NewManifest {
            putting,
            full_name: "oci/team/app",
            blob: blob(&bytes),
            content_type: manifest["mediaType"].as_str().unwrap_or("text/strange"),
            metadata: &noted.to_string(),
            blobs: &blobs.iter().map(|bytes| digest(bytes)).collect::<Vec<_>>(),
            absent: &[],
            manifests: &[],
            subject: subject.map(|digest| digest.parse().expect("digest")),
            tags,
            expect: Expect::Any,
        };
        self.metadata.keep_manifest(new).await.expect("manifest");
        digest(&bytes)
    }

    async fn told(&self, who: &Header, repo: &str, version: &str) -> Value {
        let target = format!("/repositories/oci/{repo}/packages/app/versions/{version}");
        let (status, told) = self.ask(who, "GET", &target, "").await;
        assert_eq!(status, 200, "{told}");
        told["image"].clone()
    }
}

/// A house with a hosted repository of images.
async fn with_team() -> (House, Header) {
    let house = house().await;
    house.repo("team").await;
    (house, basic("admin", PASSWORD))
}

#[tokio::test]
async fn an_image_is_told_by_tag_and_by_digest() {
    let (house, admin) = with_team().await;
    let config = config().to_string().into_bytes();
    let manifest = image_of(CONFIG, &config);
    let pushed = house.push(&manifest, &[&config, b"a layer"], &["v1"]).await;
    let told = house.told(&admin, "team", "v1").await;
    let size = manifest.to_string().len();
    assert_eq!(
        told,
        json!({
            "digest": pushed.to_string(), "media_type": MANIFEST, "size_bytes": size,
            "bytes": config.len() + 7, "artifact_type": null, "subject": null,
            "annotations": {"a": "b"}, "platforms": [],
            "layers": [{"digest": digest(b"a layer").to_string(), "media_type": "application/layer",
                "size_bytes": 7}],
            "config": {
                "digest": digest(&config).to_string(), "created": "2026-01-02T03:04:05Z",
                "author": null, "architecture": "amd64", "variant": null, "os": "linux",
                "os_version": null, "entrypoint": ["/app"], "cmd": ["serve"], "env": ["A=b"],
                "labels": {"team": "a"}, "working_dir": "/srv", "user": "1000",
                "exposed_ports": ["80/tcp", "9/tcp"], "volumes": [], "stop_signal": null,
                "history": [{"created": null, "created_by": "COPY x", "author": null,
                    "comment": null, "empty_layer": true}],
            },
            "referrers": [], "more_referrers": false, "problems": [],
        })
    );
    let by_digest = house.told(&admin, "team", &pushed.to_string()).await;
    assert_eq!(by_digest, told);
}

#[tokio::test]
async fn an_index_tells_its_platforms() {
    let (house, admin) = with_team().await;
    let mut arm = part(MANIFEST, b"arm");
    arm["platform"] = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX,
        "manifests": [arm, part(MANIFEST, b"other")]});
    house.push(&index, &[], &["v1"]).await;
    let told = house.told(&admin, "team", "v1").await;
    let platform = |digest: Digest, size, os, architecture, variant| {
        let (os, architecture): (Option<&str>, Option<&str>) = (os, architecture);
        json!({"digest": digest.to_string(), "media_type": MANIFEST, "size_bytes": size, "os": os,
            "os_version": null, "architecture": architecture, "variant": variant, "annotations": {}})
    };
    let variant = Some("v8");
    assert_eq!(
        told["platforms"],
        json!([
            platform(digest(b"arm"), 3, Some("linux"), Some("arm64"), variant),
            platform(digest(b"other"), 5, None, None, None),
        ])
    );
    assert_eq!(
        (&told["config"], &told["bytes"], &told["problems"]),
        (&Value::Null, &Value::Null, &json!([]))
    );
}

#[tokio::test]
async fn referrers_are_told_up_to_a_bound() {
    let (house, admin) = with_team().await;
    let config = config().to_string().into_bytes();
    let image = house
        .push(&image_of(CONFIG, &config), &[&config, b"a layer"], &["v1"])
        .await;
    let subject = json!({"mediaType": MANIFEST, "digest": image.to_string(), "size": 1});
    let about = |number: usize| {
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/sbom",
            "subject": subject, "annotations": {"number": number.to_string()}})
    };
    let first = house.push(&about(0), &[], &[]).await;
    let told = house.told(&admin, "team", "v1").await;
    assert_eq!(
        (&told["referrers"], &told["more_referrers"]),
        (
            &json!([{"digest": first.to_string(), "media_type": MANIFEST,
                "artifact_type": "application/sbom", "size_bytes": about(0).to_string().len(),
                "annotations": {"number": "0"}}]),
            &json!(false)
        )
    );
    let told = house.told(&admin, "team", &first.to_string()).await;
    assert_eq!(told["subject"], json!(image.to_string()));
    for number in 1..=100 {
        house.push(&about(number), &[], &[]).await;
    }
    let told = house.told(&admin, "team", "v1").await;
    let count = told["referrers"].as_array().map(Vec::len);
    assert_eq!((count, &told["more_referrers"]), (Some(100), &json!(true)));
}

#[tokio::test]
async fn broken_and_foreign_configs_are_told() {
    let (house, admin) = with_team().await;
    let large = vec![b' '; (4 << 20) + 1];
    let cases: [(&str, &[u8], &str); 5] = [
        ("application/vnd.cncf.helm.config.v1+json", b"{}", "foreign"),
        (CONFIG, b"{", "unreadable"),
        (CONFIG, br#"{"architecture":1}"#, "unreadable"),
        (CONFIG, br#"{"os":"a","os":"b"}"#, "unreadable"),
        (CONFIG, &large, "too_large"),
    ];
    for (config_type, config, code) in cases {
        let manifest = image_of(config_type, config);
        house.push(&manifest, &[config, b"a layer"], &["v1"]).await;
        let told = house.told(&admin, "team", "v1").await;
        let problem = &told["problems"][0];
        assert_eq!(
            (&told["config"], &problem["part"], &problem["code"]),
            (&Value::Null, &json!("config"), &json!(code)),
            "{told}"
        );
        assert_eq!(told["layers"][0]["size_bytes"], json!(7));
    }
    // A manifest of a type that nobody knows may be any JSON.
    house.push(&json!({"layers": 7}), &[], &["v1"]).await;
    let told = house.told(&admin, "team", "v1").await;
    assert_eq!(
        (&told["problems"][0]["part"], &told["problems"][0]["code"]),
        (&json!("manifest"), &json!("unreadable"))
    );
    assert_eq!(told["media_type"], json!("text/strange"));
}

#[tokio::test]
async fn what_a_mirror_does_not_keep_is_told() {
    let house = house().await;
    let admin = basic("admin", PASSWORD);
    house.make("oci/up", "mirror", r#"{"open":false}"#).await;
    house
        .make("oci/blocking", "mirror", r#"{"open":false}"#)
        .await;
    let config = config().to_string().into_bytes();
    let manifest = image_of(CONFIG, &config).to_string().into_bytes();
    let config_digest = digest(&config).to_string();
    let list = json!({"manifests": [part(MANIFEST, b"signature")]}).to_string();
    let referrers = format!("referrers/{}?", digest(&manifest));
    let keep = async |repo: &str, files: Vec<NewFile<'_>>| {
        let path = format!("oci/{repo}");
        let new = NewFiles {
            package: PackageKey {
                repo: house.id_of(&path),
                package: "app",
            },
            full_name: Some(&format!("{path}/app")),
            by: System::Upstream,
            at: house.metadata.now(),
            files,
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        house.metadata.keep_files(new).await.expect("keep");
    };
    let tag = || NewFile::new(FileKind::Tag, "v1", blob(&manifest), MANIFEST);
    for repo in ["up", "blocking"] {
        keep(repo, vec![tag()]).await;
    }
    let problems = |told: &Value| {
        let all = told["problems"].as_array().expect("problems").clone();
        let all = all.into_iter();
        all.map(|it| (it["part"].clone(), it["code"].clone()))
            .collect::<Vec<_>>()
    };
    let told = house.told(&admin, "up", "v1").await;
    let not_kept = |part: &str| (json!(part), json!("not_kept"));
    assert_eq!(problems(&told), [not_kept("config"), not_kept("referrers")]);
    assert_eq!(told["layers"][0]["size_bytes"], json!(7));
    let told = house.told(&admin, "blocking", "v1").await;
    assert_eq!(problems(&told)[0], (json!("manifest"), json!("blocked")));
    // What was pulled is kept, and told.
    let files = vec![
        NewFile::new(FileKind::Blob, &config_digest, blob(&config), "text/plain"),
        NewFile::new(FileKind::Document, &referrers, blob(list.as_bytes()), INDEX),
    ];
    keep("up", files).await;
    let told = house.told(&admin, "up", "v1").await;
    assert_eq!(problems(&told), []);
    assert_eq!(told["config"]["os"], json!("linux"));
    let signature = digest(b"signature").to_string();
    assert_eq!(told["referrers"][0]["digest"], json!(signature));
}

#[tokio::test]
async fn a_config_is_read_in_its_own_image_only() {
    let (house, _) = with_team().await;
    let config = config().to_string().into_bytes();
    // The config is a blob of another image alone: this one only names its digest.
    let elsewhere = Putting {
        package: PackageKey {
            package: "secret",
            ..house.image()
        },
        by: &Admin,
    };
    let kept = house.metadata.keep_blob(elsewhere, blob(&config), None);
    kept.await.expect("blob");
    house.push(&image_of(CONFIG, &config), &[], &["v1"]).await;
    let reader = house.user("reader", false).await;
    house
        .admission("user:reader", "oci/team", Role::Reader)
        .await;
    let told = house.told(&reader, "team", "v1").await;
    assert_eq!(
        (&told["config"], &told["problems"][0]["code"]),
        (&Value::Null, &json!("not_kept"))
    );
}
