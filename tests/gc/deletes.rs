//! Blobs that people delete.

use crate::bed::{LARGE, collect, delete_manifest, larder, objects};
use larder_tests::Image;
use larder_tests::image::{INDEX, digest, push_blob, put_manifest};
use larder_tests::random::Random;
use serde_json::json;

#[test]
fn a_blob_that_a_manifest_names_is_not_deleted() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[LARGE, LARGE + 1]);
    image.push(&admin, "team/app", "v1");
    let maintainer = larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "maintainer");
    let layer = format!("/v2/team/app/blobs/{}", image.blobs[1].0);
    for client in [&admin, &maintainer] {
        for path in [layer.clone(), format!("{layer}?force=false")] {
            let refused = client.send("DELETE", &path, &[], b"").expect(409);
            assert_eq!(refused.code(), "DENIED");
            let text = refused.text();
            assert!(text.contains(&image.digest.to_string()), "{text}");
        }
    }
    let forced = format!("{layer}?force=true");
    maintainer.send("DELETE", &forced, &[], b"").expect(403);
    admin
        .send("DELETE", &format!("{layer}?force=maybe"), &[], b"")
        .expect(400);
    image.check(&admin, "team/app", "v1");

    // By force it goes, and the image lacks it.
    admin.send("DELETE", &forced, &[], b"").expect(202);
    admin.get(&layer).expect(404);
    admin.send("DELETE", &forced, &[], b"").expect(404);
    let manifest = admin.get("/v2/team/app/manifests/v1").expect(200);
    assert_eq!(manifest.body, image.manifest);
    let trail = larder.api("GET", "audit?action=blob.delete", "", 200);
    let details = json!({"digest": image.blobs[1].0.to_string(), "force": true});
    assert_eq!(trail["items"].as_array().map(Vec::len), Some(1), "{trail}");
    assert_eq!(
        (&trail["items"][0]["details"], &trail["items"][0]["actor"]),
        (&details, &json!("user:admin"))
    );
    collect(&larder);
    assert_eq!(objects(&larder), [image.blobs[2].0.to_string()].into());
    // Brought again it is in the image again.
    let (digest, bytes) = &image.blobs[1];
    push_blob(&admin, "team/app", digest, bytes).expect(201);
    assert_eq!(collect(&larder).count("deleted"), 0);
    image.check(&admin, "team/app", "v1");
}

#[test]
fn a_blob_that_no_manifest_names_is_deleted() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&admin, "team/app", "v1");
    delete_manifest(&admin, "team/app", &image);
    let maintainer = larder.make_user("alice");
    larder.grant("user:alice", "oci/team", "*", "maintainer");
    let layer = format!("/v2/team/app/blobs/{}", image.blobs[1].0);
    maintainer.send("DELETE", &layer, &[], b"").expect(202);
    maintainer.send("DELETE", &layer, &[], b"").expect(404);
    collect(&larder);
    assert!(objects(&larder).is_empty());
}

#[test]
fn a_blob_that_a_build_cache_names_is_not_deleted() {
    let larder = larder();
    let admin = larder.admin();
    let bytes = Random::seeded().bytes(LARGE);
    let layer = digest(&bytes);
    push_blob(&admin, "team/cache", &layer, &bytes).expect(201);
    let named = json!({"mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": layer.to_string(), "size": bytes.len()});
    let cache = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}).to_string();
    put_manifest(&admin, "team/cache", "main", INDEX, cache.as_bytes()).expect(201);
    let path = format!("/v2/team/cache/blobs/{layer}");
    let refused = admin.send("DELETE", &path, &[], b"").expect(409);
    assert!(
        refused
            .text()
            .contains(&digest(cache.as_bytes()).to_string())
    );
    assert!(admin.get(&path).expect(200).body == bytes);
}
