//! A name that went away has a past that says when, and by whom.

use super::fixture::{ALICE, BOB, Bed, artifact, digest, document, tag, tarball};
use crate::Metadata;
use crate::files::FileKey;
use crate::history::PastState;
use crate::publishing::Step;
use larder_model::{FileKind, Timestamp};

checks![
    a_dropped_tag_is_gone_since_then,
    a_tag_that_comes_back_has_a_state_of_its_own,
    tags_of_a_dropped_manifest_are_gone,
    tags_of_another_manifest_are_not,
    a_removed_file_is_gone,
    a_removed_dist_tag_is_gone,
    a_document_that_went_with_new_ones_is_gone,
    a_name_that_an_upstream_lost_keeps_its_file,
    a_name_is_gone_once,
    a_name_that_is_confirmed_again_is_back,
    a_confirmation_of_other_bytes_brings_nothing_back,
    a_name_that_is_fetched_again_is_back,
    an_unknown_name_is_not_gone,
    a_dropped_package_is_gone_with_tags_and_documents,
    a_document_of_a_dropped_package_was_confirmed_by_its_upstream,
    a_name_that_was_gone_before_its_package_is_gone_once,
];

async fn states(metadata: &Metadata, key: FileKey<'_>) -> Vec<PastState> {
    let states = metadata.states(key, Timestamp(i64::MAX), 100).await;
    states.expect("states")
}

/// The bytes of each state, the newest first; `None`: the name was gone.
#[track_caller]
fn assert_past<const N: usize>(states: &[PastState], expected: [Option<&str>; N]) {
    let digests: Vec<_> = states.iter().map(|state| state.digest).collect();
    assert_eq!(digests, expected.map(|text| text.map(digest)));
}

#[track_caller]
fn assert_gone_by(states: &[PastState], after: Timestamp, by: &str) {
    assert_eq!(states[0].digest, None);
    assert!(states[0].seen_at > after);
    assert_eq!(&*states[0].created_by, by);
    assert!(states[1].checked_at <= states[0].seen_at);
}

async fn a_dropped_tag_is_gone_since_then(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let before = metadata.now();
    let dropped = metadata.drop_tag(bed.package("m"), "t", None, &BOB).await;
    dropped.expect("drop");
    let states = states(metadata, bed.package("m").file(FileKind::Tag, "t")).await;
    assert_past(&states, [None, Some("one")]);
    assert_gone_by(&states, before, "user:bob");
    assert!(states[1].checked_at > before, "it was there until then");
}

async fn a_tag_that_comes_back_has_a_state_of_its_own(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let dropped = metadata.drop_tag(bed.package("m"), "t", None, &BOB).await;
    dropped.expect("drop");
    bed.push("m", "one", &["t"]).await;
    let states = states(metadata, bed.package("m").file(FileKind::Tag, "t")).await;
    assert_past(&states, [Some("one"), None, Some("one")]);
    assert!(states[2].checked_at <= states[1].seen_at);
}

async fn tags_of_a_dropped_manifest_are_gone(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["a", "b"]).await;
    let before = metadata.now();
    let dropped = metadata.drop_manifest(bed.package("m"), &one, &BOB).await;
    dropped.expect("drop");
    for tag in ["a", "b"] {
        let states = states(metadata, bed.package("m").file(FileKind::Tag, tag)).await;
        assert_past(&states, [None, Some("one")]);
        assert_gone_by(&states, before, "user:bob");
        assert!(states[1].checked_at > before);
    }
}

async fn tags_of_another_manifest_are_not(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("m", "one", &["moved", "stays"]).await;
    bed.push("m", "two", &["moved"]).await;
    let dropped = metadata.drop_manifest(bed.package("m"), &one, &BOB).await;
    dropped.expect("drop");
    let states = states(metadata, bed.package("m").file(FileKind::Tag, "moved")).await;
    assert_past(&states, [Some("two"), Some("one")]);
}

async fn a_removed_file_is_gone(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let before = metadata.now();
    let (kind, path) = (FileKind::Artifact, tarball("1"));
    let remove = vec![Step::Remove { kind, path }];
    bed.publish_by("p", remove, &BOB).await;
    let path = tarball("1");
    let states = states(metadata, bed.package("p").file(kind, &path)).await;
    assert_past(&states, [None, Some(&path)]);
    assert_gone_by(&states, before, "user:bob");
    assert_eq!(&*states[1].metadata, "{}", "what was noted of it stays");
}

async fn a_removed_dist_tag_is_gone(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), tag("latest", "1")])
        .await;
    let before = metadata.now();
    let kind = FileKind::Tag;
    let path = "latest".to_owned();
    bed.publish_by("p", vec![Step::Remove { kind, path }], &BOB)
        .await;
    let states = states(metadata, bed.package("p").file(kind, "latest")).await;
    assert_past(&states, [None, Some(&tarball("1"))]);
    assert_gone_by(&states, before, "user:bob");
}

fn index<'a>(bed: &Bed<'_>) -> FileKey<'a> {
    bed.package("p").file(FileKind::Document, "index")
}

async fn keep(bed: &Bed<'_>, text: &str) -> Timestamp {
    let at = bed.metadata.now();
    bed.keep("p", at, vec![document("index", text)]).await;
    at
}

async fn a_document_that_went_with_new_ones_is_gone(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let first = keep(&bed, "one").await;
    let at = metadata.now();
    let (files, gone) = (vec![document("other", "two")], vec!["index"]);
    bed.keep_and_drop("p", at, files, gone).await;
    let states = states(metadata, index(&bed)).await;
    assert_past(&states, [None, Some("one")]);
    assert_eq!((states[0].seen_at, states[1].checked_at), (at, first));
    assert_eq!(&*states[0].created_by, "upstream");
}

async fn a_name_that_an_upstream_lost_keeps_its_file(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let kept = keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    assert!(bed.has(index(&bed)).await);
    let states = states(metadata, index(&bed)).await;
    assert_past(&states, [None, Some("one")]);
    assert_gone_by(&states, kept, "upstream");
    assert_eq!(states[1].checked_at, kept);
}

async fn a_name_is_gone_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    let once = states(metadata, index(&bed)).await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    assert_eq!(states(metadata, index(&bed)).await, once);
}

async fn a_name_that_is_confirmed_again_is_back(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    let between = metadata.now();
    for _ in 0..2 {
        let checked = metadata.mark_checked(index(&bed), &digest("one")).await;
        checked.expect("check");
    }
    let states = states(metadata, index(&bed)).await;
    assert_past(&states, [Some("one"), None, Some("one")]);
    assert!(states[0].seen_at > between && states[0].checked_at > states[0].seen_at);
}

async fn a_confirmation_of_other_bytes_brings_nothing_back(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    let before = states(metadata, index(&bed)).await;
    let checked = metadata.mark_checked(index(&bed), &digest("other")).await;
    checked.expect("check");
    assert_eq!(states(metadata, index(&bed)).await, before);
}

async fn a_name_that_is_fetched_again_is_back(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    let again = keep(&bed, "one").await;
    let states = states(metadata, index(&bed)).await;
    assert_past(&states, [Some("one"), None, Some("one")]);
    assert_eq!(states[0].seen_at, again);
}

async fn an_unknown_name_is_not_gone(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    assert!(states(metadata, index(&bed)).await.is_empty());
}

async fn a_dropped_package_is_gone_with_tags_and_documents(metadata: &Metadata) {
    let images = Bed::images(metadata).await;
    images.push("p", "one", &["t"]).await;
    let mirror = Bed::mirror(metadata).await;
    keep(&mirror, "one").await;
    let before = metadata.now();
    let tag = images.package("p").file(FileKind::Tag, "t");
    for (bed, key) in [(&images, tag), (&mirror, index(&mirror))] {
        let dropped = metadata.drop_package(bed.package("p"), &BOB).await;
        dropped.expect("drop");
        let states = states(metadata, key).await;
        assert_past(&states, [None, Some("one")]);
        assert_gone_by(&states, before, "user:bob");
    }
}

async fn a_document_of_a_dropped_package_was_confirmed_by_its_upstream(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let kept = keep(&bed, "one").await;
    let dropped = metadata.drop_package(bed.package("p"), &ALICE).await;
    dropped.expect("drop");
    let states = states(metadata, index(&bed)).await;
    assert_eq!(states[1].checked_at, kept);
}

async fn a_name_that_was_gone_before_its_package_is_gone_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep(&bed, "one").await;
    metadata.name_is_gone(index(&bed)).await.expect("gone");
    let dropped = metadata.drop_package(bed.package("p"), &ALICE).await;
    dropped.expect("drop");
    let states = states(metadata, index(&bed)).await;
    assert_past(&states, [None, Some("one")]);
    assert_eq!(&*states[0].created_by, "upstream");
}
