//! Repositories, their groups, and what goes with them.

use super::fixture::{
    ALICE, Bed, NPM, add_repo, artifact, assert_exists, assert_unmet, document, name,
};
use crate::grants::Grant;
use crate::repos::{Member, NewRepo, RepoRecord};
use crate::settings::StoredSettings;
use crate::{Metadata, Requirement};
use larder_model::{
    FileKind, Pattern, ProtocolName, RepoKind, RepoName, RepoSettings, Role, Timestamp,
};

checks![
    a_repository_is_told_as_it_was_made,
    repositories_are_told_by_protocol_and_name,
    a_name_is_taken_once_in_each_protocol,
    a_repository_changes,
    a_repository_that_is_gone_does_not_change,
    a_group_has_its_members_in_their_order,
    a_group_of_what_is_not_there_is_not_made,
    members_change_only_where_that_is_asked,
    a_group_that_cannot_change_stays_as_it_is,
    a_referenced_repository_is_not_dropped,
    a_default_mirror_is_not_dropped,
    a_forced_drop_leaves_a_gap,
    a_gap_is_not_filled_by_a_repository_of_the_same_name,
    a_dropped_group_frees_its_members,
    a_repository_that_is_gone_is_not_dropped,
    a_dropped_repository_takes_its_files_with_it,
    a_dropped_repository_leaves_others_alone,
    a_dropped_repository_takes_its_own_grants_with_it,
    every_change_tells_other_servers,
];

async fn find(metadata: &Metadata, id: i64) -> Option<RepoRecord> {
    let repos = metadata.repos().await.expect("repositories");
    repos.into_iter().find(|repo| repo.id == id)
}

async fn a_repository_is_told_as_it_was_made(metadata: &Metadata) {
    let (name, before) = (name(metadata), metadata.now());
    let settings = RepoSettings {
        offline: true,
        open: Some(false),
        ..RepoSettings::default()
    };
    let new = NewRepo {
        protocol: NPM,
        name: &name,
        kind: RepoKind::Mirror,
        description: "for people",
        settings: &settings,
        members: &[],
    };
    let made = metadata.add_repo(new, &ALICE).await.expect("repository");
    assert_eq!(find(metadata, made.id).await.as_ref(), Some(&made));
    assert_eq!(
        (made.protocol, &made.name, made.kind),
        (NPM, &name, RepoKind::Mirror)
    );
    assert_eq!(
        (&*made.description, &made.settings),
        ("for people", &settings)
    );
    assert!(made.members.is_empty() && made.created_at > before);
    assert_eq!(made.full_name(), format!("npm/{name}"));
}

async fn repositories_are_told_by_protocol_and_name(metadata: &Metadata) {
    let second = add_repo(metadata, ProtocolName::OCI, RepoKind::Hosted, &[]).await;
    let third = add_repo(metadata, ProtocolName::OCI, RepoKind::Hosted, &[]).await;
    let first = add_repo(metadata, NPM, RepoKind::Hosted, &[]).await;
    let ours = [first.id, second.id, third.id];
    let repos = metadata.repos().await.expect("repositories");
    let told: Vec<_> = repos
        .iter()
        .map(|repo| repo.id)
        .filter(|id| ours.contains(id))
        .collect();
    assert_eq!(told, ours);
}

async fn a_name_is_taken_once_in_each_protocol(metadata: &Metadata) {
    let name = name(metadata);
    let settings = RepoSettings::default();
    let add = async |protocol| {
        let new = NewRepo {
            protocol,
            name: &name,
            kind: RepoKind::Hosted,
            description: "",
            settings: &settings,
            members: &[],
        };
        metadata.add_repo(new, &ALICE).await
    };
    add(NPM).await.expect("repository");
    assert_exists(&add(NPM).await);
    add(ProtocolName::OCI).await.expect("repository");
}

async fn a_repository_changes(metadata: &Metadata) {
    let repo = add_repo(metadata, NPM, RepoKind::Mirror, &[]).await;
    let settings = RepoSettings {
        fresh_seconds: Some(5),
        ..RepoSettings::default()
    };
    let changed = metadata.change_repo(repo.id, "other", &settings, None, &ALICE);
    changed.await.expect("change");
    let expected = RepoRecord {
        description: "other".into(),
        settings,
        ..repo.clone()
    };
    assert_eq!(find(metadata, repo.id).await, Some(expected));
}

async fn a_repository_that_is_gone_does_not_change(metadata: &Metadata) {
    let settings = RepoSettings::default();
    let changed = metadata.change_repo(metadata.new_id(), "", &settings, None, &ALICE);
    assert_unmet(changed.await, Requirement::Repo);
}

async fn members<const N: usize>(metadata: &Metadata) -> [RepoRecord; N] {
    let mut made = Vec::new();
    for _ in 0..N {
        made.push(add_repo(metadata, NPM, RepoKind::Hosted, &[]).await);
    }
    made.try_into().expect("as many")
}

fn there(repo: &RepoRecord) -> Member {
    Member {
        id: Some(repo.id),
        name: repo.name.clone(),
    }
}

async fn told_members(metadata: &Metadata, group: i64) -> Vec<Member> {
    find(metadata, group).await.expect("there").members
}

async fn a_group_has_its_members_in_their_order(metadata: &Metadata) {
    let [a, b, c] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[c.id, a.id, b.id]).await;
    let expected = [there(&c), there(&a), there(&b)];
    assert_eq!(group.members, expected);
    assert_eq!(told_members(metadata, group.id).await, expected);
}

async fn a_group_of_what_is_not_there_is_not_made(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let name = name(metadata);
    let new = NewRepo {
        protocol: NPM,
        name: &name,
        kind: RepoKind::Group,
        description: "",
        settings: &RepoSettings::default(),
        members: &[a.id, metadata.new_id()],
    };
    assert_unmet(metadata.add_repo(new, &ALICE).await, Requirement::Member);
    let repos = metadata.repos().await.expect("repositories");
    assert!(!repos.iter().any(|repo| repo.name == name));
}

async fn members_change_only_where_that_is_asked(metadata: &Metadata) {
    let [a, b] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id, b.id]).await;
    let change = async |members: Option<Vec<i64>>| {
        let (settings, members) = (&group.settings, members.as_deref());
        let changed = metadata
            .change_repo(group.id, "", settings, members, &ALICE)
            .await;
        changed.expect("change");
        told_members(metadata, group.id).await
    };
    assert_eq!(change(None).await, [there(&a), there(&b)]);
    assert_eq!(change(Some(vec![b.id, a.id])).await, [there(&b), there(&a)]);
    assert_eq!(change(Some(vec![b.id])).await, [there(&b)]);
    assert_eq!(change(Some(vec![])).await, []);
}

async fn a_group_that_cannot_change_stays_as_it_is(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id]).await;
    let unknown = [metadata.new_id()];
    let changed = metadata.change_repo(group.id, "other", &group.settings, Some(&unknown), &ALICE);
    assert_unmet(changed.await, Requirement::Member);
    assert_eq!(find(metadata, group.id).await, Some(group));
}

async fn a_referenced_repository_is_not_dropped(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id]).await;
    let dropped = metadata.drop_repo(a.id, false, &ALICE).await;
    assert_unmet(dropped, Requirement::Unreferenced);
    assert_eq!(told_members(metadata, group.id).await, [there(&a)]);
    let changed = metadata.change_repo(group.id, "", &group.settings, Some(&[]), &ALICE);
    changed.await.expect("change");
    let dropped = metadata.drop_repo(a.id, false, &ALICE).await;
    dropped.expect("drop");
}

async fn a_default_mirror_is_not_dropped(metadata: &Metadata) {
    let mirror = add_repo(metadata, ProtocolName::OCI, RepoKind::Mirror, &[]).await;
    let settings = StoredSettings {
        offline: false,
        default_mirror: Some(mirror.id),
    };
    metadata
        .put_server_settings(settings, &ALICE)
        .await
        .expect("set");
    let dropped = metadata.drop_repo(mirror.id, false, &ALICE).await;
    assert_unmet(dropped, Requirement::Unreferenced);
    let settings = StoredSettings::default();
    metadata
        .put_server_settings(settings, &ALICE)
        .await
        .expect("set");
    let dropped = metadata.drop_repo(mirror.id, false, &ALICE).await;
    dropped.expect("drop");
}

fn gap(name: &RepoName) -> Member {
    Member {
        id: None,
        name: name.clone(),
    }
}

async fn a_forced_drop_leaves_a_gap(metadata: &Metadata) {
    let [a, b, c] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id, b.id, c.id]).await;
    let dropped = metadata.drop_repo(b.id, true, &ALICE).await;
    dropped.expect("drop");
    assert_eq!(find(metadata, b.id).await, None);
    let expected = [there(&a), gap(&b.name), there(&c)];
    assert_eq!(told_members(metadata, group.id).await, expected);
}

async fn a_gap_is_not_filled_by_a_repository_of_the_same_name(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id]).await;
    let dropped = metadata.drop_repo(a.id, true, &ALICE).await;
    dropped.expect("drop");
    let new = NewRepo {
        protocol: NPM,
        name: &a.name,
        kind: RepoKind::Hosted,
        description: "",
        settings: &RepoSettings::default(),
        members: &[],
    };
    let again = metadata.add_repo(new, &ALICE).await.expect("repository");
    assert_ne!(again.id, a.id);
    assert_eq!(told_members(metadata, group.id).await, [gap(&a.name)]);
}

async fn a_dropped_group_frees_its_members(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let group = add_repo(metadata, NPM, RepoKind::Group, &[a.id]).await;
    for id in [group.id, a.id] {
        let dropped = metadata.drop_repo(id, false, &ALICE).await;
        dropped.expect("drop");
    }
}

async fn a_repository_that_is_gone_is_not_dropped(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let dropped = metadata.drop_repo(a.id, false, &ALICE).await;
    dropped.expect("drop");
    for forced in [false, true] {
        let dropped = metadata.drop_repo(a.id, forced, &ALICE).await;
        assert_unmet(dropped, Requirement::Repo);
    }
}

async fn a_dropped_repository_takes_its_files_with_it(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    bed.keep("p", metadata.now(), vec![document("index", "one")])
        .await;
    let key = bed.package("p").file(FileKind::Document, "index");
    assert!(bed.has(key).await);
    let dropped = metadata.drop_repo(bed.repo.id, false, &ALICE).await;
    dropped.expect("drop");
    let found = metadata.stat(key).await;
    assert!(found.expect("stat").is_none());
    assert_eq!(bed.revision("p").await, None);
    let states = metadata.states(key, Timestamp(i64::MAX), 10).await;
    assert!(states.expect("states").is_empty());
}

async fn a_dropped_repository_leaves_others_alone(metadata: &Metadata) {
    let (gone, stays) = (Bed::packages(metadata).await, Bed::packages(metadata).await);
    for bed in [&gone, &stays] {
        bed.publish("p", vec![artifact("1")]).await;
    }
    let dropped = metadata.drop_repo(gone.repo.id, false, &ALICE).await;
    dropped.expect("drop");
    let files = metadata.published(stays.package("p")).await;
    assert_eq!(files.expect("files").len(), 1);
    assert!(metadata.owns_name(stays.package("p")).await.expect("name"));
}

async fn add_grant(metadata: &Metadata, repository: Pattern) -> i64 {
    let grant = Grant {
        id: metadata.new_id(),
        subject: "authenticated".into(),
        repository,
        package: "*".parse().expect("pattern"),
        refs: None,
        role: Role::Reader,
        created_at: metadata.now(),
        created_by: "user:alice".into(),
        networks: Vec::new(),
    };
    metadata.add_grant(&grant, &ALICE).await.expect("grant");
    grant.id
}

async fn a_dropped_repository_takes_its_own_grants_with_it(metadata: &Metadata) {
    let [a] = members(metadata).await;
    let own = add_grant(metadata, a.full_name().parse().expect("pattern")).await;
    let wide = format!("{}*", a.full_name()).parse().expect("pattern");
    let wide = add_grant(metadata, wide).await;
    let dropped = metadata.drop_repo(a.id, false, &ALICE).await;
    dropped.expect("drop");
    assert_eq!(metadata.grant(own).await.expect("grant"), None);
    assert!(metadata.grant(wide).await.expect("grant").is_some());
}

async fn every_change_tells_other_servers(metadata: &Metadata) {
    let version = async || metadata.policy_version().await.expect("version");
    let mut versions = vec![version().await];
    let repo = add_repo(metadata, NPM, RepoKind::Hosted, &[]).await;
    versions.push(version().await);
    let changed = metadata.change_repo(repo.id, "", &repo.settings, None, &ALICE);
    changed.await.expect("change");
    versions.push(version().await);
    let dropped = metadata.drop_repo(repo.id, false, &ALICE).await;
    dropped.expect("drop");
    versions.push(version().await);
    assert!(versions.windows(2).all(|pair| pair[0] != pair[1]));
}
