//! When files were read last is noted in memory, and written down in batches.

use super::fixture::{ALICE, Bed, artifact, tarball};
use crate::Metadata;
use crate::files::FileKey;
use crate::listing::{VersionBy, VersionPage};
use larder_model::{FileKind, Timestamp};

checks![
    a_read_writes_nothing,
    a_noted_use_is_written_down_and_listed,
    a_use_of_a_tag_is_listed,
    uses_are_written_down_once,
    a_use_right_after_another_is_not_noted,
    a_version_was_used_when_one_of_its_files_was,
    a_use_of_what_is_gone_does_no_harm,
    a_file_is_found_as_before_after_its_use_was_written,
];

/// Reads a file as whoever serves it does.
async fn read(metadata: &Metadata, key: FileKey<'_>) {
    let found = metadata.find(key).await.expect("find").expect("there");
    metadata.note_use(key, &found);
}

/// When each version was used, by name.
async fn used(bed: &Bed<'_>, by: VersionBy) -> Vec<Timestamp> {
    let listed = bed
        .metadata
        .versions_of(bed.package("p"), by, VersionPage::first(10))
        .await;
    let listed = listed.expect("versions").into_iter();
    listed.map(|version| version.used_at).collect()
}

async fn a_read_writes_nothing(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let path = tarball("1");
    read(metadata, bed.package("p").file(FileKind::Artifact, &path)).await;
    assert_eq!(used(&bed, VersionBy::Version).await, [Timestamp(0)]);
    metadata.write_uses().await.expect("write");
}

async fn a_noted_use_is_written_down_and_listed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    let path = tarball("2");
    let before = metadata.now();
    read(metadata, bed.package("p").file(FileKind::Artifact, &path)).await;
    let after = metadata.now();
    assert_eq!(metadata.write_uses().await.expect("write"), 1);
    let used = used(&bed, VersionBy::Version).await;
    assert_eq!(used[0], Timestamp(0));
    assert!(before < used[1] && used[1] < after);
    let files = metadata.files_of(bed.package("p"), VersionBy::Version, "2", 10);
    assert_eq!(files.await.expect("files")[0].used_at, used[1]);
    let files = metadata.published(bed.package("p")).await.expect("files");
    assert_eq!(
        files.iter().map(|file| file.used_at).collect::<Vec<_>>(),
        used
    );
}

async fn a_use_of_a_tag_is_listed(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("p", "one", &["a", "b"]).await;
    let before = metadata.now();
    read(metadata, bed.package("p").file(FileKind::Tag, "b")).await;
    metadata.write_uses().await.expect("write");
    let used = used(&bed, VersionBy::Tag).await;
    assert!(used[0] == Timestamp(0) && used[1] > before);
}

async fn uses_are_written_down_once(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    for version in ["1", "2"] {
        let path = tarball(version);
        read(metadata, bed.package("p").file(FileKind::Artifact, &path)).await;
    }
    assert_eq!(metadata.write_uses().await.expect("write"), 2);
    assert_eq!(metadata.write_uses().await.expect("write"), 0);
}

async fn a_use_right_after_another_is_not_noted(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let path = tarball("1");
    let key = bed.package("p").file(FileKind::Artifact, &path);
    read(metadata, key).await;
    assert_eq!(metadata.write_uses().await.expect("write"), 1);
    let first = used(&bed, VersionBy::Version).await;
    read(metadata, key).await;
    assert_eq!(metadata.write_uses().await.expect("write"), 0);
    assert_eq!(used(&bed, VersionBy::Version).await, first);
}

async fn a_version_was_used_when_one_of_its_files_was(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = |path| super::fixture::fetched(path, "1");
    bed.keep("p", metadata.now(), vec![file("a"), file("b"), file("c")])
        .await;
    for path in ["a", "b"] {
        read(metadata, bed.package("p").file(FileKind::Artifact, path)).await;
    }
    metadata.write_uses().await.expect("write");
    let files = metadata.files_of(bed.package("p"), VersionBy::Version, "1", 10);
    let last = files
        .await
        .expect("files")
        .iter()
        .map(|file| file.used_at)
        .max();
    assert_eq!(used(&bed, VersionBy::Version).await, [last.expect("files")]);
    assert!(last > Some(Timestamp(0)));
}

async fn a_use_of_what_is_gone_does_no_harm(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("p", "one", &["t"]).await;
    let key = bed.package("p").file(FileKind::Tag, "t");
    read(metadata, key).await;
    let dropped = metadata.drop_tag(bed.package("p"), "t", None, &ALICE);
    dropped.await.expect("drop");
    assert_eq!(metadata.write_uses().await.expect("write"), 1);
    assert!(!bed.has(key).await);
}

async fn a_file_is_found_as_before_after_its_use_was_written(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    let path = tarball("1");
    let key = bed.package("p").file(FileKind::Artifact, &path);
    let (before, revision) = (bed.find(key).await.expect("there"), bed.revision("p").await);
    read(metadata, key).await;
    metadata.write_uses().await.expect("write");
    let after = bed.find(key).await.expect("there");
    assert_eq!((after.digest, &after.body), (before.digest, &before.body));
    assert_eq!(bed.revision("p").await, revision);
}
