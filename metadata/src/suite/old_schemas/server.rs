//! What there must be of repositories, people and uploads.

use super::rows::{
    CLOSED_MIRROR, EMPTY_GROUP, IMAGE_MIRROR, IMAGES, LENT_GROUP, LENT_MIRROR, MAIN, NPM,
    NPM_MIRROR, PRIVATE_MIRROR, PYPI_MIRROR, RPM, RPM_GROUP, hash_state,
};
use crate::Metadata;
use crate::grants::{GrantFilter, Written};
use crate::groups::Membership;
use crate::repos::RepoRecord;
use crate::tokens::TokenFilter;
use crate::uploads::Upload;
use larder_model::{Algorithm, TokenKind, UserKind};

checks![
    by crate::suite::old_schemas::tests::on_sqlite;
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
];

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
    let all = GrantFilter {
        subject: None,
        repository: Written::Beginning(String::new()),
    };
    let grants = metadata.grants(&all, None, 1000).await;
    grants
        .expect("grants")
        .iter()
        .map(|grant| grant.id)
        .collect()
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
    let alice = metadata.user("alice").await.expect("user").expect("alice");
    assert_eq!(
        (alice.id, alice.kind, alice.superuser),
        (1, UserKind::Person, true)
    );
    let ci = metadata.user("ci").await.expect("user").expect("ci");
    assert_eq!((ci.id, ci.kind, ci.superuser), (2, UserKind::Robot, false));
    // Somebody answers for a robot.
    assert_eq!(ci.owner.as_ref().map(|owner| owner.id), Some(alice.id));
    assert!(ci.is_active());
    let groups = metadata.groups_of(alice.id).await.expect("groups");
    let team = Membership {
        group: "team".into(),
        through: None,
    };
    assert_eq!(groups, [team]);
}

async fn tokens_are_there(metadata: &Metadata) {
    let tokens = metadata
        .tokens_of(1, TokenFilter::default(), 0, 10)
        .await
        .expect("tokens");
    let tokens: Vec<_> = tokens.iter().map(|it| (it.id, it.kind)).collect();
    assert_eq!(tokens, [(1, TokenKind::Access), (2, TokenKind::Offline)]);
    let found = metadata.token_by_hash("hash 2").await.expect("token");
    assert_eq!(found.expect("there").id, 2);
}
