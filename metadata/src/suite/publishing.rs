//! A package changes one change at a time, and what was composed of it goes with every change.

use super::fixture::{
    ALICE, BOB, Bed, artifact, assert_unmet, blob, digest, tag, tarball, tombstone, withdraw,
};
use crate::publishing::Step;
use crate::{Metadata, Requirement};
use larder_model::{FileKind, Timestamp};

checks![
    the_first_file_takes_the_name,
    a_package_begins_once,
    a_change_of_what_was_changed_meanwhile_is_not_done,
    every_change_moves_the_revision,
    a_file_that_is_there_is_not_added,
    nothing_of_a_refused_change_stays,
    a_published_file_is_told_with_all_that_was_noted,
    published_files_are_told_by_kind_and_path,
    metadata_is_changed,
    metadata_of_nothing_is_not_changed,
    a_document_stands_until_it_is_set_again,
    a_document_takes_the_place_of_what_it_was_made_from,
    a_tag_moves,
    a_tag_is_removed,
    a_file_is_removed,
    what_is_not_there_is_not_removed,
    a_version_that_was_taken_back_leaves_a_tombstone,
    a_composed_document_goes_with_the_next_change,
    a_document_composed_of_the_past_is_not_kept,
    a_composed_document_is_composed_again,
];

async fn the_first_file_takes_the_name(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let owns = async || metadata.owns_name(bed.package("p")).await.expect("name");
    assert!(!owns().await);
    bed.publish("p", vec![artifact("1.0.0")]).await;
    assert!(owns().await);
    bed.publish("p", withdraw("1.0.0")).await;
    assert!(owns().await);
}

async fn a_package_begins_once(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let first = bed.change("p", None, vec![artifact("1.0.0")], &ALICE).await;
    first.expect("publish");
    let second = bed.change("p", None, vec![artifact("2.0.0")], &BOB).await;
    assert_unmet(second, Requirement::Revision);
}

async fn a_change_of_what_was_changed_meanwhile_is_not_done(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let read = bed.revision("p").await;
    bed.publish("p", vec![artifact("2.0.0")]).await;
    let late = bed.change("p", read, vec![artifact("3.0.0")], &BOB).await;
    assert_unmet(late, Requirement::Revision);
}

async fn every_change_moves_the_revision(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let first = bed.revision("p").await.expect("there");
    bed.publish("p", vec![tag("latest", "1.0.0")]).await;
    assert!(bed.revision("p").await.expect("there") > first);
}

async fn a_file_that_is_there_is_not_added(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let revision = bed.revision("p").await;
    let again = bed
        .change("p", revision, vec![artifact("1.0.0")], &ALICE)
        .await;
    assert_unmet(again, Requirement::File);
}

async fn nothing_of_a_refused_change_stays(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let revision = bed.revision("p").await;
    let steps = vec![artifact("2.0.0"), artifact("1.0.0")];
    let refused = bed.change("p", revision, steps, &ALICE).await;
    assert_unmet(refused, Requirement::File);
    let path = tarball("2.0.0");
    assert!(
        !bed.has(bed.package("p").file(FileKind::Artifact, &path))
            .await
    );
    assert_eq!(bed.revision("p").await, revision);
}

async fn a_published_file_is_told_with_all_that_was_noted(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let before = metadata.now();
    bed.publish_by("p", vec![artifact("1.0.0")], &BOB).await;
    let files = metadata.published(bed.package("p")).await.expect("files");
    let [file] = &files[..] else {
        panic!("{files:?}")
    };
    assert_eq!(
        (file.kind, &*file.path),
        (FileKind::Artifact, "-/1.0.0.tgz")
    );
    assert_eq!((&*file.version, &*file.metadata), ("1.0.0", "{}"));
    assert_eq!((file.digest, file.size), (digest("-/1.0.0.tgz"), 11));
    assert_eq!(&*file.content_type, "application/octet-stream");
    assert_eq!(&*file.created_by, "user:bob");
    assert!(file.created_at > before && file.used_at.0 == 0);
}

/// Kind, path and version of all that is published.
async fn listed(bed: &Bed<'_>) -> Vec<(FileKind, String, String)> {
    let files = bed.metadata.published(bed.package("p")).await;
    let listed = files.expect("files").into_iter();
    let listed = listed.map(|file| (file.kind, file.path.into(), file.version.into()));
    listed.collect()
}

async fn published_files_are_told_by_kind_and_path(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let steps = ["2.0.0", "1.0.0"].map(artifact).into_iter();
    let more = [
        tag("latest", "2.0.0"),
        tag("beta", "1.0.0"),
        tombstone("0.1.0"),
    ];
    bed.publish("p", steps.chain(more).collect()).await;
    let address = Step::AddAddress {
        path: "address".to_owned(),
        digest: digest("-/1.0.0.tgz"),
    };
    bed.publish("p", vec![address]).await;
    let revision = bed.revision("p").await.expect("there");
    let composed = metadata.keep_composed(bed.package("p"), revision, "index", "", blob("i"));
    composed.await.expect("compose");
    let (artifact, tag) = (FileKind::Artifact, FileKind::Tag);
    let expected = [
        (artifact, "-/1.0.0.tgz", "1.0.0"),
        (artifact, "-/2.0.0.tgz", "2.0.0"),
        (tag, "beta", "1.0.0"),
        (tag, "latest", "2.0.0"),
        (FileKind::Tombstone, "0.1.0", ""),
    ];
    let expected = expected.map(|(kind, path, version)| (kind, path.into(), version.into()));
    assert_eq!(listed(&bed).await, expected);
}

async fn metadata_is_changed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0"), artifact("2.0.0")])
        .await;
    let change = Step::SetMetadata {
        path: tarball("1.0.0"),
        metadata: "{\"yanked\":true}".to_owned(),
    };
    bed.publish("p", vec![change]).await;
    let files = metadata.published(bed.package("p")).await.expect("files");
    let noted: Vec<_> = files.iter().map(|file| &*file.metadata).collect();
    assert_eq!(noted, ["{\"yanked\":true}", "{}"]);
}

async fn metadata_of_nothing_is_not_changed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let change = Step::SetMetadata {
        path: tarball("2.0.0"),
        metadata: "{}".to_owned(),
    };
    let revision = bed.revision("p").await;
    let changed = bed.change("p", revision, vec![change], &ALICE).await;
    assert_unmet(changed, Requirement::File);
}

fn document(before: Option<&str>, text: &str) -> Step {
    Step::SetDocument {
        path: "state".to_owned(),
        before: before.map(digest),
        blob: blob(text),
        content_type: "application/json",
        checked_at: None,
        refs: Vec::new(),
    }
}

async fn a_document_stands_until_it_is_set_again(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let key = bed.package("p").file(FileKind::Document, "state");
    for (before, text) in [(None, "one"), (Some("one"), "two")] {
        bed.publish("p", vec![document(before, text)]).await;
        // Other changes do not touch it, as they do what is composed.
        bed.publish("p", vec![artifact(text)]).await;
        let found = bed.find(key).await.expect("there");
        let told = (found.digest, &*found.content_type);
        assert_eq!(told, (digest(text), "application/json"));
    }
    // What the server writes anew by itself was not checked by that, and what an upstream told was when it
    // was asked.
    let first = bed.find(key).await.expect("there").checked_at;
    let asked = Timestamp(first.0 - 5);
    for (before, text, checked_at) in [
        ("two", "three", None),
        ("three", "four", Some(asked)),
        ("four", "five", None),
    ] {
        let mut set = document(Some(before), text);
        if let Step::SetDocument { checked_at: at, .. } = &mut set {
            *at = checked_at;
        }
        bed.publish("p", vec![set]).await;
        let found = bed.find(key).await.expect("there");
        let expected = if text == "three" { first } else { asked };
        assert_eq!((found.digest, found.checked_at), (digest(text), expected));
    }
}

/// Whoever read a document a moment too early has the newest revision all the same.
async fn a_document_takes_the_place_of_what_it_was_made_from(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let key = bed.package("p").file(FileKind::Document, "state");
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let all = [
        (Some("zero"), None, "one"),
        (None, Some("one"), "two"),
        (Some("one"), Some("two"), "three"),
    ];
    for (stale, before, text) in all {
        let revision = bed.revision("p").await;
        let steps = vec![document(stale, "stale")];
        let changed = bed.change("p", revision, steps, &ALICE).await;
        assert_unmet(changed, Requirement::Revision);
        let found = bed.find(key).await.map(|found| found.digest);
        assert_eq!(found, before.map(digest), "nothing of it is done");
        bed.publish("p", vec![document(before, text)]).await;
    }
}

async fn a_tag_moves(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let both = ["1.0.0", "2.0.0"];
    bed.publish("p", both.map(artifact).into()).await;
    for version in both {
        bed.publish("p", vec![tag("latest", version)]).await;
        let key = bed.package("p").file(FileKind::Tag, "latest");
        let found = bed.find(key).await.expect("there");
        assert_eq!(found.digest, digest(&tarball(version)));
        let tags: Vec<_> = listed(&bed).await.split_off(2);
        assert_eq!(tags, [(FileKind::Tag, "latest".into(), version.into())]);
    }
}

async fn a_tag_is_removed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0"), tag("latest", "1.0.0")])
        .await;
    let remove = Step::Remove {
        kind: FileKind::Tag,
        path: "latest".to_owned(),
    };
    bed.publish("p", vec![remove]).await;
    assert_eq!(listed(&bed).await.len(), 1);
}

async fn a_file_is_removed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0"), artifact("2.0.0")])
        .await;
    let (kind, path) = (FileKind::Artifact, tarball("1.0.0"));
    let key = bed.package("p").file(kind, &path);
    assert!(bed.has(key).await);
    let path = path.clone();
    bed.publish("p", vec![Step::Remove { kind, path }]).await;
    assert!(!bed.has(key).await);
    assert_eq!(listed(&bed).await.len(), 1);
}

async fn what_is_not_there_is_not_removed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let revision = bed.revision("p").await;
    // The path is one of an artifact, not of a tag.
    let (kind, path) = (FileKind::Tag, tarball("1.0.0"));
    let steps = vec![Step::Remove { kind, path }];
    let removed = bed.change("p", revision, steps, &ALICE).await;
    assert_unmet(removed, Requirement::File);
}

async fn a_version_that_was_taken_back_leaves_a_tombstone(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0"), artifact("2.0.0")])
        .await;
    bed.publish("p", withdraw("1.0.0")).await;
    let expected = [
        (FileKind::Artifact, "-/2.0.0.tgz".into(), "2.0.0".into()),
        (FileKind::Tombstone, "1.0.0".into(), String::new()),
    ];
    assert_eq!(listed(&bed).await, expected);
}

async fn a_composed_document_goes_with_the_next_change(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let (package, revision) = (bed.package("p"), bed.revision("p").await.expect("there"));
    let composed = metadata.keep_composed(package, revision, "index", "text/html", blob("one"));
    composed.await.expect("compose");
    let key = package.file(FileKind::Document, "index");
    let found = bed.find(key).await.expect("there");
    assert_eq!(
        (found.digest, &*found.content_type),
        (digest("one"), "text/html")
    );
    bed.publish("p", vec![artifact("2.0.0")]).await;
    assert!(!bed.has(key).await);
}

async fn a_document_composed_of_the_past_is_not_kept(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let (package, revision) = (bed.package("p"), bed.revision("p").await.expect("there"));
    bed.publish("p", vec![artifact("2.0.0")]).await;
    let composed = metadata.keep_composed(package, revision, "index", "", blob("one"));
    assert_unmet(composed.await, Requirement::Revision);
    assert!(!bed.has(package.file(FileKind::Document, "index")).await);
}

async fn a_composed_document_is_composed_again(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1.0.0")]).await;
    let (package, revision) = (bed.package("p"), bed.revision("p").await.expect("there"));
    for text in ["one", "two"] {
        let composed = metadata.keep_composed(package, revision, "index", "", blob(text));
        composed.await.expect("compose");
    }
    let found = bed.find(package.file(FileKind::Document, "index")).await;
    assert_eq!(found.expect("there").digest, digest("two"));
}
