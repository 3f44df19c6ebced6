//! Packages, versions and files are listed by name, and dropped.

use super::fixture::{
    ALICE, BOB, Bed, artifact, assert_unmet, digest, document, fetched, tag, withdraw,
};
use crate::files::PackageKey;
use crate::listing::{VersionBy, VersionPage};
use crate::publishing::Step;
use crate::reservations::ReservationKey;
use crate::{Metadata, Requirement};
use larder_model::FileKind;

checks![
    packages_are_listed_by_name,
    a_package_without_files_is_not_live,
    versions_are_listed_with_their_files,
    versions_go_on_after_a_name,
    a_tag_is_no_file_of_a_version,
    a_version_is_of_whoever_brought_it,
    a_version_tells_when_its_last_file_came,
    files_of_a_version_are_listed_by_path,
    tags_are_listed_as_versions,
    versions_and_tags_are_found_by_what_they_begin_with,
    a_manifest_is_found_by_its_digest,
    a_tag_has_one_file,
    a_dropped_version_is_gone_at_once,
    a_version_that_is_not_there_is_not_dropped,
    files_without_a_version_are_none,
    a_dropped_package_is_gone_at_once,
    a_package_that_is_not_there_is_not_dropped,
    a_dropped_package_leaves_its_name_free,
];

async fn packages_are_listed_by_name(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    for package in ["b", "a", "c"] {
        bed.publish(package, vec![artifact("1")]).await;
    }
    let list = async |after, limit| {
        let listed = metadata.packages_of(bed.repo.id, after, limit).await;
        let listed = listed.expect("packages").into_iter();
        listed.map(|it| it.name.into()).collect::<Vec<String>>()
    };
    assert_eq!(list("", 10).await, ["a", "b", "c"]);
    assert_eq!(list("a", 1).await, ["b"]);
    assert!(list("c", 10).await.is_empty());
}

async fn a_package_without_files_is_not_live(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let live = async || {
        let listed = metadata.packages_of(bed.repo.id, "", 10).await;
        let listed = listed.expect("packages").into_iter();
        listed.map(|it| it.live).collect::<Vec<bool>>()
    };
    bed.publish("a", vec![artifact("1")]).await;
    assert_eq!(live().await, [true]);
    bed.publish("a", withdraw("1")).await;
    assert_eq!(live().await, [false]);
}

/// Files of an upstream: an index, and two versions.
async fn keep_versions(bed: &Bed<'_>) {
    let files = vec![
        document("index", "index"),
        fetched("-/p-1.tgz", "1"),
        fetched("-/p-2.tgz", "2"),
        fetched("more-2", "2"),
    ];
    bed.keep("p", bed.metadata.now(), files).await;
}

/// A page of all names.
fn page(after: &str, limit: u64) -> VersionPage<'_> {
    VersionPage {
        after,
        ..VersionPage::first(limit)
    }
}

/// Names, counts and sizes of versions.
async fn versions(bed: &Bed<'_>, after: &str, limit: u64) -> Vec<(String, u64, u64)> {
    let by = VersionBy::Version;
    let listed = bed
        .metadata
        .versions_of(bed.package("p"), by, page(after, limit));
    let listed = listed.await.expect("versions").into_iter();
    listed
        .map(|it| (it.name.into(), it.files, it.size))
        .collect()
}

async fn versions_are_listed_with_their_files(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let expected = [("1".into(), 1, 9), ("2".into(), 2, 15)];
    assert_eq!(versions(&bed, "", 10).await, expected);
}

async fn versions_go_on_after_a_name(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let all = versions(&bed, "", 10).await;
    assert_eq!(versions(&bed, "", 1).await, all[..1]);
    assert_eq!(versions(&bed, "1", 10).await, all[1..]);
    assert!(versions(&bed, "2", 10).await.is_empty());
}

async fn a_tag_is_no_file_of_a_version(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), tag("latest", "1")])
        .await;
    assert_eq!(versions(&bed, "", 10).await, [("1".into(), 1, 7)]);
    let package = bed.package("p");
    let files = metadata
        .files_of(package, VersionBy::Version, "1", 10)
        .await;
    assert_eq!(files.expect("files").len(), 1);
}

async fn a_version_is_of_whoever_brought_it(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let before = metadata.now();
    bed.publish_by("p", vec![artifact("1")], &BOB).await;
    let listed = metadata.versions_of(bed.package("p"), VersionBy::Version, page("", 10));
    let listed = listed.await.expect("versions").pop().expect("one");
    assert_eq!(&*listed.created_by, "user:bob");
    assert!(listed.created_at > before && listed.used_at.0 == 0);
}

async fn a_version_tells_when_its_last_file_came(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish_by("p", vec![artifact("1")], &BOB).await;
    let between = metadata.now();
    let mut wheel = artifact("1");
    if let Step::Add { path, blob, .. } = &mut wheel {
        "another.whl".clone_into(path);
        *blob = super::fixture::blob("another");
    }
    bed.publish_by("p", vec![wheel], &ALICE).await;
    let listed = metadata.versions_of(bed.package("p"), VersionBy::Version, page("", 10));
    let listed = listed.await.expect("versions").pop().expect("one");
    assert!(listed.created_at < between && listed.pushed_at > between);
}

async fn files_of_a_version_are_listed_by_path(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let list = async |limit| {
        let files = metadata.files_of(bed.package("p"), VersionBy::Version, "2", limit);
        let files = files.await.expect("files");
        assert!(files.iter().all(|file| &*file.created_by == "upstream"));
        files
            .into_iter()
            .map(|file| file.path.into())
            .collect::<Vec<String>>()
    };
    assert_eq!(list(10).await, ["-/p-2.tgz", "more-2"]);
    assert_eq!(list(1).await, ["-/p-2.tgz"]);
}

async fn tags_are_listed_as_versions(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("p", "one", &["b", "a"]).await;
    let list = async |after, limit| {
        let listed = metadata.versions_of(bed.package("p"), VersionBy::Tag, page(after, limit));
        let listed = listed.await.expect("tags").into_iter();
        let all = listed.map(|it| (it.name.into(), it.files, it.size, it.digest));
        all.collect::<Vec<_>>()
    };
    let tag = |name: &str| (name.to_owned(), 1, 3, Some(digest("one")));
    assert_eq!(list("", 10).await, [tag("a"), tag("b")]);
    assert_eq!(list("", 1).await, [tag("a")]);
    assert_eq!(list("a", 10).await, [tag("b")]);
}

async fn versions_and_tags_are_found_by_what_they_begin_with(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let names = ["1.0", "1.10", "1.9", "10", "v1", "%", "é", "éa", "ê"];
    let files = names.map(|name| fetched(name, name)).to_vec();
    bed.keep("p", metadata.now(), files).await;
    let tagged = Bed::images(metadata).await;
    tagged.push("p", "one", &["v1", "v1.1", "v2"]).await;
    let list = async |(package, by), prefix, after| {
        let page = VersionPage {
            prefix,
            ..page(after, 10)
        };
        let listed = metadata.versions_of(package, by, page).await;
        let listed = listed.expect("versions").into_iter();
        listed.map(|it| it.name.into()).collect::<Vec<String>>()
    };
    let versions = (bed.package("p"), VersionBy::Version);
    assert_eq!(list(versions, "1.", "").await, ["1.0", "1.10", "1.9"]);
    assert_eq!(list(versions, "1.", "1.0").await, ["1.10", "1.9"]);
    assert_eq!(list(versions, "%", "").await, ["%"]);
    assert_eq!(list(versions, "é", "").await, ["é", "éa"]);
    assert!(list(versions, "2", "").await.is_empty());
    let tags = (tagged.package("p"), VersionBy::Tag);
    assert_eq!(list(tags, "v1", "").await, ["v1", "v1.1"]);
}

async fn a_manifest_is_found_by_its_digest(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let one = bed.push("p", "one", &["a"]).await;
    let other = bed.push("q", "other", &[]).await;
    let found = metadata.manifest_of(bed.package("p"), &one).await;
    let found = found.expect("look up").expect("manifest");
    assert_eq!(
        (found.kind, found.digest, found.size),
        (FileKind::Manifest, one, 3)
    );
    let elsewhere = metadata.manifest_of(bed.package("p"), &other).await;
    assert_eq!(elsewhere.expect("look up"), None);
}

async fn a_tag_has_one_file(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("p", "one", &["a"]).await;
    let files = metadata
        .files_of(bed.package("p"), VersionBy::Tag, "a", 10)
        .await;
    let files = files.expect("files");
    let files: Vec<_> = files
        .iter()
        .map(|it| (it.kind, &*it.path, it.digest))
        .collect();
    assert_eq!(files, [(FileKind::Tag, "a", digest("one"))]);
}

async fn a_dropped_version_is_gone_at_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let key = bed.package("p").file(FileKind::Artifact, "more-2");
    assert!(bed.has(key).await);
    let before = bed.revision("p").await;
    let dropped = metadata.drop_version(bed.package("p"), "2", &ALICE);
    dropped.await.expect("drop");
    assert!(!bed.has(key).await);
    assert_eq!(versions(&bed, "", 10).await, [("1".into(), 1, 9)]);
    assert!(bed.revision("p").await > before);
}

async fn assert_no_version(metadata: &Metadata, package: PackageKey<'_>, version: &str) {
    let dropped = metadata.drop_version(package, version, &ALICE).await;
    assert_unmet(dropped, Requirement::Version);
}

async fn a_version_that_is_not_there_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    assert_no_version(metadata, bed.package("p"), "3").await;
}

async fn files_without_a_version_are_none(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    assert_no_version(metadata, bed.package("p"), "").await;
    assert!(
        bed.has(bed.package("p").file(FileKind::Document, "index"))
            .await
    );
    let files = metadata.files_of(bed.package("p"), VersionBy::Version, "", 10);
    assert!(files.await.expect("files").is_empty());
}

async fn a_dropped_package_is_gone_at_once(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let package = bed.package("p");
    let keys = [
        package.file(FileKind::Document, "index"),
        package.file(FileKind::Artifact, "-/p-1.tgz"),
    ];
    for key in keys {
        assert!(bed.has(key).await);
    }
    metadata.drop_package(package, &ALICE).await.expect("drop");
    for key in keys {
        assert!(!bed.has(key).await);
    }
    let left = metadata.packages_of(bed.repo.id, "", 10).await;
    assert!(left.expect("packages").is_empty());
}

async fn a_package_that_is_not_there_is_not_dropped(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let dropped = metadata.drop_package(bed.package("p"), &ALICE).await;
    assert_unmet(dropped, Requirement::Package);
}

async fn a_dropped_package_leaves_its_name_free(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    keep_versions(&bed).await;
    let dropped = metadata.drop_package(bed.package("p"), &ALICE).await;
    dropped.expect("drop");
    let repository = Some((bed.repo.protocol, &bed.repo.name));
    let after = ReservationKey::default();
    let reserved = metadata.reservations(&after, repository, 10).await;
    assert!(reserved.expect("reservations").is_empty());
    keep_versions(&bed).await;
    assert_eq!(versions(&bed, "", 10).await.len(), 2);
}
