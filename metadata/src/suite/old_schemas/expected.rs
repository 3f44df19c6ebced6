//! What there must be of a database of an older version.

use super::rows::{
    CARGO, CHECKED, CLOSED_MIRROR, EMPTY_GROUP, IMAGE_MIRROR, IMAGES, LENT_GROUP, LENT_MIRROR,
    MADE, MAIN, NPM, NPM_MIRROR, PRIVATE_MIRROR, PYPI, PYPI_MIRROR, RPM, RPM_GROUP, digest,
    hash_state,
};
use crate::Metadata;
use crate::files::{FileRecord, PackageKey};
use crate::listing::VersionBy;
use crate::repos::RepoRecord;
use crate::reservations::ReservationKey;
use crate::uploads::Upload;
use larder_model::{Algorithm, FileKind, Timestamp, TokenKind, UserKind};
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
    an_upload_under_way_goes_on,
    an_ended_upload_stays_ended,
    groups_have_their_members,
    other_settings_of_groups_stay,
    settings_of_the_server_are_there,
    grants_of_the_server_are_gone,
    grants_of_people_stay,
    what_was_open_is_open_and_what_was_closed_is_closed,
    people_are_there,
    tokens_are_there,
    the_past_is_there,
    the_past_of_what_an_upstream_lost_is_there,
    the_past_of_tags_is_there,
    nothing_was_used_yet,
];

const fn at(repo: i64, package: &str) -> PackageKey<'_> {
    PackageKey { repo, package }
}

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
        let listed = metadata.versions_of(at(repo, package), by, "", 10).await;
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
    let repo = repo(metadata, NPM_MIRROR).await;
    // It drops what was composed for the repository.
    let changed = metadata.change_repo(repo.id, &repo.description, &repo.settings, None);
    changed.await.expect("change");
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

async fn upload(metadata: &Metadata, id: &str) -> Upload {
    metadata.upload(id).await.expect("upload").expect("there")
}

async fn an_upload_under_way_goes_on(metadata: &Metadata) {
    let row = upload(metadata, "under-way").await;
    assert_eq!(
        (row.repo, &*row.package, &*row.principal),
        (IMAGES, "app", "user:alice")
    );
    assert_eq!((row.received, row.version, row.finished), (12, 2, false));
    assert_eq!(
        (row.algorithm, &*row.boot_id),
        (Some(Algorithm::Sha256), "boot")
    );
    assert_eq!(row.hash_state.as_deref(), Some(&hash_state()[..]));
}

async fn an_ended_upload_stays_ended(metadata: &Metadata) {
    let row = upload(metadata, "ended").await;
    assert!(row.finished && row.hash_state.is_none());
}

async fn repo(metadata: &Metadata, id: i64) -> RepoRecord {
    let repos = metadata.repos().await.expect("repositories");
    repos.into_iter().find(|repo| repo.id == id).expect("there")
}

async fn groups_have_their_members(metadata: &Metadata) {
    let members = async |group| {
        let members = repo(metadata, group).await.members.into_iter();
        members
            .map(|it| (it.id, it.name.to_string()))
            .collect::<Vec<_>>()
    };
    let expected = [
        (Some(NPM), "local".to_owned()),
        (None, "never-made".to_owned()),
        (Some(NPM_MIRROR), "proxy".to_owned()),
    ];
    assert_eq!(members(MAIN).await, expected);
    assert_eq!(
        members(LENT_GROUP).await,
        [(Some(LENT_MIRROR), "lent".to_owned())]
    );
    assert_eq!(members(RPM_GROUP).await, [(Some(RPM), "local".to_owned())]);
    assert_eq!(members(EMPTY_GROUP).await, []);
}

async fn other_settings_of_groups_stay(metadata: &Metadata) {
    let main = repo(metadata, MAIN).await;
    let [blocked] = &main.settings.blocked[..] else {
        panic!("{main:?}")
    };
    assert_eq!(blocked.package.as_str(), "evil-*");
    assert_eq!(blocked.reason.as_deref(), Some("its \"members\":"));
    assert_eq!(&*main.description, "for people");
    assert_eq!(
        repo(metadata, LENT_GROUP).await.settings.fresh_seconds,
        Some(5)
    );
}

async fn settings_of_the_server_are_there(metadata: &Metadata) {
    let settings = metadata.server_settings().await.expect("settings");
    assert!(settings.offline);
    assert_eq!(settings.default_mirror, Some(IMAGE_MIRROR));
    assert_eq!(metadata.setting("server").await.expect("setting"), None);
    assert!(!metadata.policy_version().await.expect("version").is_empty());
}

async fn grants(metadata: &Metadata) -> Vec<i64> {
    let grants = metadata.grants().await.expect("grants");
    grants.iter().map(|grant| grant.id).collect()
}

async fn grants_of_the_server_are_gone(metadata: &Metadata) {
    assert!(grants(metadata).await.iter().all(|id| *id > 10));
}

async fn grants_of_people_stay(metadata: &Metadata) {
    let grants = grants(metadata).await;
    assert!((11..=17).all(|id| grants.contains(&id)), "{grants:?}");
}

async fn what_was_open_is_open_and_what_was_closed_is_closed(metadata: &Metadata) {
    let expected = [
        // These were open as all of their kind are now.
        (NPM_MIRROR, None),
        (PYPI_MIRROR, None),
        (IMAGE_MIRROR, None),
        // Groups of a first start are open whatever is in them.
        (MAIN, Some(true)),
        (EMPTY_GROUP, Some(true)),
        // Nobody opened these, or someone closed them again.
        (CLOSED_MIRROR, Some(false)),
        (RPM_GROUP, Some(false)),
        // Mirrors with credentials are closed unless a grant says otherwise.
        (PRIVATE_MIRROR, None),
        (LENT_MIRROR, None),
        (LENT_GROUP, None),
        // What is published here never was open.
        (NPM, None),
        (IMAGES, None),
    ];
    for (id, open) in expected {
        let repo = repo(metadata, id).await;
        assert_eq!(repo.settings.open, open, "{}", repo.full_name());
    }
}

async fn people_are_there(metadata: &Metadata) {
    let users = metadata.users().await.expect("users");
    let users: Vec<_> = users
        .iter()
        .map(|it| (it.id, it.name.as_str(), it.kind, it.superuser))
        .collect();
    let expected = [
        (1, "alice", UserKind::Person, true),
        (2, "ci", UserKind::Robot, false),
    ];
    assert_eq!(users, expected);
    let members = metadata.members().await.expect("members");
    assert_eq!(members, [(1, "team".into())]);
}

async fn tokens_are_there(metadata: &Metadata) {
    let tokens = metadata.tokens_of(1, 0, 10).await.expect("tokens");
    let tokens: Vec<_> = tokens.iter().map(|it| (it.id, it.kind)).collect();
    assert_eq!(tokens, [(1, TokenKind::Access), (2, TokenKind::Offline)]);
    let found = metadata.token_by_hash("hash 2").await.expect("token");
    assert_eq!(found.expect("there").id, 2);
}

/// When each state was seen first and confirmed last, and its bytes, the newest first; times from
/// when everything was made.
async fn past(
    metadata: &Metadata,
    (repo, package): (i64, &str),
    (kind, path): (FileKind, &str),
) -> Vec<(i64, i64, Option<String>)> {
    let key = at(repo, package).file(kind, path);
    let states = metadata.states(key, Timestamp(i64::MAX), 10).await;
    let states = states.expect("states").into_iter();
    let told = states.map(|it| {
        assert_eq!((&*it.created_by, &*it.metadata), ("upstream", ""));
        let digest = it.digest.map(|digest| digest.to_string());
        (it.seen_at.0 - MADE, it.checked_at.0 - MADE, digest)
    });
    told.collect()
}

fn bytes(text: &str) -> String {
    digest(text).to_string()
}

async fn the_past_is_there(metadata: &Metadata) {
    let (package, index) = ((NPM_MIRROR, "left-pad"), (FileKind::Document, "index"));
    let expected = [
        (2, CHECKED - MADE, Some(bytes("two"))),
        (1, 1, Some(bytes("one"))),
        (0, 0, Some(bytes("two"))),
    ];
    assert_eq!(past(metadata, package, index).await, expected);
}

async fn the_past_of_what_an_upstream_lost_is_there(metadata: &Metadata) {
    let (package, lost) = ((NPM_MIRROR, "left-pad"), (FileKind::Document, "index.asc"));
    assert_eq!(
        past(metadata, package, lost).await,
        [(1, 1, Some(bytes("lost")))]
    );
}

async fn the_past_of_tags_is_there(metadata: &Metadata) {
    let (package, tag) = ((IMAGE_MIRROR, "library/nginx"), (FileKind::Tag, "latest"));
    let expected = [
        (1, CHECKED - MADE, Some(bytes("new"))),
        (0, 0, Some(bytes("old"))),
    ];
    assert_eq!(past(metadata, package, tag).await, expected);
}

async fn nothing_was_used_yet(metadata: &Metadata) {
    for (repo, package) in [(NPM, "widget"), (NPM_MIRROR, "left-pad"), (IMAGES, "app")] {
        for by in [VersionBy::Version, VersionBy::Tag] {
            let versions = metadata.versions_of(at(repo, package), by, "", 10).await;
            let versions = versions.expect("versions");
            assert!(
                versions
                    .iter()
                    .all(|version| version.used_at == Timestamp(0))
            );
        }
    }
}
