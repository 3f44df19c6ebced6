//! The past of names that move: which state was when, for how long, and by whom.

use super::fixture::{
    ALICE, BOB, Bed, Push, artifact, blob, digest, document, fetched, tag, tarball,
};
use crate::Metadata;
use crate::documents::NewFile;
use crate::files::FileKey;
use crate::history::PastState;
use crate::publishing::Step;
use larder_model::{Digest, FileKind, Timestamp};

checks![
    a_document_has_one_state_for_each_change,
    the_same_bytes_again_are_the_same_state,
    a_state_was_confirmed_when_it_was_seen,
    the_present_state_is_confirmed_with_its_document,
    a_past_state_was_confirmed_until_its_document_was,
    a_confirmation_of_other_bytes_changes_no_past,
    bytes_that_come_back_are_a_state_of_their_own,
    states_come_the_newest_first_page_by_page,
    states_are_of_one_name,
    artifacts_of_an_upstream_have_no_past,
    representations_have_no_past,
    composed_documents_have_no_past,
    a_published_file_has_a_state_of_its_author,
    a_present_published_state_is_confirmed_now,
    a_dist_tag_has_a_state_for_each_move,
    a_dist_tag_that_is_set_to_the_same_has_one_state,
    other_metadata_is_another_state_and_keeps_what_was_noted,
    a_tag_of_an_image_has_a_state_for_each_push,
    a_refused_push_has_no_state,
];

/// All states of a name, the newest first.
async fn states(metadata: &Metadata, key: FileKey<'_>) -> Vec<PastState> {
    let states = metadata.states(key, Timestamp(i64::MAX), 100).await;
    states.expect("states")
}

fn digests(states: &[PastState]) -> Vec<Option<Digest>> {
    states.iter().map(|state| state.digest).collect()
}

fn authors(states: &[PastState]) -> Vec<&str> {
    states.iter().map(|state| &*state.created_by).collect()
}

fn index<'a>(bed: &Bed<'_>) -> FileKey<'a> {
    bed.package("p").file(FileKind::Document, "index")
}

/// Keeps states of a document one after another; tells when each was.
async fn keep_states<const N: usize>(bed: &Bed<'_>, texts: [&str; N]) -> [Timestamp; N] {
    let times = texts.map(|_| bed.metadata.now());
    for (text, at) in texts.into_iter().zip(times) {
        bed.keep("p", at, vec![document("index", text)]).await;
    }
    times
}

async fn a_document_has_one_state_for_each_change(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [first, second] = keep_states(&bed, ["one", "two"]).await;
    let states = states(metadata, index(&bed)).await;
    assert_eq!(digests(&states), [Some(digest("two")), Some(digest("one"))]);
    assert_eq!([states[0].seen_at, states[1].seen_at], [second, first]);
    assert_eq!(authors(&states), ["upstream", "upstream"]);
}

async fn the_same_bytes_again_are_the_same_state(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [first, second] = keep_states(&bed, ["one", "one"]).await;
    let states = states(metadata, index(&bed)).await;
    let [state] = &states[..] else {
        panic!("{states:?}")
    };
    assert_eq!((state.seen_at, state.checked_at), (first, second));
}

async fn a_state_was_confirmed_when_it_was_seen(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [first, second] = keep_states(&bed, ["one", "two"]).await;
    let states = states(metadata, index(&bed)).await;
    assert_eq!(
        [states[0].checked_at, states[1].checked_at],
        [second, first]
    );
}

async fn the_present_state_is_confirmed_with_its_document(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [seen_at] = keep_states(&bed, ["one"]).await;
    let mut last = seen_at;
    for _ in 0..3 {
        let checked = metadata.mark_checked(index(&bed), &digest("one")).await;
        checked.expect("check");
        let states = states(metadata, index(&bed)).await;
        let [state] = &states[..] else {
            panic!("{states:?}")
        };
        assert_eq!(state.seen_at, seen_at);
        assert!(state.checked_at > last);
        last = state.checked_at;
    }
}

async fn a_past_state_was_confirmed_until_its_document_was(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_states(&bed, ["one"]).await;
    let checked = metadata.mark_checked(index(&bed), &digest("one")).await;
    checked.expect("check");
    let confirmed = bed.find(index(&bed)).await.expect("there").checked_at;
    let [second] = keep_states(&bed, ["two"]).await;
    let states = states(metadata, index(&bed)).await;
    assert_eq!(states[1].checked_at, confirmed);
    assert!(states[1].seen_at < confirmed && confirmed < second);
}

async fn a_confirmation_of_other_bytes_changes_no_past(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_states(&bed, ["one", "two"]).await;
    let before = states(metadata, index(&bed)).await;
    // An answer that came late: the document has changed since it was asked for.
    let checked = metadata.mark_checked(index(&bed), &digest("one")).await;
    checked.expect("check");
    assert_eq!(states(metadata, index(&bed)).await, before);
}

async fn bytes_that_come_back_are_a_state_of_their_own(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [first, _, third] = keep_states(&bed, ["one", "two", "one"]).await;
    let checked = metadata.mark_checked(index(&bed), &digest("one")).await;
    checked.expect("check");
    let states = states(metadata, index(&bed)).await;
    let expected = ["one", "two", "one"].map(|text| Some(digest(text)));
    assert_eq!(digests(&states), expected);
    assert_eq!((states[2].checked_at, states[0].seen_at), (first, third));
    assert!(states[0].checked_at > third);
}

async fn states_come_the_newest_first_page_by_page(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_states(&bed, ["one", "two", "three"]).await;
    let all = states(metadata, index(&bed)).await;
    let page = async |before, limit| {
        let page = metadata.states(index(&bed), before, limit).await;
        page.expect("states")
    };
    let end = Timestamp(i64::MAX);
    assert_eq!(page(end, 2).await, all[..2]);
    assert_eq!(page(all[0].seen_at, 2).await, all[1..]);
    assert!(page(all[2].seen_at, 2).await.is_empty());
}

async fn states_are_of_one_name(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let tag = NewFile::new(FileKind::Tag, "index", blob("a tag"), "");
    let files = vec![document("index", "one"), document("other", "two"), tag];
    bed.keep("p", metadata.now(), files).await;
    bed.keep("q", metadata.now(), vec![document("index", "three")])
        .await;
    let states = states(metadata, index(&bed)).await;
    assert_eq!(digests(&states), [Some(digest("one"))]);
}

async fn artifacts_of_an_upstream_have_no_past(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![fetched("a.tgz", "1")])
        .await;
    let key = bed.package("p").file(FileKind::Artifact, "a.tgz");
    assert!(states(metadata, key).await.is_empty());
}

async fn representations_have_no_past(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = NewFile::new(FileKind::Representation, "index", blob("{}"), "");
    bed.keep("p", metadata.now(), vec![file]).await;
    let key = bed.package("p").file(FileKind::Representation, "index");
    assert!(states(metadata, key).await.is_empty());
}

async fn composed_documents_have_no_past(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let revision = bed.revision("p").await.expect("there");
    let composed = metadata.keep_composed(bed.package("p"), revision, "index", "", blob("one"));
    composed.await.expect("compose");
    bed.publish("p", vec![artifact("2")]).await;
    assert!(states(metadata, index(&bed)).await.is_empty());
}

async fn a_published_file_has_a_state_of_its_author(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish_by("p", vec![artifact("1")], &BOB).await;
    let path = tarball("1");
    let states = states(metadata, bed.package("p").file(FileKind::Artifact, &path)).await;
    assert_eq!(digests(&states), [Some(digest(&path))]);
    assert_eq!(
        (authors(&states), &*states[0].metadata),
        (vec!["user:bob"], "{}")
    );
}

async fn a_present_published_state_is_confirmed_now(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let path = tarball("1");
    let key = bed.package("p").file(FileKind::Artifact, &path);
    let before = metadata.now();
    assert!(states(metadata, key).await[0].checked_at > before);
}

async fn a_dist_tag_has_a_state_for_each_move(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    bed.publish_by("p", vec![tag("latest", "1")], &ALICE).await;
    let between = metadata.now();
    bed.publish_by("p", vec![tag("latest", "2")], &BOB).await;
    let states = states(metadata, bed.package("p").file(FileKind::Tag, "latest")).await;
    let expected = ["2", "1"].map(|version| Some(digest(&tarball(version))));
    assert_eq!(digests(&states), expected);
    assert_eq!(authors(&states), ["user:bob", "user:alice"]);
    assert!(states[1].seen_at < between && between < states[1].checked_at);
    assert!(states[1].checked_at <= states[0].seen_at);
}

async fn a_dist_tag_that_is_set_to_the_same_has_one_state(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), tag("latest", "1")])
        .await;
    bed.publish_by("p", vec![tag("latest", "1")], &BOB).await;
    let states = states(metadata, bed.package("p").file(FileKind::Tag, "latest")).await;
    assert_eq!(authors(&states), ["user:alice"]);
}

async fn other_metadata_is_another_state_and_keeps_what_was_noted(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish_by("p", vec![artifact("1")], &ALICE).await;
    let path = tarball("1");
    for (noted, by) in [("{\"yanked\":true}", &BOB), ("{\"yanked\":false}", &ALICE)] {
        let (path, metadata) = (path.clone(), noted.to_owned());
        let step = Step::SetMetadata { path, metadata };
        bed.publish_by("p", vec![step], by).await;
    }
    let states = states(metadata, bed.package("p").file(FileKind::Artifact, &path)).await;
    let noted: Vec<_> = states.iter().map(|state| &*state.metadata).collect();
    assert_eq!(noted, ["{\"yanked\":false}", "{\"yanked\":true}", "{}"]);
    assert_eq!(authors(&states), ["user:alice", "user:bob", "user:alice"]);
    assert_eq!(digests(&states), [Some(digest(&path)); 3]);
    assert!(states[1].checked_at <= states[0].seen_at);
    assert!(states[2].checked_at > states[2].seen_at);
}

async fn a_tag_of_an_image_has_a_state_for_each_push(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    for (text, by) in [("one", &ALICE), ("one", &BOB), ("two", &BOB)] {
        let push = Push {
            by,
            ..Push::new(text, &["t"])
        };
        bed.try_push("m", push).await.expect("push");
    }
    let states = states(metadata, bed.package("m").file(FileKind::Tag, "t")).await;
    assert_eq!(digests(&states), [Some(digest("two")), Some(digest("one"))]);
    assert_eq!(authors(&states), ["user:bob", "user:alice"]);
}

async fn a_refused_push_has_no_state(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("m", "one", &["t"]).await;
    let push = Push {
        expect: crate::manifests::Expect::Absent,
        ..Push::new("two", &["t"])
    };
    assert!(bed.try_push("m", push).await.is_err());
    let states = states(metadata, bed.package("m").file(FileKind::Tag, "t")).await;
    assert_eq!(digests(&states), [Some(digest("one"))]);
}
