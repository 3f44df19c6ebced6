//! The audit trail.

use super::fixture::{
    ALICE, BOB, Bed, NPM, Push, add_repo, artifact, assert_unmet, blob, digest, tag, withdraw,
};
use crate::audit::{AuditEntry, AuditFilter, Event, EventCount};
use crate::publishing::{RefChange, Step};
use crate::{Metadata, Requirement};
use larder_model::{Action, Outcome, RepoKind, System};
use serde_json::{Value as Json, json};

checks![
    a_push_is_told_with_its_tags,
    a_publish_is_told_by_version_and_tag,
    a_push_is_told_by_its_refs,
    removals_are_told,
    a_repository_is_told_without_its_secrets,
    settings_and_reservations_are_told,
    what_the_server_keeps_by_itself_is_not_told,
    a_failed_change_leaves_no_entry,
    the_like_of_a_minute_are_one_entry,
    events_begin_anew_after_a_seal,
    different_events_are_different_entries,
];

/// Entries about an object and all below it, the oldest first.
async fn entries(metadata: &Metadata, object: &str) -> Vec<AuditEntry> {
    let mut found = Vec::new();
    for object in [object.to_owned(), format!("{object}/*")] {
        let filter = AuditFilter {
            object: Some(object),
            ..AuditFilter::default()
        };
        found.extend(metadata.audit(&filter, None, 1000).await.expect("audit"));
    }
    found.sort_unstable_by_key(|entry| entry.id);
    found
}

/// What entries about an object tell: action, who, details.
pub(super) async fn told(metadata: &Metadata, object: &str) -> Vec<(String, String, Json)> {
    let told = |entry: AuditEntry| {
        let details = serde_json::from_str(&entry.details).expect("details");
        assert_eq!((&*entry.result, entry.count), ("ok", 1));
        (entry.action.into(), entry.actor.into(), details)
    };
    entries(metadata, object)
        .await
        .into_iter()
        .map(told)
        .collect()
}

pub(super) fn line(action: &str, who: &str, details: Json) -> (String, String, Json) {
    (action.to_owned(), who.to_owned(), details)
}

async fn a_push_is_told_with_its_tags(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let pushed = bed.push("app", "one", &["v1", "latest"]).await;
    let object = bed.full_name("app");
    let digest = pushed.to_string();
    assert_eq!(
        told(metadata, &object).await,
        [line(
            "manifest.push",
            "user:alice",
            json!({"digest": digest, "tags": ["v1", "latest"]})
        ),]
    );
}

async fn a_publish_is_told_by_version_and_tag(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let steps = vec![artifact("1.0"), artifact("1.1"), tag("latest", "1.1")];
    bed.publish_by("pad", steps, &BOB).await;
    bed.publish_by("pad", vec![tag("stable", "1.0")], &BOB)
        .await;
    let files = |version: &str| {
        let path = format!("-/{version}.tgz");
        [format!("{path} {}", digest(&path))]
    };
    assert_eq!(
        told(metadata, &bed.full_name("pad")).await,
        [
            line(
                "package.publish",
                "user:bob",
                json!({"version": "1.0", "files": files("1.0")})
            ),
            line(
                "package.publish",
                "user:bob",
                json!({"version": "1.1", "files": files("1.1"), "tags": ["latest"]})
            ),
            line(
                "tag.set",
                "user:bob",
                json!({"tag": "stable", "version": "1.0"})
            ),
        ]
    );
}

async fn a_push_is_told_by_its_refs(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let change = |name: &str, old: &str, new: &str| RefChange {
        name: name.to_owned(),
        old: old.to_owned(),
        new: new.to_owned(),
    };
    let refs = vec![
        change("refs/heads/main", "", "1"),
        change("refs/tags/v1", "1", ""),
    ];
    let set = Step::SetDocument {
        path: "state".to_owned(),
        before: None,
        blob: blob("state"),
        content_type: "application/json",
        checked_at: None,
        refs,
    };
    bed.publish_by("tool", vec![artifact("1.0"), set], &BOB)
        .await;
    let told_of = |name: &str, old: &str, new: &str| {
        let details = json!({"ref": name, "old": old, "new": new});
        line("ref.change", "user:bob", details)
    };
    assert_eq!(
        told(metadata, &bed.full_name("tool")).await,
        [
            told_of("refs/heads/main", "", "1"),
            told_of("refs/tags/v1", "1", ""),
        ]
    );
}

async fn removals_are_told(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let layer = bed.keep_blob("app", "layer").await;
    let (kept, lost) = (
        bed.push("app", "kept", &["a"]).await,
        bed.push("app", "lost", &["b"]).await,
    );
    let object = bed.full_name("app");
    let before = entries(metadata, &object).await.len();
    let app = bed.package("app");
    metadata
        .drop_tag(app, "a", Some(&kept), &BOB)
        .await
        .expect("tag");
    metadata
        .drop_manifest(app, &lost, &BOB)
        .await
        .expect("manifest");
    metadata
        .drop_blob(app, &layer, false, &BOB)
        .await
        .expect("blob");
    assert_eq!(
        told(metadata, &object).await[before..],
        [
            line("tag.delete", "user:bob", json!({"tag": "a"})),
            line(
                "manifest.delete",
                "user:bob",
                json!({"digest": lost.to_string()})
            ),
            line(
                "blob.delete",
                "user:bob",
                json!({"digest": layer.to_string()})
            ),
        ]
    );
    let bed = Bed::packages(metadata).await;
    bed.publish("pad", vec![artifact("1.0")]).await;
    bed.publish("pad", withdraw("1.0")).await;
    let gone = json!({"versions": ["1.0"], "files": ["-/1.0.tgz"]});
    let newest = told(metadata, &bed.full_name("pad")).await.pop();
    assert_eq!(newest, Some(line("package.delete", "user:alice", gone)));
}

async fn a_repository_is_told_without_its_secrets(metadata: &Metadata) {
    let repo = add_repo(metadata, NPM, RepoKind::Mirror, &[]).await;
    let object = repo.full_name();
    let mut settings = repo.settings.clone();
    settings.upstream = Some(larder_model::UpstreamSettings {
        url: "https://registry.example/".to_owned(),
        password: Some("sealed".to_owned()),
        client_certificate: Some("shown".to_owned()),
        client_key: Some("sealed too".to_owned()),
        ..larder_model::UpstreamSettings::default()
    });
    let changed = metadata.change_repo(repo.id, "words", &settings, None, &BOB);
    changed.await.expect("change");
    metadata
        .drop_repo(repo.id, false, &BOB)
        .await
        .expect("drop");
    let upstream = json!({"url": "https://registry.example/", "username": null,
        "has_password": true, "has_client_certificate": true, "allow_private": false,
        "token_origins": []});
    assert_eq!(
        told(metadata, &object).await,
        [
            line("repository.create", "user:alice", json!({"kind": "mirror"})),
            line(
                "repository.change",
                "user:bob",
                json!({"description": "words", "upstream": upstream})
            ),
            line("repository.delete", "user:bob", json!({"forced": false})),
        ]
    );
    let texts = entries(metadata, &object).await;
    assert!(!texts.iter().any(|entry| entry.details.contains("sealed")));
}

async fn settings_and_reservations_are_told(metadata: &Metadata) {
    let key = format!("suite-{:x}", metadata.new_id());
    metadata
        .put_setting(&key, "secret", &BOB)
        .await
        .expect("put");
    let told_settings = told(metadata, "settings").await.pop();
    let set = line("settings.change", "user:bob", json!({"key": key}));
    assert_eq!(told_settings, Some(set));

    let bed = Bed::packages(metadata).await;
    bed.publish("pad", vec![artifact("1.0")]).await;
    bed.publish("pad", withdraw("1.0")).await;
    let of = Some((bed.repo.protocol, &bed.repo.name));
    let first = crate::reservations::ReservationKey::default();
    let reserved = metadata.reservations(&first, of, 10).await.expect("list");
    let version = reserved
        .iter()
        .find(|one| !one.version.is_empty())
        .expect("a version");
    metadata.free(version, &BOB).await.expect("free");
    let freed = told(metadata, &bed.full_name("pad")).await.pop();
    let version = json!({"version": "1.0"});
    assert_eq!(freed, Some(line("reservation.delete", "user:bob", version)));
}

async fn what_the_server_keeps_by_itself_is_not_told(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let document = super::fixture::document("index", "text");
    bed.keep("pad", metadata.now(), vec![document]).await;
    let images = Bed::images(metadata).await;
    let push = Push {
        by: &System::Upstream,
        ..Push::new("one", &["v1"])
    };
    images.try_push("app", push).await.expect("push");
    assert_eq!(told(metadata, &bed.full_name("pad")).await, []);
    assert_eq!(told(metadata, &images.full_name("app")).await, []);
}

async fn a_failed_change_leaves_no_entry(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let absent = digest("a blob that is not there");
    let push = Push {
        blobs: &[absent],
        ..Push::new("one", &["v1"])
    };
    assert_unmet(bed.try_push("app", push).await, Requirement::Blob);
    let dropped = metadata.drop_tag(bed.package("app"), "v1", None, &ALICE);
    assert_unmet(dropped.await, Requirement::Tag);
    assert_eq!(told(metadata, &bed.full_name("app")).await, []);
    let deletions = AuditFilter {
        action: Some("repository.delete".to_owned()),
        ..AuditFilter::default()
    };
    let before = metadata.audit(&deletions, None, 10).await.expect("audit");
    let dropped = metadata.drop_repo(metadata.new_id(), true, &ALICE).await;
    assert_unmet(dropped, Requirement::Repo);
    let after = metadata.audit(&deletions, None, 10).await.expect("audit");
    assert_eq!(after, before);
}

/// A refused request of whoever is called so.
pub(super) fn refused(actor: &str, count: u64) -> EventCount {
    EventCount {
        event: Event {
            actor: actor.into(),
            action: Action::Access,
            object: actor.into(),
            outcome: Outcome::Refused,
            address: Some([192, 0, 2, 1].into()),
            details: "{}".into(),
        },
        request_id: "first".into(),
        count,
        entry: None,
    }
}

fn actor(metadata: &Metadata) -> String {
    format!("user:{:x}", metadata.new_id())
}

/// How many requests each entry of an object stands for.
async fn counts(metadata: &Metadata, object: &str) -> Vec<u64> {
    let found = entries(metadata, object).await;
    found.iter().map(|entry| entry.count).collect()
}

async fn the_like_of_a_minute_are_one_entry(metadata: &Metadata) {
    let who = actor(metadata);
    let mut events = [refused(&who, 2)];
    for more in [3, 4] {
        metadata.write_events(&mut events).await.expect("write");
        assert_eq!(events[0].count, 0);
        events[0].count = more;
    }
    metadata.write_events(&mut events).await.expect("write");
    let found = entries(metadata, &who).await;
    // The clock of the suite may pass into another minute in between, but not twice.
    assert!(found.len() <= 2, "{found:?}");
    assert_eq!(found.iter().map(|entry| entry.count).sum::<u64>(), 9);
    let first = &found[0];
    assert_eq!(
        (&*first.address, &*first.request_id),
        ("192.0.2.1", "first")
    );
    assert_eq!((&*first.action, &*first.result), ("access", "refused"));
}

async fn events_begin_anew_after_a_seal(metadata: &Metadata) {
    let who = actor(metadata);
    let mut events = [refused(&who, 2)];
    metadata.write_events(&mut events).await.expect("write");
    metadata.seal(true).await.expect("seal");
    for more in [3, 4] {
        events[0].count = more;
        metadata.write_events(&mut events).await.expect("write");
    }
    let counts = counts(metadata, &who).await;
    assert_eq!(counts[0], 2);
    assert_eq!(counts[1..].iter().sum::<u64>(), 7);
}

async fn different_events_are_different_entries(metadata: &Metadata) {
    let who = actor(metadata);
    let mut events = [refused(&who, 1), refused(&who, 1)];
    events[1].event.outcome = Outcome::Failed;
    metadata.write_events(&mut events).await.expect("write");
    assert_eq!(counts(metadata, &who).await, [1, 1]);
}
