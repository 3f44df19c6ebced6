//! What is deleted can be put back, and holds its bytes until then.

use super::fixture::{
    ALICE, BOB, Bed, Push, artifact, assert_unmet, blob, digest, tag, tarball, withdraw,
};
use crate::jobs::{HeldJob, JobEnd, NewJob};
use crate::publishing::Step;
use crate::reservations::ReservationKey;
use crate::trash::{TrashEntry, TrashKind};
use crate::trash_restore::Restoration;
use crate::{Error, Metadata, Requirement};
use larder_model::{Digest, FileKind, JobKind, Timestamp};
use serde_json::json;

checks![
    a_deleted_tag_comes_back,
    a_deleted_manifest_comes_back_with_all_that_it_needs,
    a_deleted_image_comes_back,
    a_deleted_package_comes_back_with_its_document,
    what_belongs_to_a_subject_comes_back_with_it,
    a_tag_that_is_taken_is_named_and_nothing_changes,
    a_deleted_version_comes_back,
    tags_that_moved_on_stay_where_they_are,
    a_version_that_is_taken_is_named_and_nothing_changes,
    a_deleted_address_comes_back,
    a_package_whose_name_was_freed_begins_anew,
];

pub(super) async fn trash(bed: &Bed<'_>) -> Vec<TrashEntry> {
    let found = bed.metadata.trash_of(bed.repo.id, None, 100).await;
    found.expect("trash")
}

/// The only entry.
pub(super) async fn entry(bed: &Bed<'_>) -> TrashEntry {
    let mut entries = trash(bed).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

pub(super) async fn restore(bed: &Bed<'_>, entry: &TrashEntry) -> Restoration {
    let restored = bed.metadata.restore(&bed.repo, entry.id, &BOB).await;
    restored.expect("restore")
}

pub(super) async fn restore_all(bed: &Bed<'_>) {
    assert_eq!(restore(bed, &entry(bed).await).await, Restoration::Done);
    assert!(trash(bed).await.is_empty());
}

pub(super) async fn tag_of(bed: &Bed<'_>, package: &str, tag: &str) -> Option<Digest> {
    let found = bed
        .find(bed.package(package).file(FileKind::Tag, tag))
        .await;
    found.map(|found| found.digest)
}

pub(super) async fn has_manifest(bed: &Bed<'_>, package: &str, digest: Digest) -> bool {
    let path = digest.to_string();
    bed.has(bed.package(package).file(FileKind::Manifest, &path))
        .await
}

/// Pushes a manifest of one blob.
pub(super) async fn push(bed: &Bed<'_>, text: &str, tags: &[&str]) -> (Digest, Digest) {
    let layer = bed.keep_blob("app", &format!("layer of {text}")).await;
    let pushed = Push {
        blobs: &[layer],
        ..Push::new(text, tags)
    };
    bed.try_push("app", pushed).await.expect("push");
    (digest(text), layer)
}

pub(super) async fn drop_tag(bed: &Bed<'_>, tag: &str) -> Result<(), Error> {
    bed.metadata
        .drop_tag(bed.package("app"), tag, None, &ALICE)
        .await
}

pub(super) async fn drop_manifest(bed: &Bed<'_>, digest: Digest) -> Result<(), Error> {
    bed.metadata
        .drop_manifest(bed.package("app"), &digest, &ALICE)
        .await
}

pub(super) async fn used_by(bed: &Bed<'_>, blob: Digest) -> Option<Digest> {
    let used = bed.metadata.used_by(bed.package("app"), &blob).await;
    used.expect("used by")
}

async fn a_deleted_tag_comes_back(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (manifest, layer) = push(&bed, "trash-one", &["v1"]).await;
    drop_tag(&bed, "v1").await.expect("drop");
    let entry = entry(&bed).await;
    assert_eq!((entry.what, &*entry.version), (TrashKind::Tag, "v1"));
    assert_eq!(
        (entry.digest, &*entry.deleted_by),
        (Some(manifest), "user:alice")
    );
    assert_eq!((entry.files, &*entry.reason), (3, ""));
    // It comes back whole, whatever became of the manifest.
    drop_manifest(&bed, manifest).await.expect("drop");
    assert_eq!(restore(&bed, &entry).await, Restoration::Done);
    assert_eq!(tag_of(&bed, "app", "v1").await, Some(manifest));
    assert!(has_manifest(&bed, "app", manifest).await);
    assert_eq!(used_by(&bed, layer).await, Some(manifest));
    // Once.
    assert_unmet(
        metadata.restore(&bed.repo, entry.id, &BOB).await,
        Requirement::Trash,
    );
}

async fn a_deleted_manifest_comes_back_with_all_that_it_needs(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (child, layer) = push(&bed, "trash-child", &[]).await;
    let index = Push {
        manifests: &[child],
        ..Push::new("trash-index", &["v1", "latest"])
    };
    bed.try_push("app", index).await.expect("push");
    let index = digest("trash-index");
    drop_manifest(&bed, index).await.expect("drop");
    let entry = entry(&bed).await;
    assert_eq!(
        (entry.what, entry.digest),
        (TrashKind::Manifest, Some(index))
    );
    assert_eq!(tag_of(&bed, "app", "v1").await, None);
    // All of it goes, and the rows of its blobs.
    drop_manifest(&bed, child).await.expect("drop");
    let dropped = metadata
        .drop_blob(bed.package("app"), &layer, false, &ALICE)
        .await;
    dropped.expect("drop");
    assert_eq!(bed.revision("app").await, None);
    assert_eq!(restore(&bed, &entry).await, Restoration::Done);
    for tag in ["v1", "latest"] {
        assert_eq!(tag_of(&bed, "app", tag).await, Some(index));
    }
    assert!(has_manifest(&bed, "app", child).await);
    assert_eq!(used_by(&bed, layer).await, Some(child));
    let path = layer.to_string();
    assert!(
        bed.has(bed.package("app").file(FileKind::Blob, &path))
            .await
    );
    assert!(bed.revision("app").await.is_some());
}

async fn a_deleted_image_comes_back(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (manifest, layer) = push(&bed, "trash-all", &["v1"]).await;
    let dropped = metadata.drop_package(bed.package("app"), &ALICE).await;
    dropped.expect("drop");
    let entry = entry(&bed).await;
    assert_eq!((entry.what, &*entry.version), (TrashKind::Package, ""));
    restore_all(&bed).await;
    assert_eq!(tag_of(&bed, "app", "v1").await, Some(manifest));
    assert_eq!(used_by(&bed, layer).await, Some(manifest));
    let states = metadata.states(
        bed.package("app").file(FileKind::Tag, "v1"),
        Timestamp(i64::MAX),
        9,
    );
    let states: Vec<_> = states
        .await
        .expect("states")
        .iter()
        .map(|it| it.digest)
        .collect();
    assert_eq!(states, [Some(manifest), None, Some(manifest)]);
}

async fn a_deleted_package_comes_back_with_its_document(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let set = |text: &str| Step::SetDocument {
        path: "state".to_owned(),
        before: None,
        blob: blob(text),
        content_type: "application/json",
        checked_at: None,
        refs: Vec::new(),
    };
    bed.publish("app", vec![artifact("1"), set("one")]).await;
    let package = bed.package("app");
    let (state, path) = (package.file(FileKind::Document, "state"), tarball("1"));
    let file = package.file(FileKind::Artifact, &path);
    metadata.drop_package(package, &ALICE).await.expect("drop");
    assert!(!bed.has(state).await && !bed.has(file).await);
    // Nobody else's package takes its place meanwhile.
    assert!(metadata.owns_name(package).await.expect("name"));
    assert_eq!(entry(&bed).await.what, TrashKind::Package);
    restore_all(&bed).await;
    let found = bed.find(state).await.expect("the document");
    assert_eq!(found.digest, digest("one"));
    assert!(bed.has(file).await);
    // What was published again under the name stands.
    metadata.drop_package(package, &ALICE).await.expect("drop");
    bed.publish("app", vec![set("two")]).await;
    let taken = Restoration::Taken("the path state".to_owned());
    assert_eq!(restore(&bed, &entry(&bed).await).await, taken);
    // A name outlives its repository, too, whether its package was deleted before or not.
    metadata.drop_package(package, &ALICE).await.expect("drop");
    let repo = (bed.repo.id, bed.repo.protocol);
    metadata.drop_repo(repo.0, false, &BOB).await.expect("drop");
    assert!(metadata.is_reserved(repo.1, "app").await.expect("told"));
}

async fn what_belongs_to_a_subject_comes_back_with_it(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (manifest, _) = push(&bed, "trash-subject", &["v1"]).await;
    let signature = Push {
        subject: Some(manifest),
        ..Push::new("trash-signature", &[])
    };
    bed.try_push("app", signature).await.expect("push");
    drop_tag(&bed, "v1").await.expect("drop");
    let entry = entry(&bed).await;
    for gone in [digest("trash-signature"), manifest] {
        drop_manifest(&bed, gone).await.expect("drop");
    }
    assert_eq!(restore(&bed, &entry).await, Restoration::Done);
    let referrers = metadata
        .referrers(bed.package("app"), &manifest, "", 9)
        .await;
    let referrers: Vec<_> = referrers
        .expect("referrers")
        .iter()
        .map(|it| it.digest)
        .collect();
    assert_eq!(referrers, [digest("trash-signature")]);
}

async fn a_tag_that_is_taken_is_named_and_nothing_changes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (old, _) = push(&bed, "trash-old", &["v1", "v2"]).await;
    drop_manifest(&bed, old).await.expect("drop");
    let (new, _) = push(&bed, "trash-new", &["v2"]).await;
    let entry = entry(&bed).await;
    let taken = Restoration::Taken("the tag v2".to_owned());
    assert_eq!(restore(&bed, &entry).await, taken);
    assert_eq!(tag_of(&bed, "app", "v2").await, Some(new));
    assert_eq!(tag_of(&bed, "app", "v1").await, None);
    assert!(!has_manifest(&bed, "app", old).await);
    assert_eq!(trash(&bed).await, std::slice::from_ref(&entry));
    // The same bytes under it are no hindrance.
    push(&bed, "trash-old", &["v2"]).await;
    assert_eq!(restore(&bed, &entry).await, Restoration::Done);
    assert_eq!(tag_of(&bed, "app", "v1").await, Some(old));
}

async fn a_deleted_version_comes_back(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish(
        "pad",
        vec![artifact("1.0.0"), artifact("1.1.0"), tag("latest", "1.1.0")],
    )
    .await;
    let before = metadata
        .published(bed.package("pad"))
        .await
        .expect("published");
    let mut steps = withdraw("1.1.0");
    steps.push(tag("latest", "1.0.0"));
    bed.publish("pad", steps).await;
    let entry = entry(&bed).await;
    assert_eq!((entry.what, &*entry.version), (TrashKind::Version, "1.1.0"));
    assert_eq!(entry.bytes, tarball("1.1.0").len() as u64);
    let revision = bed.revision("pad").await;
    restore_all(&bed).await;
    assert!(bed.revision("pad").await > revision);
    let mut after = metadata
        .published(bed.package("pad"))
        .await
        .expect("published");
    assert_eq!(after.len(), before.len(), "{after:?}");
    for (after, before) in after.iter_mut().zip(&before) {
        if after.kind == FileKind::Tag {
            // It was set back by whoever restored it.
            assert_eq!(&*after.created_by, "user:bob");
            (after.created_at, after.created_by) = (before.created_at, before.created_by.clone());
        }
        assert_eq!(after, before);
    }
}

async fn tags_that_moved_on_stay_where_they_are(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let all = vec![
        artifact("1.0.0"),
        artifact("1.1.0"),
        tag("latest", "1.1.0"),
        tag("beta", "1.1.0"),
    ];
    bed.publish("pad", all).await;
    let mut steps = withdraw("1.1.0");
    steps.push(tag("latest", "1.0.0"));
    steps.push(Step::Remove {
        kind: FileKind::Tag,
        path: "beta".to_owned(),
    });
    bed.publish("pad", steps).await;
    bed.publish(
        "pad",
        vec![
            artifact("1.2.0"),
            tag("latest", "1.2.0"),
            tag("beta", "1.2.0"),
        ],
    )
    .await;
    restore_all(&bed).await;
    let newest = Some(digest(&tarball("1.2.0")));
    assert_eq!(tag_of(&bed, "pad", "latest").await, newest);
    assert_eq!(tag_of(&bed, "pad", "beta").await, newest);
    // A tag that was deleted by itself is one that is taken.
    bed.publish("pad", vec![tag("old", "1.0.0")]).await;
    let remove = Step::Remove {
        kind: FileKind::Tag,
        path: "old".to_owned(),
    };
    bed.publish("pad", vec![remove]).await;
    let entry = entry(&bed).await;
    assert_eq!((entry.what, &*entry.version), (TrashKind::Tag, "old"));
    bed.publish("pad", vec![tag("old", "1.2.0")]).await;
    let taken = Restoration::Taken("the tag old".to_owned());
    assert_eq!(restore(&bed, &entry).await, taken);
}

async fn a_version_that_is_taken_is_named_and_nothing_changes(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("pad", vec![artifact("1.0.0")]).await;
    bed.publish("pad", withdraw("1.0.0")).await;
    let freed = Step::Remove {
        kind: FileKind::Tombstone,
        path: "1.0.0".to_owned(),
    };
    bed.publish("pad", vec![freed, artifact("1.0.0")]).await;
    let entry = entry(&bed).await;
    let taken = Restoration::Taken(format!("the path {}", tarball("1.0.0")));
    let revision = bed.revision("pad").await;
    assert_eq!(restore(&bed, &entry).await, taken);
    assert_eq!(bed.revision("pad").await, revision);
    assert_eq!(trash(&bed).await.len(), 1);
}

async fn a_deleted_address_comes_back(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let address = || "Packages/pad.rpm".to_owned();
    let add = Step::AddAddress {
        path: address(),
        digest: digest(&tarball("1")),
    };
    bed.publish("pad", vec![artifact("1"), add]).await;
    let mut steps = withdraw("1");
    steps.push(Step::RemoveAddress { path: address() });
    bed.publish("pad", steps).await;
    let key = bed.package("").file(FileKind::Artifact, "Packages/pad.rpm");
    assert!(!bed.has(key).await);
    let revision = bed.revision("").await;
    restore_all(&bed).await;
    let found = bed.find(key).await.expect("address");
    assert_eq!(
        (&*found.owner, found.digest),
        ("pad", digest(&tarball("1")))
    );
    // What tells of all packages is made anew.
    assert!(bed.revision("").await > revision);
}

async fn a_package_whose_name_was_freed_begins_anew(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("pad", vec![artifact("1.0.0")]).await;
    bed.publish("pad", withdraw("1.0.0")).await;
    let (after, repo) = (ReservationKey::default(), &bed.repo);
    let of = Some((repo.protocol, &repo.name));
    let all = metadata.reservations(&after, of, 9);
    for reservation in all.await.expect("reservations") {
        if reservation.version.is_empty() {
            metadata.free(&reservation, &ALICE).await.expect("free");
        }
    }
    assert_eq!(bed.revision("pad").await, None);
    restore_all(&bed).await;
    assert!(metadata.owns_name(bed.package("pad")).await.expect("owns"));
    let path = tarball("1.0.0");
    assert!(
        bed.has(bed.package("pad").file(FileKind::Artifact, &path))
            .await
    );
}

pub(super) async fn held(metadata: &Metadata, kind: JobKind) -> HeldJob {
    let text = format!("delete from jobs where kind = '{kind}'");
    metadata.sql.script(text).await.expect("clear");
    metadata
        .queue_job(NewJob::of(kind), &ALICE)
        .await
        .expect("queue");
    metadata.take_job(kind).await.expect("take").expect("job")
}

pub(super) async fn finish(metadata: &Metadata, held: &HeldJob) {
    let end = JobEnd::Succeeded(json!({}));
    metadata.finish_job(held, &end).await.expect("finish");
}
