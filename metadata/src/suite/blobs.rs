//! Blobs have names in packages.

use super::fixture::{ALICE, Bed, Push, assert_unmet, blob, digest};
use crate::blobs::{Bytestore, NewBlob};
use crate::{Metadata, Requirement};
use larder_model::FileKind;

checks![
    a_blob_is_found_by_its_digest,
    what_is_told_of_a_blob_needs_no_bytes,
    a_blob_is_kept_twice_without_harm,
    a_blob_is_in_its_package_only,
    a_mounted_blob_is_in_both_packages,
    a_blob_is_mounted_twice_without_harm,
    what_is_not_there_is_not_mounted,
    packages_that_have_a_blob_are_told,
    a_dropped_blob_stays_in_other_packages,
    a_blob_that_is_not_there_is_not_dropped,
    a_blob_that_a_manifest_names_is_dropped_by_force_alone,
    a_blob_that_is_kept_gets_a_name_without_its_bytes,
    an_unknown_blob_gets_no_name,
    the_first_object_of_a_blob_stays,
    only_objects_have_a_generation,
];

async fn a_blob_is_found_by_its_digest(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    let path = one.to_string();
    let key = bed.package("a").file(FileKind::Blob, &path);
    let found = bed.find(key).await.expect("there");
    let body = found.body.as_deref();
    assert_eq!(
        (found.digest, found.size, body),
        (one, 3, Some(&b"one"[..]))
    );
}

async fn what_is_told_of_a_blob_needs_no_bytes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    let path = one.to_string();
    let key = bed.package("a").file(FileKind::Blob, &path);
    let found = metadata.stat(key).await.expect("stat").expect("there");
    assert_eq!((found.digest, found.size), (one, 3));
    assert_eq!(&*found.content_type, "application/octet-stream");
}

async fn a_blob_is_kept_twice_without_harm(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.keep_blob("a", "one").await;
    bed.keep_blob("a", "one").await;
    let package = bed.package("a");
    let listed = metadata.list(package, FileKind::Blob, "", 10).await;
    assert_eq!(listed.expect("list").len(), 1);
}

async fn a_blob_is_in_its_package_only(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let path = bed.keep_blob("a", "one").await.to_string();
    assert!(!bed.has(bed.package("b").file(FileKind::Blob, &path)).await);
}

async fn a_mounted_blob_is_in_both_packages(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    let mounted = metadata.mount(bed.putting("b"), bed.package("a"), &one);
    mounted.await.expect("mount");
    let path = one.to_string();
    for package in ["a", "b"] {
        assert!(
            bed.has(bed.package(package).file(FileKind::Blob, &path))
                .await
        );
    }
}

async fn a_blob_is_mounted_twice_without_harm(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    for _ in 0..2 {
        let mounted = metadata.mount(bed.putting("b"), bed.package("a"), &one);
        mounted.await.expect("mount");
    }
    let listed = metadata
        .list(bed.package("b"), FileKind::Blob, "", 10)
        .await;
    assert_eq!(listed.expect("list").len(), 1);
}

async fn what_is_not_there_is_not_mounted(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    let mounted = metadata.mount(bed.putting("b"), bed.package("c"), &one);
    assert_unmet(mounted.await, Requirement::Source);
    let path = one.to_string();
    assert!(!bed.has(bed.package("b").file(FileKind::Blob, &path)).await);
}

async fn packages_that_have_a_blob_are_told(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let text = format!("of two packages {:x}", bed.repo.id);
    for package in ["b", "a"] {
        bed.keep_blob(package, &text).await;
    }
    let places = async |limit| {
        let places = metadata
            .places_of(bed.repo.id, &digest(&text), FileKind::Blob, limit)
            .await;
        places.expect("places")
    };
    let other = Bed::images(metadata).await;
    other.keep_blob("c", &text).await;
    assert_eq!(places(10).await, ["a".into(), "b".into()]);
    assert_eq!(places(1).await, ["a".into()]);
}

async fn a_dropped_blob_stays_in_other_packages(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    bed.keep_blob("b", "one").await;
    let dropped = metadata.drop_blob(bed.package("a"), &one, false, &ALICE);
    dropped.await.expect("drop");
    let path = one.to_string();
    assert!(!bed.has(bed.package("a").file(FileKind::Blob, &path)).await);
    assert!(bed.has(bed.package("b").file(FileKind::Blob, &path)).await);
}

async fn a_blob_that_is_not_there_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let dropped = metadata
        .drop_blob(bed.package("a"), &digest("one"), false, &ALICE)
        .await;
    assert_unmet(dropped, Requirement::Blob);
}

async fn a_blob_that_a_manifest_names_is_dropped_by_force_alone(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (package, layer) = (bed.package("a"), bed.keep_blob("a", "layer").await);
    let push = Push {
        blobs: &[layer],
        ..Push::new("manifest", &[])
    };
    bed.try_push("a", push).await.expect("push");
    let path = layer.to_string();
    let key = package.file(FileKind::Blob, &path);
    let dropped = metadata.drop_blob(package, &layer, false, &ALICE).await;
    assert_unmet(dropped, Requirement::Unreferenced);
    assert!(bed.has(key).await);
    let dropped = metadata.drop_blob(package, &layer, true, &ALICE).await;
    dropped.expect("forced");
    assert!(!bed.has(key).await);
    // The manifest goes on naming it.
    let named_by = metadata.used_by(package, &layer).await.expect("edges");
    assert_eq!(named_by, Some(digest("manifest")));
}

async fn a_blob_that_is_kept_gets_a_name_without_its_bytes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.keep_blob("a", "one").await;
    let taken = metadata.take_blob(bed.putting("b"), &one, None);
    taken.await.expect("take");
    let path = one.to_string();
    assert!(bed.has(bed.package("b").file(FileKind::Blob, &path)).await);
}

async fn an_unknown_blob_gets_no_name(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let unknown = digest(&format!("never kept {:x}", bed.repo.id));
    let taken = metadata.take_blob(bed.putting("a"), &unknown, None);
    assert_unmet(taken.await, Requirement::Blob);
}

/// A blob whose bytes are an object of the store.
fn object(text: &str, generation: i64) -> NewBlob {
    NewBlob {
        bytes: Bytestore::Object(generation),
        ..blob(text)
    }
}

async fn the_first_object_of_a_blob_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let text = format!("object {:x}", bed.repo.id);
    for generation in [7, 8] {
        let kept = metadata.keep_blob(bed.putting("a"), object(&text, generation), None);
        kept.await.expect("keep");
    }
    let generation = metadata.generation(&digest(&text)).await;
    assert_eq!(generation.expect("generation"), Some(7));
}

async fn only_objects_have_a_generation(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let inline = bed.keep_blob("a", "one").await;
    let unknown = digest(&format!("never kept {:x}", bed.repo.id));
    for digest in [inline, unknown] {
        let generation = metadata.generation(&digest).await;
        assert_eq!(generation.expect("generation"), None);
    }
}
