//! Whatever names a blob keeps it: tags, indexes, subjects, caches, mounts.

use crate::bed::{
    AT_ONCE, LARGE, collect, delete_digest, delete_manifest, larder, large_of, objects, run,
};
use larder_tests::Image;
use larder_tests::image::{INDEX, MANIFEST, digest, push_blob, put_manifest};
use larder_tests::random::Random;
use serde_json::{Value, json};

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    let digest = digest(bytes).to_string();
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

fn index(manifests: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        .to_string()
        .into_bytes()
}

#[test]
fn images_of_an_index_stay_without_tags() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let images = [
        Image::random(&mut random, &[LARGE]),
        Image::random(&mut random, &[LARGE, 10]),
    ];
    let named = images
        .each_ref()
        .map(|image| descriptor(MANIFEST, &image.manifest));
    for image in &images {
        image.push(&admin, "team/app", &image.digest.to_string());
    }
    let index = index(&named);
    put_manifest(&admin, "team/app", "v1", INDEX, &index).expect(201);
    assert_eq!(collect(&larder).count("deleted"), 0);
    for image in &images {
        image.check(&admin, "team/app", &image.digest.to_string());
    }
    // Without the index they are images of their own still, until somebody deletes them.
    delete_digest(&admin, "team/app", &digest(&index));
    assert_eq!(collect(&larder).count("deleted"), 1);
    for image in &images {
        image.check(&admin, "team/app", &image.digest.to_string());
        delete_manifest(&admin, "team/app", image);
    }
    collect(&larder);
    assert!(objects(&larder).is_empty());
}

#[test]
fn what_is_about_an_image_stays_with_its_blobs() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let image = Image::random(&mut random, &[LARGE]);
    image.push(&admin, "team/app", "v1");
    let about = json!({"subject": descriptor(MANIFEST, &image.manifest)});
    let signature = Image::of(b"{}".to_vec(), vec![random.bytes(LARGE)], &about);
    signature.push(&admin, "team/app", &signature.digest.to_string());
    assert_eq!(collect(&larder).count("deleted"), 0);
    let path = format!("/v2/team/app/referrers/{}", image.digest);
    let told = admin.get(&path).expect(200).json();
    assert_eq!(told["manifests"][0]["digest"], signature.digest.to_string());
    signature.check(&admin, "team/app", &signature.digest.to_string());
    // To be about something keeps nothing of it.
    delete_manifest(&admin, "team/app", &image);
    collect(&larder);
    assert_eq!(objects(&larder), large_of(&[&signature]));
    signature.check(&admin, "team/app", &signature.digest.to_string());
}

/// A build cache is an index that names blobs as if they were manifests.
#[test]
fn layers_of_a_build_cache_stay() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let (layer, config) = (random.bytes(LARGE), random.bytes(LARGE));
    for bytes in [&layer, &config] {
        push_blob(&admin, "team/cache", &digest(bytes), bytes).expect(201);
    }
    let cache = index(&[
        descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer),
        descriptor("application/vnd.buildkit.cacheconfig.v0", &config),
    ]);
    put_manifest(&admin, "team/cache", "main", INDEX, &cache).expect(201);
    assert_eq!(collect(&larder).count("deleted"), 0);
    for bytes in [&layer, &config] {
        let path = format!("/v2/team/cache/blobs/{}", digest(bytes));
        assert!(admin.get(&path).expect(200).body == *bytes);
    }
    delete_digest(&admin, "team/cache", &digest(&cache));
    assert_eq!(collect(&larder).count("deleted"), 3);
    assert!(objects(&larder).is_empty());
}

#[test]
fn what_is_mounted_stays_where_it_is_named() {
    let larder = larder();
    let admin = larder.admin();
    let image = Image::random(&mut Random::seeded(), &[LARGE, LARGE + 1]);
    image.push(&admin, "team/app", "v1");
    for (digest, _) in &image.blobs {
        let mount = format!("/v2/other/app/blobs/uploads/?mount={digest}&from=team/app");
        admin.send("POST", &mount, &[], b"").expect(201);
    }
    put_manifest(&admin, "other/app", "v1", MANIFEST, &image.manifest).expect(201);
    // One that is mounted and not named goes, where it was mounted alone.
    let mount = format!(
        "/v2/team/idle/blobs/uploads/?mount={}&from=team/app",
        image.blobs[1].0
    );
    admin.send("POST", &mount, &[], b"").expect(201);
    delete_manifest(&admin, "team/app", &image);
    assert_eq!(collect(&larder).count("deleted"), 0);
    image.check(&admin, "other/app", "v1");
    for name in ["team/app", "team/idle"] {
        admin
            .get(&format!("/v2/{name}/blobs/{}", image.blobs[1].0))
            .expect(404);
    }
    delete_manifest(&admin, "other/app", &image);
    assert_eq!(run(&larder, AT_ONCE).count("deleted"), 4);
    assert!(objects(&larder).is_empty());
}

#[test]
fn a_tag_that_moves_leaves_its_old_image() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let [old, new] = [(); 2].map(|()| Image::random(&mut random, &[LARGE]));
    old.push(&admin, "team/app", "latest");
    new.push(&admin, "team/app", "latest");
    assert_eq!(collect(&larder).count("deleted"), 0);
    old.check(&admin, "team/app", &old.digest.to_string());
    admin
        .send("DELETE", "/v2/team/app/manifests/latest", &[], b"")
        .expect(202);
    assert_eq!(collect(&larder).count("deleted"), 0);
    new.check(&admin, "team/app", &new.digest.to_string());
}
