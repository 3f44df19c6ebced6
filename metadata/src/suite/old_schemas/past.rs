//! What there must be of the past.

use super::rows::{CHECKED, IMAGE_MIRROR, IMAGES, MADE, NPM, NPM_MIRROR, at, digest};
use crate::Metadata;
use crate::listing::{VersionBy, VersionPage};
use larder_model::{FileKind, Timestamp};

checks![
    by crate::suite::old_schemas::tests::on_sqlite;
    the_past_is_there,
    the_past_of_what_an_upstream_lost_is_there,
    the_past_of_tags_is_there,
    nothing_was_used_yet,
];

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
            let versions = metadata
                .versions_of(at(repo, package), by, VersionPage::first(10))
                .await;
            let versions = versions.expect("versions");
            assert!(
                versions
                    .iter()
                    .all(|version| version.used_at == Timestamp(0))
            );
        }
    }
}
