//! What an image is made of is there when it is pushed, and names are told as clients show them.

use crate::larder;
use larder_tests::image::{INDEX, MANIFEST, digest, push_blob, put_manifest};
use larder_tests::random::Random;
use larder_tests::{Image, Response, Start};
use serde_json::json;

/// An index is as whole as an image; with null, or nothing, in the place of layers there are none.
#[test]
fn an_index_needs_its_manifests_and_an_image_no_layers() {
    let larder = larder();
    let admin = larder.admin();
    let config = digest(b"{}");
    push_blob(&admin, "team/app", &config, b"{}").expect(201);
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": config.to_string(), "size": 2});
    let plain = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config});
    let mut null = plain.clone();
    null["layers"] = json!(null);
    for (tag, manifest) in [("none", &plain), ("null", &null)] {
        let manifest = manifest.to_string();
        put_manifest(&admin, "team/app", tag, MANIFEST, manifest.as_bytes()).expect(201);
    }
    let child = |manifest: &str| {
        json!({"mediaType": MANIFEST, "digest": digest(manifest.as_bytes()).to_string(),
            "size": manifest.len()})
    };
    let there = child(&plain.to_string());
    // Build caches are indexes of blobs.
    let cached = json!({"mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": config["digest"], "size": 2});
    for (missing, status) in [
        (Some(child("missing")), 400),
        (Some(cached), 201),
        (None, 201),
    ] {
        let manifests: Vec<_> = [there.clone()].into_iter().chain(missing).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        let index = index.to_string();
        let answer = put_manifest(&admin, "team/app", "all", INDEX, index.as_bytes());
        let answer = answer.expect(status);
        assert!(status == 201 || answer.code() == "MANIFEST_BLOB_UNKNOWN");
    }
}

/// Names of one part are none here; clients that push see why, for they go on after a 404.
#[test]
fn a_name_of_one_part_is_told_so() {
    let larder = larder();
    let admin = larder.admin();
    let digest = digest(b"x");
    for path in [format!("blobs/{digest}"), "manifests/1".to_owned()] {
        let path = format!("/v2/hello/{path}");
        assert_eq!(admin.send("HEAD", &path, &[], b"").status, 404);
        assert_eq!(admin.get(&path).expect(404).code(), "NAME_UNKNOWN");
    }
    let told = admin.send("POST", "/v2/hello/blobs/uploads/", &[], b"");
    assert_eq!(told.expect(400).code(), "NAME_INVALID");
}

#[test]
fn a_manifest_needs_its_children() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[1000, 2000]);
    let refused = put_manifest(&admin, "team/app", "v1", MANIFEST, &image.manifest);
    assert_eq!(refused.expect(400).code(), "MANIFEST_BLOB_UNKNOWN");
    push_blob(&admin, "team/app", &image.blobs[0].0, &image.blobs[0].1).expect(201);
    let refused = put_manifest(&admin, "team/app", "v1", MANIFEST, &image.manifest);
    assert_eq!(refused.expect(400).code(), "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(
        admin.get("/v2/team/app/manifests/v1").expect(404).code(),
        "MANIFEST_UNKNOWN"
    );
    push_blob(&admin, "team/app", &image.blobs[1].0, &image.blobs[1].1).expect(201);
    let refused = put_manifest(&admin, "team/app", "v1", MANIFEST, &image.manifest).expect(400);
    assert_eq!(refused.code(), "MANIFEST_BLOB_UNKNOWN");
    let missing = image.blobs[2].0.to_string();
    assert!(refused.text().contains(&missing), "{}", refused.text());
    // A repository takes sparse images where someone says so.
    let shown = larder.api("GET", "repositories/oci/team", "", 200);
    assert_eq!(shown["sparse_images"], false);
    let sparse = r#"{"sparse_images":true}"#;
    let shown = larder.api("PATCH", "repositories/oci/team", sparse, 200);
    assert_eq!(shown["sparse_images"], true);
    let sparse = put_manifest(&admin, "team/app", "v1", MANIFEST, &image.manifest).expect(201);
    assert!(
        sparse
            .header("warning")
            .expect("warning")
            .starts_with("299 - \"layer sha256:"),
        "a missing layer is told"
    );
    push_blob(&admin, "team/app", &image.blobs[2].0, &image.blobs[2].1).expect(201);
    let whole = put_manifest(&admin, "team/app", "v1", MANIFEST, &image.manifest).expect(201);
    assert_eq!(whole.header("warning"), None);
    image.check(&admin, "team/app", "v1");
}

#[test]
fn a_blob_in_pieces_is_no_larger_than_one_that_comes_at_once() {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder"))
        .with("LARDER_SERVER__LIMITS__BLOB_SIZE", "1MiB")
        .start();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(600 << 10);
    let started = admin
        .send("POST", "/v2/team/app/blobs/uploads/", &[], b"")
        .expect(202);
    let location = |answer: &Response| answer.header("location").expect("location").to_owned();
    let first = admin.send("PATCH", &location(&started), &[], &bytes);
    let first = location(&first.expect(202));
    let refused = admin.send("PATCH", &first, &[], &bytes).expect(413).text();
    assert!(refused.contains("blob_size"), "{refused}");
    let whole = [&*bytes, &bytes].concat();
    let end = format!("{first}&digest={}", digest(&whole));
    admin.send("PUT", &end, &[], &bytes).expect(413);
    // What is within it goes on from where it was.
    let rest = &bytes[..(1 << 20) - bytes.len()];
    let end = format!("{first}&digest={}", digest(&[&*bytes, rest].concat()));
    admin.send("PUT", &end, &[], rest).expect(201);
}
