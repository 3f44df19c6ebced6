//! An index tells of all packages of a repository: it is kept as one state, and goes with every
//! change of an address.

use super::fixture::{ALICE, Bed, artifact, assert_unmet, blob, digest, tag, tarball, tombstone};
use crate::index::{AfterFile, IndexDocument, IndexOf};
use crate::publishing::Step;
use crate::{Error, Metadata, Requirement};
use larder_model::{CacheLifetime, FileKind, RepoSettings};
use std::time::Duration;

checks![
    an_address_names_the_package_of_its_file,
    an_address_is_one_file_s,
    an_address_is_removed_by_its_package_only,
    addresses_are_counted,
    published_files_of_all_packages_come_page_by_page,
    the_index_has_a_revision_from_the_first_question_on,
    only_a_change_of_an_address_moves_the_revision,
    an_index_of_the_past_is_not_kept,
    a_change_of_an_address_drops_the_head_alone,
    the_next_index_takes_the_place_of_the_signature,
    an_index_without_a_signature_leaves_none,
    parts_of_the_past_stay_for_the_grace,
    parts_of_the_past_go_after_the_grace,
    a_part_that_is_used_again_stays,
    an_index_of_others_lasts_until_the_next_one_of_its_folder,
    what_stands_elsewhere_goes_after_the_grace,
    what_belongs_to_no_package_is_part_of_the_index,
    other_settings_drop_what_was_signed,
];

const DAY: Duration = Duration::from_hours(24);

fn add_address(path: &str, version: &str) -> Step {
    Step::AddAddress {
        path: path.to_owned(),
        digest: digest(&tarball(version)),
    }
}

/// Publishes a package at an address.
async fn publish(bed: &Bed<'_>, package: &str, address: &str) {
    let steps = vec![artifact("1"), add_address(address, "1")];
    bed.publish(package, steps).await;
}

async fn an_address_names_the_package_of_its_file(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    let key = bed.package("").file(FileKind::Artifact, "Packages/a.rpm");
    let found = bed.find(key).await.expect("there");
    assert_eq!((&*found.owner, found.digest), ("a", digest(&tarball("1"))));
}

async fn an_address_is_one_file_s(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    let steps = vec![artifact("1"), add_address("Packages/a.rpm", "1")];
    let taken = bed.change("b", None, steps, &ALICE).await;
    assert_unmet(taken, Requirement::File);
    assert_eq!(bed.revision("b").await, None);
}

async fn an_address_is_removed_by_its_package_only(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    publish(&bed, "b", "Packages/b.rpm").await;
    let remove = || {
        vec![Step::RemoveAddress {
            path: "Packages/a.rpm".to_owned(),
        }]
    };
    let revision = bed.revision("b").await;
    let removed = bed.change("b", revision, remove(), &ALICE).await;
    assert_unmet(removed, Requirement::File);
    let key = bed.package("").file(FileKind::Artifact, "Packages/a.rpm");
    assert!(bed.has(key).await);
    bed.publish("a", remove()).await;
    assert!(!bed.has(key).await);
}

async fn addresses_are_counted(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let count = async || metadata.address_count(bed.repo.id).await.expect("count");
    assert_eq!(count().await, 0);
    publish(&bed, "a", "Packages/a.rpm").await;
    publish(&bed, "b", "Packages/b.rpm").await;
    bed.publish("c", vec![artifact("1")]).await;
    assert_eq!(count().await, 2);
}

async fn published_files_of_all_packages_come_page_by_page(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("b", vec![artifact("1"), tag("latest", "1"), tombstone("0")])
        .await;
    publish(&bed, "a", "Packages/a.rpm").await;
    let (mut after, mut all) = (AfterFile::default(), Vec::new());
    loop {
        let page = metadata.all_published(bed.repo.id, &after, 1).await;
        let Some((package, file)) = page.expect("page").pop() else {
            break;
        };
        all.push((package.to_string(), file.kind, file.path.to_string()));
        after = AfterFile {
            package,
            kind: file.kind.word().into(),
            path: file.path,
        };
    }
    let expected = [
        ("a", FileKind::Artifact, "-/1.tgz"),
        ("b", FileKind::Artifact, "-/1.tgz"),
        ("b", FileKind::Tag, "latest"),
        ("b", FileKind::Tombstone, "0"),
    ];
    assert_eq!(
        all,
        expected.map(|(package, kind, path)| (package.into(), kind, path.into()))
    );
}

async fn revision(bed: &Bed<'_>) -> i64 {
    let name = bed.full_name("");
    let revision = bed.metadata.index_revision(bed.repo.id, &name).await;
    revision.expect("revision")
}

async fn the_index_has_a_revision_from_the_first_question_on(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let first = revision(&bed).await;
    assert_eq!(revision(&bed).await, first);
}

async fn only_a_change_of_an_address_moves_the_revision(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let first = revision(&bed).await;
    bed.publish("a", vec![artifact("1")]).await;
    assert_eq!(revision(&bed).await, first);
    bed.publish("a", vec![add_address("Packages/a.rpm", "1")])
        .await;
    assert!(revision(&bed).await > first);
}

fn part(path: &str, text: &str, lifetime: CacheLifetime) -> IndexDocument {
    let kind = match lifetime {
        CacheLifetime::Longer => FileKind::Artifact,
        CacheLifetime::UntilChange | CacheLifetime::UntilNext => FileKind::Document,
    };
    IndexDocument {
        kind,
        path: path.to_owned(),
        blob: blob(text),
        content_type: "text/plain",
        lifetime,
    }
}

/// Keeps an index of a head, its signature, and a list named by `number`.
async fn keep(bed: &Bed<'_>, revision: i64, number: &str, grace: Duration) -> Result<(), Error> {
    let documents = vec![
        part("head", number, CacheLifetime::UntilChange),
        part("signature", number, CacheLifetime::UntilNext),
        part(number, number, CacheLifetime::Longer),
    ];
    let of = IndexOf::Revision(revision);
    bed.metadata
        .keep_index(bed.repo.id, of, documents, grace)
        .await
}

async fn keep_now(bed: &Bed<'_>, number: &str, grace: Duration) {
    let kept = keep(bed, revision(bed).await, number, grace).await;
    kept.expect("keep");
}

async fn has_document(bed: &Bed<'_>, path: &str) -> bool {
    bed.has(bed.package("").file(FileKind::Document, path))
        .await
}

async fn has_part(bed: &Bed<'_>, path: &str) -> bool {
    bed.has(bed.package("").file(FileKind::Artifact, path))
        .await
}

async fn an_index_of_the_past_is_not_kept(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let past = revision(&bed).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    assert_unmet(keep(&bed, past, "1", DAY).await, Requirement::Revision);
    assert!(!has_document(&bed, "head").await && !has_part(&bed, "1").await);
}

async fn a_change_of_an_address_drops_the_head_alone(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    assert!(has_document(&bed, "head").await);
    publish(&bed, "a", "Packages/a.rpm").await;
    assert!(!has_document(&bed, "head").await);
    // Someone who read the head may still ask for these.
    assert!(has_document(&bed, "signature").await && has_part(&bed, "1").await);
}

async fn the_next_index_takes_the_place_of_the_signature(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    keep_now(&bed, "2", DAY).await;
    for path in ["head", "signature"] {
        let found = bed.find(bed.package("").file(FileKind::Document, path));
        assert_eq!(found.await.expect("there").digest, digest("2"));
    }
}

async fn an_index_without_a_signature_leaves_none(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    let of = IndexOf::Revision(revision(&bed).await);
    let documents = vec![part("head", "2", CacheLifetime::UntilChange)];
    let kept = metadata.keep_index(bed.repo.id, of, documents, DAY).await;
    kept.expect("keep");
    assert!(has_document(&bed, "head").await && !has_document(&bed, "signature").await);
}

async fn parts_of_the_past_stay_for_the_grace(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    keep_now(&bed, "2", DAY).await;
    assert!(has_part(&bed, "1").await && has_part(&bed, "2").await);
}

async fn parts_of_the_past_go_after_the_grace(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    keep_now(&bed, "2", Duration::ZERO).await;
    assert!(!has_part(&bed, "1").await && has_part(&bed, "2").await);
}

async fn a_part_that_is_used_again_stays(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    publish(&bed, "a", "Packages/a.rpm").await;
    keep_now(&bed, "1", Duration::ZERO).await;
    keep_now(&bed, "2", Duration::ZERO).await;
    assert!(has_part(&bed, "1").await);
}

/// Keeps an index of other repositories: a list in a folder, and a head elsewhere.
async fn keep_of_others(bed: &Bed<'_>, folder: &str, list: &str, grace: Duration) {
    let documents = vec![
        part(
            &format!("elsewhere/{folder}head"),
            list,
            CacheLifetime::Longer,
        ),
        part(&format!("{folder}{list}"), list, CacheLifetime::Longer),
    ];
    let of = IndexOf::Others(folder);
    let kept = bed.metadata.keep_index(bed.repo.id, of, documents, grace);
    kept.await.expect("keep");
}

async fn an_index_of_others_lasts_until_the_next_one_of_its_folder(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_of_others(&bed, "one/", "1", DAY).await;
    keep_of_others(&bed, "two/", "2", Duration::ZERO).await;
    assert!(has_part(&bed, "one/1").await && has_part(&bed, "two/2").await);
    keep_of_others(&bed, "one/", "3", DAY).await;
    assert!(has_part(&bed, "one/1").await, "within the grace it stays");
    keep_of_others(&bed, "one/", "3", Duration::ZERO).await;
    assert!(!has_part(&bed, "one/1").await && has_part(&bed, "one/3").await);
    assert!(
        has_part(&bed, "two/2").await,
        "another folder is not touched"
    );
}

async fn what_stands_elsewhere_goes_after_the_grace(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_of_others(&bed, "one/", "1", DAY).await;
    assert!(has_part(&bed, "elsewhere/one/head").await);
    keep_of_others(&bed, "two/", "2", Duration::ZERO).await;
    assert!(!has_part(&bed, "elsewhere/one/head").await);
}

async fn what_belongs_to_no_package_is_part_of_the_index(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    let given = Step::Add {
        kind: FileKind::Artifact,
        path: "comps.xml".to_owned(),
        version: String::new(),
        blob: blob("given"),
        content_type: "",
        metadata: String::new(),
    };
    bed.publish("", vec![given]).await;
    assert!(!has_document(&bed, "head").await, "it is composed anew");
    let files = metadata.published(bed.package("")).await.expect("files");
    let paths: Vec<_> = files.iter().map(|file| &*file.path).collect();
    assert_eq!(paths, ["comps.xml"], "parts of the index are not published");
}

async fn other_settings_drop_what_was_signed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    keep_now(&bed, "1", DAY).await;
    let before = revision(&bed).await;
    let settings = RepoSettings::default();
    let changed = metadata.change_repo(bed.repo.id, "", &settings, None, &ALICE);
    changed.await.expect("change");
    assert!(!has_document(&bed, "head").await && !has_document(&bed, "signature").await);
    assert_unmet(keep(&bed, before, "2", DAY).await, Requirement::Revision);
}
