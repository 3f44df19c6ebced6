//! Names that were published stay taken until someone frees them.

use super::fixture::{
    ALICE, BOB, Bed, Push, artifact, assert_unmet, blob, tag, tombstone, withdraw,
};
use crate::listing::{VersionBy, VersionPage};
use crate::repos::NewRepo;
use crate::reservations::{Reservation, ReservationKey};
use crate::{Metadata, Requirement};
use larder_model::{FileKind, RepoKind, RepoSettings};

checks![
    what_is_published_is_not_listed,
    a_withdrawn_version_is_listed,
    a_withdrawn_package_is_listed,
    names_of_a_dropped_repository_are_listed,
    a_dropped_mirror_leaves_no_names,
    reservations_come_page_by_page,
    reservations_of_one_repository_are_told_alone,
    repositories_that_left_reservations_are_told,
    a_reserved_package_is_told,
    a_reserved_name_is_not_published,
    a_reserved_image_is_not_pushed,
    a_reservation_holds_in_its_repository_only,
    a_freed_name_is_published_again,
    a_freed_package_leaves_nothing,
    a_freed_version_leaves_the_others,
    a_document_composed_before_does_not_outlive_a_freed_version,
    a_name_is_freed_once,
    a_package_that_is_published_again_is_not_freed,
    freeing_a_name_tells_other_servers,
];

/// Package, version and author of each.
fn told(reservations: &[Reservation]) -> Vec<(&str, &str, &str)> {
    let mut told = Vec::new();
    for it in reservations {
        told.push((&*it.package, &*it.version, &*it.reserved_by));
    }
    told
}

async fn of(bed: &Bed<'_>) -> Vec<Reservation> {
    let repository = Some((bed.repo.protocol, &bed.repo.name));
    let after = ReservationKey::default();
    let listed = bed.metadata.reservations(&after, repository, 100).await;
    listed.expect("reservations")
}

async fn drop(bed: &Bed<'_>) {
    let dropped = bed.metadata.drop_repo(bed.repo.id, false, &BOB).await;
    dropped.expect("drop");
}

/// Makes a repository of the same name.
async fn again<'a>(bed: &Bed<'a>) -> Bed<'a> {
    let new = NewRepo {
        protocol: bed.repo.protocol,
        name: &bed.repo.name,
        kind: RepoKind::Hosted,
        description: "",
        settings: &RepoSettings::default(),
        members: &[],
    };
    let repo = bed
        .metadata
        .add_repo(new, &ALICE)
        .await
        .expect("repository");
    Bed {
        metadata: bed.metadata,
        repo,
    }
}

async fn what_is_published_is_not_listed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), tag("latest", "1")])
        .await;
    assert!(of(&bed).await.is_empty());
}

async fn a_withdrawn_version_is_listed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    let before = metadata.now();
    bed.publish_by("p", withdraw("1"), &BOB).await;
    let listed = of(&bed).await;
    assert_eq!(told(&listed), [("p", "1", "user:bob")]);
    assert_eq!(listed[0].repo, Some(bed.repo.id));
    assert!(listed[0].reserved_at > before);
}

async fn a_withdrawn_package_is_listed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish_by("p", vec![artifact("1")], &ALICE).await;
    bed.publish_by("p", withdraw("1"), &BOB).await;
    let expected = [("p", "", "user:alice"), ("p", "1", "user:bob")];
    assert_eq!(told(&of(&bed).await), expected);
}

async fn names_of_a_dropped_repository_are_listed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("live", vec![artifact("1")]).await;
    bed.publish("withdrawn", vec![artifact("1")]).await;
    bed.publish("withdrawn", withdraw("1")).await;
    bed.publish("", vec![]).await;
    let before = metadata.now();
    drop(&bed).await;
    let listed = of(&bed).await;
    let expected = [("live", "", "user:bob"), ("withdrawn", "", "user:bob")];
    assert_eq!(told(&listed), expected);
    assert!(
        listed
            .iter()
            .all(|it| it.repo.is_none() && it.reserved_at > before)
    );
}

async fn a_dropped_mirror_leaves_no_names(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = super::fixture::document("index", "one");
    bed.keep("p", metadata.now(), vec![file]).await;
    drop(&bed).await;
    assert!(of(&bed).await.is_empty());
}

async fn reservations_come_page_by_page(metadata: &Metadata) {
    let (live, gone) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    for bed in [&live, &gone] {
        bed.publish("b", vec![artifact("1")]).await;
        bed.publish("a", vec![artifact("1"), artifact("2")]).await;
        bed.publish("a", [withdraw("1"), withdraw("2")].concat())
            .await;
    }
    drop(&gone).await;
    // From the first of them on, whatever others left before.
    let mut after = ReservationKey {
        protocol: live.repo.protocol.0.into(),
        repository: live.repo.name.as_str().into(),
        ..ReservationKey::default()
    };
    let mut all = Vec::new();
    for _ in 0..5 {
        let page = metadata.reservations(&after, None, 1).await;
        let next = page.expect("page").pop().expect("one more");
        after = next.key();
        all.push((
            next.repository == live.repo.name,
            next.package,
            next.version,
        ));
    }
    let expected = [
        (true, "a".into(), "".into()),
        (true, "a".into(), "1".into()),
        (true, "a".into(), "2".into()),
        (false, "a".into(), "".into()),
        (false, "b".into(), "".into()),
    ];
    assert_eq!(all, expected);
}

async fn reservations_of_one_repository_are_told_alone(metadata: &Metadata) {
    let (one, other) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    for (bed, package) in [(&one, "p"), (&other, "q")] {
        bed.publish(package, vec![artifact("1")]).await;
        drop(bed).await;
    }
    assert_eq!(told(&of(&one).await), [("p", "", "user:bob")]);
    assert_eq!(told(&of(&other).await), [("q", "", "user:bob")]);
}

async fn repositories_that_left_reservations_are_told(metadata: &Metadata) {
    let (gone, live) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    for bed in [&gone, &live] {
        bed.publish("p", vec![artifact("1")]).await;
        bed.publish("p", withdraw("1")).await;
    }
    drop(&gone).await;
    let told = metadata.reserved_repositories().await.expect("told");
    let key = |bed: &Bed<'_>| (bed.repo.protocol, bed.repo.name.clone());
    assert!(told.contains(&key(&gone)) && !told.contains(&key(&live)));
}

async fn a_reserved_package_is_told(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let package = format!("package-of-{}", bed.repo.name);
    let is_reserved = async || {
        let protocol = bed.repo.protocol;
        let is_reserved = metadata.is_reserved(protocol, &package).await;
        let all = metadata.reserved_packages(protocol).await.expect("told");
        let is_reserved = is_reserved.expect("told");
        assert_eq!(all.contains(package.as_str()), is_reserved);
        is_reserved
    };
    bed.publish(&package, vec![artifact("1")]).await;
    assert!(!is_reserved().await);
    drop(&bed).await;
    assert!(is_reserved().await);
    for reservation in of(&bed).await {
        metadata.free(&reservation, &ALICE).await.expect("free");
    }
    assert!(!is_reserved().await);
}

async fn a_reserved_name_is_not_published(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    drop(&bed).await;
    let bed = again(&bed).await;
    let published = bed.change("p", None, vec![artifact("2")], &ALICE).await;
    assert_unmet(published, Requirement::NameFree);
    assert_eq!(bed.revision("p").await, None);
    assert!(!metadata.owns_name(bed.package("p")).await.expect("name"));
}

async fn a_reserved_image_is_not_pushed(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    bed.push("p", "m", &["1"]).await;
    drop(&bed).await;
    let bed = again(&bed).await;
    let pushed = bed.try_push("p", Push::new("m", &["1"])).await;
    assert_unmet(pushed, Requirement::NameFree);
    assert_eq!(bed.revision("p").await, None);
    bed.push("other", "m", &["1"]).await;
    for reservation in of(&bed).await {
        metadata.free(&reservation, &ALICE).await.expect("free");
    }
    bed.push("p", "m", &["1"]).await;
}

async fn a_reservation_holds_in_its_repository_only(metadata: &Metadata) {
    let (gone, other) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    gone.publish("p", vec![artifact("1")]).await;
    drop(&gone).await;
    other.publish("p", vec![artifact("1")]).await;
    again(&gone).await.publish("q", vec![artifact("1")]).await;
}

async fn a_freed_name_is_published_again(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    drop(&bed).await;
    for reservation in of(&bed).await {
        metadata.free(&reservation, &ALICE).await.expect("free");
    }
    assert!(of(&bed).await.is_empty());
    let bed = again(&bed).await;
    bed.publish("p", vec![artifact("1")]).await;
    assert!(of(&bed).await.is_empty());
}

async fn a_freed_package_leaves_nothing(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    bed.publish("p", withdraw("1")).await;
    let (package, revision) = (bed.package("p"), bed.revision("p").await.expect("there"));
    let composed = metadata.keep_composed(package, revision, "index", "", blob("none"));
    composed.await.expect("compose");
    metadata
        .free(&of(&bed).await[0], &ALICE)
        .await
        .expect("free");
    assert!(of(&bed).await.is_empty());
    assert!(!metadata.owns_name(package).await.expect("name"));
    assert!(!bed.has(package.file(FileKind::Document, "index")).await);
    assert_eq!(bed.revision("p").await, None);
    // Whoever is first takes it, with the version that was taken back.
    bed.publish_by("p", vec![artifact("1")], &BOB).await;
    let versions = metadata
        .versions_of(package, VersionBy::Version, VersionPage::first(10))
        .await;
    assert_eq!(versions.expect("versions").len(), 1);
}

async fn a_freed_version_leaves_the_others(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2"), artifact("3")])
        .await;
    bed.publish("p", [withdraw("1"), withdraw("2")].concat())
        .await;
    let listed = of(&bed).await;
    assert_eq!(&*listed[0].version, "1");
    metadata.free(&listed[0], &ALICE).await.expect("free");
    assert_eq!(told(&of(&bed).await), [("p", "2", "user:alice")]);
    let kinds = metadata.published(bed.package("p")).await.expect("files");
    let kinds: Vec<_> = kinds.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, [FileKind::Artifact, FileKind::Tombstone]);
}

async fn a_document_composed_before_does_not_outlive_a_freed_version(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    bed.publish("p", withdraw("1")).await;
    let (package, revision) = (bed.package("p"), bed.revision("p").await.expect("there"));
    let compose = async || {
        let composed = metadata.keep_composed(package, revision, "index", "", blob("1 is gone"));
        composed.await
    };
    compose().await.expect("compose");
    metadata
        .free(&of(&bed).await[0], &ALICE)
        .await
        .expect("free");
    assert!(!bed.has(package.file(FileKind::Document, "index")).await);
    assert_unmet(compose().await, Requirement::Revision);
}

async fn a_name_is_freed_once(metadata: &Metadata) {
    let (live, gone) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    for bed in [&live, &gone] {
        bed.publish("p", vec![artifact("1"), artifact("2")]).await;
        bed.publish("p", withdraw("1")).await;
    }
    drop(&gone).await;
    for bed in [&live, &gone] {
        let listed = of(bed).await;
        metadata.free(&listed[0], &ALICE).await.expect("free");
        let freed = metadata.free(&listed[0], &ALICE).await;
        assert_unmet(freed, Requirement::Reservation);
    }
}

async fn a_package_that_is_published_again_is_not_freed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    bed.publish("p", withdraw("1")).await;
    let listed = of(&bed).await;
    assert_eq!(&*listed[0].version, "");
    bed.publish("p", vec![artifact("2"), tombstone("0")]).await;
    let freed = metadata.free(&listed[0], &ALICE).await;
    assert_unmet(freed, Requirement::Reservation);
    assert!(metadata.owns_name(bed.package("p")).await.expect("name"));
    assert_eq!(of(&bed).await.len(), 2);
}

async fn freeing_a_name_tells_other_servers(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1")]).await;
    drop(&bed).await;
    let before = metadata.policy_version().await.expect("version");
    metadata
        .free(&of(&bed).await[0], &ALICE)
        .await
        .expect("free");
    assert_ne!(metadata.policy_version().await.expect("version"), before);
}
