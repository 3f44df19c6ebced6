//! What there must be of files.

use super::rows::{
    CARGO, CHECKED, IMAGE_MIRROR, IMAGES, MADE, MAIN, NPM, NPM_MIRROR, PYPI, PYPI_MIRROR, RPM,
    RPM_GROUP, RPM_MIRROR, at, digest,
};
use crate::Metadata;
use crate::files::{FileRecord, PackageKey};
use crate::listed_files::ListedFile;
use crate::listing::{VersionBy, VersionPage};
use crate::reservations::ReservationKey;
use crate::suite::fixture::ALICE;
use larder_model::{FileKind, ProtocolName, RepoSettings, Timestamp};
use std::sync::Arc;

checks![
    by crate::suite::old_schemas::tests::on_sqlite;
    published_files_are_there,
    names_are_taken,
    what_was_taken_back_stays_reserved,
    composed_documents_are_there,
    versions_are_listed,
    fetched_documents_have_their_validators,
    fetched_artifacts_have_their_integrity,
    representations_have_what_they_were_made_from,
    entity_tags_of_upstreams_mean_nothing,
    names_that_upstreams_chose_mean_nothing,
    addresses_have_their_packages,
    an_index_is_there_with_its_parts,
    what_a_group_merged_is_merged_again,
    pushed_images_are_there,
    fetched_images_are_there,
    kept_files_of_packages_are_listed,
];

async fn find(
    metadata: &Metadata,
    (repo, package): (i64, &str),
    kind: FileKind,
    path: &str,
) -> Option<Arc<FileRecord>> {
    let found = metadata.find(at(repo, package).file(kind, path)).await;
    found.expect("find")
}

/// A file of that kind has the bytes of `text`.
async fn assert_has(
    metadata: &Metadata,
    package: (i64, &str),
    (kind, path): (FileKind, &str),
    text: &str,
) -> Arc<FileRecord> {
    let found = find(metadata, package, kind, path).await;
    let found = found.unwrap_or_else(|| panic!("{package:?} has no {kind} {path}"));
    assert_eq!(found.digest, digest(text), "{package:?} {path}");
    assert_eq!(found.body.as_deref(), Some(text.as_bytes()));
    found
}

/// Kinds, paths and versions of all that is published.
async fn published(
    metadata: &Metadata,
    package: PackageKey<'_>,
) -> Vec<(FileKind, String, String)> {
    let files = metadata
        .published(package)
        .await
        .expect("files")
        .into_iter();
    let told = files.map(|file| (file.kind, file.path.into(), file.version.into()));
    told.collect()
}

async fn published_files_are_there(metadata: &Metadata) {
    let (artifact, tag, tombstone) = (FileKind::Artifact, FileKind::Tag, FileKind::Tombstone);
    let widget = at(NPM, "widget");
    let expected = [
        (artifact, "-/widget-1.0.0.tgz".into(), "1.0.0".into()),
        (artifact, "-/widget-2.0.0.tgz".into(), "2.0.0".into()),
        (tag, "latest".into(), "2.0.0".into()),
        (tombstone, "0.9.0".into(), String::new()),
    ];
    assert_eq!(published(metadata, widget).await, expected);
    let files = metadata.published(widget).await.expect("files");
    let first = &files[0];
    assert_eq!(
        (&*first.metadata, &*first.created_by),
        ("{\"a\":1}", "user:alice")
    );
    assert_eq!(
        (first.digest, first.created_at),
        (digest(&first.path), Timestamp(MADE))
    );
    let expected = [
        (artifact, "demo-1.0.tar.gz".into(), "1.0".into()),
        (tombstone, "demo-0.9.tar.gz".into(), String::new()),
    ];
    assert_eq!(published(metadata, at(PYPI, "demo")).await, expected);
    let expected = [
        (artifact, "crates/demo/1.0.0".into(), "1.0.0".into()),
        (tombstone, "0.9.0".into(), String::new()),
    ];
    assert_eq!(published(metadata, at(CARGO, "demo")).await, expected);
    let path = "-/widget-2.0.0.tgz";
    assert_has(metadata, (NPM, "widget"), (artifact, path), path).await;
    assert_has(metadata, (NPM, "widget"), (tag, "latest"), path).await;
}

async fn names_are_taken(metadata: &Metadata) {
    let packages = [
        (NPM, "widget"),
        (NPM, "withdrawn"),
        (PYPI, "demo"),
        (RPM, "demo"),
    ];
    for (repo, package) in packages {
        let owns = metadata.owns_name(at(repo, package)).await;
        assert!(owns.expect("name"), "{package}");
    }
    for (repo, package) in [(NPM_MIRROR, "left-pad"), (PYPI_MIRROR, "tricky"), (RPM, "")] {
        let owns = metadata.owns_name(at(repo, package)).await;
        assert!(!owns.expect("name"), "{package}");
    }
}

async fn what_was_taken_back_stays_reserved(metadata: &Metadata) {
    let listed = metadata
        .reservations(&ReservationKey::default(), None, 100)
        .await;
    let listed = listed.expect("reservations").into_iter();
    let listed: Vec<_> = listed
        .map(|it| {
            (
                it.repo,
                it.package.to_string(),
                it.version.to_string(),
                it.reserved_by.to_string(),
            )
        })
        .collect();
    let of = |repo, package: &str, version: &str, by: &str| {
        (
            Some(repo),
            package.to_owned(),
            version.to_owned(),
            by.to_owned(),
        )
    };
    let expected = [
        of(CARGO, "demo", "0.9.0", "user:bob"),
        of(NPM, "widget", "0.9.0", "user:bob"),
        of(NPM, "withdrawn", "", "user:alice"),
        of(NPM, "withdrawn", "1.0.0", "user:bob"),
        of(PYPI, "demo", "demo-0.9.tar.gz", "user:bob"),
        of(RPM, "demo", "demo-0-1.noarch", "user:bob"),
    ];
    assert_eq!(listed, expected);
}

async fn composed_documents_are_there(metadata: &Metadata) {
    let (package, index) = ((NPM, "widget"), (FileKind::Document, "index"));
    let found = assert_has(metadata, package, index, "index").await;
    assert_eq!((&*found.etag, &*found.integrity), ("", ""));
}

async fn versions_are_listed(metadata: &Metadata) {
    let list = async |repo, package, by| {
        let listed = metadata
            .versions_of(at(repo, package), by, VersionPage::first(10))
            .await;
        let listed = listed.expect("versions").into_iter();
        listed
            .map(|it| (it.name.into(), it.files))
            .collect::<Vec<(String, u64)>>()
    };
    let versions = list(NPM, "widget", VersionBy::Version).await;
    assert_eq!(versions, [("1.0.0".into(), 1), ("2.0.0".into(), 1)]);
    let versions = list(NPM_MIRROR, "left-pad", VersionBy::Version).await;
    assert_eq!(versions, [("1.3.0".into(), 1)]);
    let tags = list(IMAGES, "app", VersionBy::Tag).await;
    assert_eq!(tags, [("latest".into(), 1), ("v1".into(), 1)]);
    let packages = metadata.packages_of(NPM, "", 10).await.expect("packages");
    let packages: Vec<_> = packages.iter().map(|it| (&*it.name, it.live)).collect();
    assert_eq!(packages, [("widget", true), ("withdrawn", false)]);
}

async fn fetched_documents_have_their_validators(metadata: &Metadata) {
    let (package, index) = ((NPM_MIRROR, "left-pad"), (FileKind::Document, "index"));
    let found = assert_has(metadata, package, index, "two").await;
    assert_eq!((&*found.etag, &*found.modified), ("\"2\"", "Mon"));
    assert_eq!(
        (found.checked_at, &*found.integrity),
        (Timestamp(CHECKED), "")
    );
}

async fn fetched_artifacts_have_their_integrity(metadata: &Metadata) {
    let (package, path) = ((NPM_MIRROR, "left-pad"), "-/left-pad-1.3.0.tgz");
    let found = assert_has(metadata, package, (FileKind::Artifact, path), "left-pad").await;
    assert_eq!((&*found.integrity, &*found.etag), ("sha512:abc", ""));
}

async fn representations_have_what_they_were_made_from(metadata: &Metadata) {
    let made = [
        (
            NPM,
            "widget",
            "abbreviated@0123456789ab/index",
            "sha256:1#1",
        ),
        (NPM_MIRROR, "left-pad", ".gz/index", "sha256:2#1"),
        (MAIN, "left-pad", "abbreviated/index", "sha256:2#1"),
    ];
    for (repo, package, path, source) in made {
        let file = (FileKind::Representation, path);
        let found = assert_has(metadata, (repo, package), file, &format!("forms/{path}")).await;
        assert_eq!((&*found.derived_from, &*found.etag), (source, ""));
        assert_eq!(&*found.integrity, "");
    }
}

async fn entity_tags_of_upstreams_mean_nothing(metadata: &Metadata) {
    // It drops what was composed for the repository.
    let settings = RepoSettings::default();
    let changed = metadata
        .change_repo(NPM_MIRROR, "", &settings, None, &ALICE)
        .await;
    changed.expect("change");
    for (path, etag) in [
        ("composed", "composed"),
        ("state", "state"),
        ("of", "of another"),
    ] {
        let found = find(metadata, (NPM_MIRROR, ""), FileKind::Document, path).await;
        let found = found.expect("there");
        assert_eq!((&*found.etag, &*found.owner), (etag, ""));
        assert_eq!(found.checked_at, Timestamp(CHECKED));
    }
}

async fn names_that_upstreams_chose_mean_nothing(metadata: &Metadata) {
    let package = (PYPI_MIRROR, "tricky");
    for path in ["owned", "gone/1", "tags/1", "forms/1", "simple"] {
        let found = assert_has(metadata, package, (FileKind::Artifact, path), path).await;
        assert_eq!(&*found.integrity, "sha256:abc");
    }
    let document = (FileKind::Document, "forms/2");
    let found = assert_has(metadata, package, document, "forms/2").await;
    assert_eq!((&*found.etag, &*found.derived_from), ("\"2\"", ""));
}

async fn addresses_have_their_packages(metadata: &Metadata) {
    let path = "Packages/demo-1.rpm";
    let address = (FileKind::Artifact, path);
    let found = assert_has(metadata, (RPM, ""), address, path).await;
    assert_eq!((&*found.owner, &*found.etag), ("demo", ""));
    let found = assert_has(metadata, (RPM, "demo"), address, path).await;
    assert_eq!(&*found.owner, "");
    assert_eq!(metadata.address_count(RPM).await.expect("count"), 1);
}

async fn an_index_is_there_with_its_parts(metadata: &Metadata) {
    for path in ["repodata/repomd.xml", "repodata/repomd.xml.asc"] {
        let found = assert_has(metadata, (RPM, ""), (FileKind::Document, path), path).await;
        assert_eq!(&*found.etag, "");
    }
    for path in ["repodata/1-primary.xml.zst", "repodata/2-primary.xml.zst"] {
        assert_has(metadata, (RPM, ""), (FileKind::Artifact, path), path).await;
    }
    let given = (
        FileKind::Artifact,
        "repodata/comps.xml".into(),
        String::new(),
    );
    assert_eq!(published(metadata, at(RPM, "")).await, [given]);
    assert_eq!(
        metadata.revision(at(RPM, "")).await.expect("revision"),
        Some(7)
    );
}

async fn what_a_group_merged_is_merged_again(metadata: &Metadata) {
    for kind in FileKind::ALL {
        let left = metadata.list(at(RPM_GROUP, ""), *kind, "", 10).await;
        assert!(left.expect("list").is_empty());
    }
}

async fn pushed_images_are_there(metadata: &Metadata) {
    let app = (IMAGES, "app");
    let (layer, manifest) = (digest("layer"), digest("manifest"));
    let path = layer.to_string();
    assert_has(metadata, app, (FileKind::Blob, &path), "layer").await;
    let path = manifest.to_string();
    let files = [
        (FileKind::Manifest, &*path),
        (FileKind::Tag, "latest"),
        (FileKind::Tag, "v1"),
    ];
    for file in files {
        let found = assert_has(metadata, app, file, "manifest").await;
        assert_eq!(&*found.content_type, "application/manifest");
    }
    let used_by = metadata.used_by(at(IMAGES, "app"), &layer).await;
    assert_eq!(used_by.expect("used"), Some(manifest));
    let referrers = metadata
        .referrers(at(IMAGES, "app"), &digest("subject"), "", 10)
        .await;
    let referrers = referrers.expect("referrers");
    let referrers: Vec<_> = referrers
        .iter()
        .map(|it| (it.digest, &*it.metadata))
        .collect();
    assert_eq!(referrers, [(manifest, "{\"a\":1}")]);
}

async fn fetched_images_are_there(metadata: &Metadata) {
    let nginx = (IMAGE_MIRROR, "library/nginx");
    let found = assert_has(metadata, nginx, (FileKind::Tag, "latest"), "new").await;
    assert_eq!(
        (&*found.etag, found.checked_at),
        ("\"2\"", Timestamp(CHECKED))
    );
    let path = digest("new").to_string();
    let found = assert_has(metadata, nginx, (FileKind::Manifest, &path), "new").await;
    assert_eq!((&*found.etag, &*found.integrity), ("", ""));
    for (kind, text) in [
        (FileKind::Manifest, "child"),
        (FileKind::Blob, "layer of nginx"),
    ] {
        let path = digest(text).to_string();
        let found = assert_has(metadata, nginx, (kind, &path), text).await;
        assert_eq!((&*found.etag, &*found.integrity), ("", &*path));
    }
    for path in ["lists/tags", &format!("referrers/{}?", digest("new"))] {
        let found = assert_has(metadata, nginx, (FileKind::Document, path), path).await;
        assert_eq!((&*found.etag, &*found.integrity), ("\"1\"", ""));
    }
}

async fn kept_files_of_packages_are_listed(metadata: &Metadata) {
    let tool = |protocol: ProtocolName, path: &str| {
        let file = path.strip_prefix("Packages/tool-")?;
        (protocol == ProtocolName("rpm")).then(|| ListedFile {
            package: "tool".to_owned(),
            version: file.to_owned(),
        })
    };
    metadata.list_kept_files(&tool).await.expect("list");
    let package = (RPM_MIRROR, "tool");
    let path = "Packages/tool-1-1.noarch.rpm";
    let found = assert_has(metadata, package, (FileKind::Artifact, path), path).await;
    assert_eq!(&*found.integrity, "sha256:abc");
    let (by, page) = (VersionBy::Version, VersionPage::first(10));
    let versions = metadata.versions_of(at(RPM_MIRROR, "tool"), by, page).await;
    let names = versions.expect("versions").into_iter().map(|it| it.name);
    assert_eq!(names.collect::<Vec<_>>(), ["1-1.noarch.rpm".into()]);
    let list = (FileKind::Artifact, "repodata/primary.xml.gz");
    assert_has(metadata, (RPM_MIRROR, ""), list, list.1).await;
}
