//! Settings of the server.

use super::fixture::{ALICE, add_repo, assert_unmet};
use crate::settings::StoredSettings;
use crate::{Metadata, Requirement};
use larder_model::{Author, ProtocolName, RepoKind};

checks![
    a_setting_is_told_as_it_was_set,
    a_first_value_stays_the_value,
    a_change_tells_other_servers,
    settings_of_the_server_are_told_as_they_were_set,
    a_default_mirror_is_a_repository,
    a_default_mirror_that_is_gone_is_told_all_the_same,
    a_change_that_was_decided_on_what_is_past_is_not_made,
    of_two_changes_decided_on_one_version_one_is_made,
    the_database_takes_writes,
];

fn key(metadata: &Metadata) -> String {
    format!("suite-{:x}", metadata.new_id())
}

async fn a_setting_is_told_as_it_was_set(metadata: &Metadata) {
    let key = key(metadata);
    assert_eq!(metadata.setting(&key).await.expect("get"), None);
    for value in ["one", "two"] {
        metadata
            .put_setting(&key, value, &ALICE)
            .await
            .expect("put");
        let told = metadata.setting(&key).await.expect("get");
        assert_eq!(told.as_deref(), Some(value));
    }
}

async fn a_first_value_stays_the_value(metadata: &Metadata) {
    let key = key(metadata);
    for value in ["one", "two"] {
        let told = metadata.setting_or(&key, value).await;
        assert_eq!(&*told.expect("get"), "one");
    }
}

async fn a_change_tells_other_servers(metadata: &Metadata) {
    let before = metadata.policy_version().await.expect("version");
    metadata
        .put_setting(&key(metadata), "one", &ALICE)
        .await
        .expect("put");
    assert_ne!(metadata.policy_version().await.expect("version"), before);
}

async fn settings_of_the_server_are_told_as_they_were_set(metadata: &Metadata) {
    let mirror = add_repo(metadata, ProtocolName::OCI, RepoKind::Mirror, &[]).await;
    for default_mirror in [Some(mirror.id), None] {
        for offline in [true, false] {
            let settings = StoredSettings {
                offline,
                default_mirror,
            };
            metadata
                .put_server_settings(settings, &ALICE)
                .await
                .expect("put");
            let told = metadata.server_settings().await;
            assert_eq!(told.expect("get"), settings);
        }
    }
}

async fn a_default_mirror_is_a_repository(metadata: &Metadata) {
    let before = metadata.server_settings().await.expect("get");
    let settings = StoredSettings {
        offline: !before.offline,
        default_mirror: Some(metadata.new_id()),
    };
    let put = metadata.put_server_settings(settings, &ALICE).await;
    assert_unmet(put, Requirement::Repo);
    assert_eq!(metadata.server_settings().await.expect("get"), before);
}

async fn a_default_mirror_that_is_gone_is_told_all_the_same(metadata: &Metadata) {
    let mirror = add_repo(metadata, ProtocolName::OCI, RepoKind::Mirror, &[]).await;
    let settings = StoredSettings {
        offline: false,
        default_mirror: Some(mirror.id),
    };
    metadata
        .put_server_settings(settings, &ALICE)
        .await
        .expect("put");
    let dropped = metadata.drop_repo(mirror.id, true, &ALICE).await;
    dropped.expect("drop");
    assert_eq!(metadata.server_settings().await.expect("get"), settings);
    let settings = StoredSettings::default();
    metadata
        .put_server_settings(settings, &ALICE)
        .await
        .expect("put");
}

/// Someone who decided on what stood under a version.
#[derive(Debug)]
struct Expecting(Box<str>);

impl Author for Expecting {
    fn label(&self) -> &'static str {
        "user:alice"
    }

    fn expected_policy(&self) -> Option<&str> {
        Some(&self.0)
    }
}

async fn a_change_that_was_decided_on_what_is_past_is_not_made(metadata: &Metadata) {
    let key = key(metadata);
    metadata
        .put_setting(&key, "one", &ALICE)
        .await
        .expect("put");
    let version = Expecting(metadata.policy_version().await.expect("version"));
    let put = metadata.put_setting(&key, "two", &version).await;
    put.expect("nobody changed anything");
    let put = metadata.put_setting(&key, "three", &version).await;
    assert_unmet(put, Requirement::Policy);
    let told = metadata.setting(&key).await.expect("get");
    assert_eq!(told.as_deref(), Some("two"));
}

async fn of_two_changes_decided_on_one_version_one_is_made(metadata: &Metadata) {
    let key = key(metadata);
    metadata
        .put_setting(&key, "none", &ALICE)
        .await
        .expect("put");
    let version = Expecting(metadata.policy_version().await.expect("version"));
    let (one, two) = tokio::join!(
        metadata.put_setting(&key, "one", &version),
        metadata.put_setting(&key, "two", &version),
    );
    let expected = match (one, two) {
        (Ok(()), refused) => (refused, "one"),
        (refused, Ok(())) => (refused, "two"),
        refused => panic!("both were refused: {refused:?}"),
    };
    assert_unmet(expected.0, Requirement::Policy);
    let told = metadata.setting(&key).await.expect("get");
    assert_eq!(told.as_deref(), Some(expected.1));
}

async fn the_database_takes_writes(metadata: &Metadata) {
    metadata.ping().await.expect("ping");
}
