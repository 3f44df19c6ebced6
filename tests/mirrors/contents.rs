//! What the API tells of mirrored and pushed images, and what a search finds, beside the real
//! doors.

use larder_tests::image::{INDEX, MANIFEST, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::{Image, Larder, Start};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn server() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// A config that has what a builder writes.
fn config() -> Vec<u8> {
    json!({"architecture": "arm64", "os": "linux", "config": {"Env": ["A=b"], "Cmd": ["serve"]},
        "rootfs": {"type": "layers", "diff_ids": []}, "history": [{"created_by": "COPY"}]})
    .to_string()
    .into_bytes()
}

/// A registry with an image of two layers, an index of it and a signature about it; and a mirror of
/// that registry.
fn registries() -> (Larder, Larder, Image) {
    let (origin, mirror) = (server(), server());
    let admin = origin.admin();
    // A layer is larger than what lives in the database.
    let layers = vec![b"a layer".to_vec(), vec![7; 100_000]];
    let image = Image::of(config(), layers, &json!({"annotations": {"by": "test"}}));
    image.push(&admin, "team/app", "v1");
    let of = json!({"mediaType": MANIFEST, "digest": image.digest.to_string(),
        "size": image.manifest.len()});
    let mut one = of.clone();
    one["platform"] = json!({"os": "linux", "architecture": "arm64"});
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one]}).to_string();
    put_manifest(&admin, "team/app", "all", INDEX, index.as_bytes()).expect(201);
    let signature = json!({"subject": of, "artifactType": "application/signature"});
    let signature = Image::of(b"{}".to_vec(), vec![b"s".to_vec()], &signature);
    signature.push(&admin, "team/app", &signature.digest.to_string());
    let upstream = json!({"url": origin.url(), "username": "admin", "password": PASSWORD,
        "allow_private": true});
    let body = json!({"protocol": "oci", "name": "up", "kind": "mirror", "upstream": upstream});
    mirror.api("POST", "repositories", &body.to_string(), 201);
    (origin, mirror, image)
}

/// What is told of a version of the image.
fn told(larder: &Larder, packages: &str, version: &str) -> Value {
    let path = format!("repositories/oci/{packages}/versions/{version}");
    larder.api("GET", &path, "", 200)["image"].take()
}

fn sizes(image: &Value) -> Vec<u64> {
    let layers = image["layers"].as_array().expect("layers").iter();
    layers
        .map(|layer| layer["size_bytes"].as_u64().expect("size"))
        .collect()
}

#[test]
fn a_pushed_image_tells_what_it_is_made_of() {
    let (origin, _, image) = registries();
    let shown = told(&origin, "team/packages/app", "v1");
    assert_eq!(sizes(&shown), [7, 100_000]);
    assert_eq!(shown["config"]["architecture"], json!("arm64"));
    assert_eq!(shown["config"]["cmd"], json!(["serve"]));
    assert_eq!(shown["annotations"], json!({"by": "test"}));
    let referrers = shown["referrers"].as_array().expect("referrers");
    let types: Vec<_> = referrers.iter().map(|it| &it["artifact_type"]).collect();
    assert_eq!(types, [&json!("application/signature")]);
    assert_eq!(shown["problems"], json!([]));
    let digest = image.digest.to_string();
    assert_eq!(told(&origin, "team/packages/app", &digest), shown);
    let index = told(&origin, "team/packages/app", "all");
    assert_eq!(index["platforms"][0]["digest"], json!(digest));
    assert_eq!(index["platforms"][0]["os"], json!("linux"));
    assert_eq!(index["config"], Value::Null);
}

#[test]
fn a_mirrored_image_tells_what_is_kept_of_it_and_asks_nobody() {
    let (mut origin, mirror, image) = registries();
    let admin = mirror.admin();
    admin.get("/v2/up/team/app/manifests/v1").expect(200);
    let packages = "up/packages/team%2Fapp";
    let shown = told(&mirror, packages, "v1");
    assert_eq!(sizes(&shown), [7, 100_000]);
    let codes = |shown: &Value| {
        let problems = shown["problems"].as_array().expect("problems").iter();
        problems
            .map(|it| format!("{} {}", it["part"], it["code"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&shown), ["config not_kept", "referrers not_kept"]);
    assert_eq!(shown["config"], Value::Null);
    // After a pull, and of what a client asked for, all is told, also when the origin is gone.
    image.check(&admin, "up/team/app", "v1");
    let referrers = format!("/v2/up/team/app/referrers/{}", image.digest);
    admin.get(&referrers).expect(200);
    origin.kill();
    // What went out first is kept behind it.
    let begun = Instant::now();
    let shown = loop {
        let shown = told(&mirror, packages, "v1");
        if codes(&shown).is_empty() {
            break shown;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{shown}");
        std::thread::yield_now();
    };
    assert_eq!(shown["config"]["env"], json!(["A=b"]));
    let signature = &shown["referrers"][0];
    assert_eq!(signature["artifact_type"], json!("application/signature"));
}

#[test]
fn a_search_finds_what_the_doors_brought_in() {
    let (origin, mirror, image) = registries();
    mirror
        .admin()
        .get("/v2/up/team/app/manifests/v1")
        .expect(200);
    let find = |larder: &Larder, query: &str| {
        let found = larder.api("GET", &format!("search?q={query}"), "", 200);
        let items = found["items"].as_array().expect("items").iter();
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let line = |item: &Value| {
            ["kind", "repository", "package", "version"]
                .map(|field| word(&item[field]))
                .join(" ")
        };
        items.map(line).collect::<Vec<_>>()
    };
    let app = ["package oci/up team/app -"];
    assert_eq!(find(&mirror, "app"), app);
    assert_eq!(find(&mirror, "team"), app);
    assert_eq!(find(&mirror, "v1"), ["tag oci/up team/app v1"]);
    assert_eq!(find(&origin, "app"), ["package oci/team app -"]);
    let digest = image.digest.to_string();
    let by_digest = find(&origin, &digest[..20]);
    assert_eq!(by_digest, ["file oci/team app -"]);
    // Whoever may not read it finds nothing.
    let nobody = origin.make_user("nobody");
    let answer = nobody.get("/api/v1/search?q=app").expect(200).json();
    assert_eq!(answer, json!({"items": [], "next": null}));
}
