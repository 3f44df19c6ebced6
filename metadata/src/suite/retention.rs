//! What rules remove, and what nobody can.

use super::fixture::{ALICE, Bed, Push, artifact, assert_unmet, digest, tag, withdraw};
use super::trash::{
    drop_manifest, drop_tag, entry, finish, has_manifest, held, push, restore_all, tag_of, trash,
    used_by,
};
use crate::manifests::Expect;
use crate::repos::RepoRecord;
use crate::retention::{RuledOut, StoredPreview};
use crate::trash::TrashKind;
use crate::{Error, Metadata, Requirement};
use larder_model::{
    Clock, Digest, FileKind, JobKind, Pattern, RepoSettings, RetentionPolicy, Span,
};
use std::time::Duration;

checks![
    a_policy_is_kept_until_it_is_taken_away,
    previews_are_kept_for_a_day,
    rules_remove_at_the_revision_they_were_decided_at,
    what_rules_removed_comes_back,
    immutable_tags_stay,
    immutable_versions_stay,
    patterns_of_immutable_versions_are_literal_but_for_stars,
];

async fn a_policy_is_kept_until_it_is_taken_away(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let repo = bed.repo.id;
    assert_eq!(metadata.retention(repo).await.expect("policy"), None);
    let policy = RetentionPolicy {
        enabled: true,
        untagged_after: Some(Span(Duration::from_mins(1))),
        ..RetentionPolicy::default()
    };
    metadata
        .set_retention(repo, &policy, &ALICE)
        .await
        .expect("set");
    assert_eq!(
        metadata.retention(repo).await.expect("policy"),
        Some(policy.clone())
    );
    let all = metadata.retentions().await.expect("policies");
    assert!(all.contains(&(repo, policy.clone())));
    metadata.drop_retention(repo, &ALICE).await.expect("drop");
    assert_eq!(metadata.retention(repo).await.expect("policy"), None);
    metadata.drop_repo(repo, false, &ALICE).await.expect("drop");
    let set = metadata.set_retention(repo, &policy, &ALICE).await;
    assert_unmet(set, Requirement::Repo);
}

async fn previews_are_kept_for_a_day(metadata: &Metadata) {
    let (bed, other) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let preview = StoredPreview {
        policy: RetentionPolicy::default(),
        deletions: vec![7; 16].into(),
    };
    let id = metadata
        .add_preview(bed.repo.id, &preview)
        .await
        .expect("add");
    let found = metadata.preview(bed.repo.id, &id).await.expect("preview");
    assert_eq!(found, Some(preview));
    // It is one of its repository, and of its day.
    assert_eq!(
        metadata.preview(other.repo.id, &id).await.expect("preview"),
        None
    );
    let tomorrow = metadata.now().after(Duration::from_hours(25));
    let later = metadata.with_clock(Clock::new(move || tomorrow));
    assert_eq!(
        later.preview(bed.repo.id, &id).await.expect("preview"),
        None
    );
}

fn ruled_out<'a>(tag: &'a str, manifests: &'a [Digest]) -> RuledOut<'a> {
    RuledOut {
        tag: Some(tag),
        digest: manifests[0],
        attached: &[],
        manifests,
        reason: "not among the newest 2",
    }
}

async fn rules_remove_at_the_revision_they_were_decided_at(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (old, _) = push(&bed, "trash-ruled", &["v1"]).await;
    let package = bed.package("app");
    let rows = metadata
        .image_rows(package)
        .await
        .expect("rows")
        .expect("image");
    assert_eq!((rows.files.len(), rows.edges.len()), (3, 1));
    let held = held(metadata, JobKind::Retention).await;
    // A push in between wins.
    push(&bed, "trash-pushed", &["v1"]).await;
    let manifests = [old];
    let removals = [ruled_out("v1", &manifests)];
    let removed = metadata
        .remove_from_image(package, rows.revision, &removals, (&held, &ALICE))
        .await;
    assert_unmet(removed, Requirement::Revision);
    assert_eq!(
        tag_of(&bed, "app", "v1").await,
        Some(digest("trash-pushed"))
    );
    assert!(trash(&bed).await.is_empty());
    // The manifest that lost its tag knows since when.
    let rows = metadata
        .image_rows(package)
        .await
        .expect("rows")
        .expect("image");
    let untagged = rows
        .files
        .iter()
        .find(|file| file.kind == FileKind::Manifest && file.digest == old);
    let untagged = untagged.expect("manifest");
    assert!(untagged.untagged_at > untagged.created_at);
    finish(metadata, &held).await;
    let manifests = [digest("trash-pushed")];
    let removals = [ruled_out("v1", &manifests)];
    let removed = metadata
        .remove_from_image(package, rows.revision, &removals, (&held, &ALICE))
        .await;
    assert_unmet(removed, Requirement::Job);
}

async fn what_rules_removed_comes_back(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (child, layer) = push(&bed, "trash-part", &[]).await;
    let index = Push {
        manifests: &[child],
        ..Push::new("trash-whole", &["v1"])
    };
    bed.try_push("app", index).await.expect("push");
    let index = digest("trash-whole");
    let package = bed.package("app");
    let rows = metadata
        .image_rows(package)
        .await
        .expect("rows")
        .expect("image");
    let held = held(metadata, JobKind::Retention).await;
    let manifests = [index, child];
    let removals = [ruled_out("v1", &manifests)];
    let removed = metadata
        .remove_from_image(package, rows.revision, &removals, (&held, &ALICE))
        .await;
    removed.expect("remove");
    finish(metadata, &held).await;
    assert_eq!(bed.revision("app").await, None);
    assert_eq!(used_by(&bed, layer).await, None);
    let entry = entry(&bed).await;
    assert_eq!((entry.what, &*entry.version), (TrashKind::Tag, "v1"));
    assert_eq!(&*entry.reason, "not among the newest 2");
    restore_all(&bed).await;
    assert_eq!(tag_of(&bed, "app", "v1").await, Some(index));
    assert!(has_manifest(&bed, "app", child).await);
    assert_eq!(used_by(&bed, layer).await, Some(child));
}

async fn set_immutable(metadata: &Metadata, repo: &RepoRecord, patterns: &[&str]) {
    let immutable = patterns
        .iter()
        .map(|text| text.parse::<Pattern>().expect("pattern"))
        .collect();
    let settings = RepoSettings {
        immutable,
        ..RepoSettings::default()
    };
    let changed = metadata
        .change_repo(repo.id, "", &settings, None, &ALICE)
        .await;
    changed.expect("change");
}

#[track_caller]
fn assert_immutable(outcome: Result<(), Error>) {
    match outcome {
        Err(Error::Immutable(_)) => {}
        outcome => panic!("{outcome:?}"),
    }
}

async fn immutable_tags_stay(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (child, layer) = push(&bed, "fixed-child", &[]).await;
    let index = Push {
        manifests: &[child],
        ..Push::new("fixed-index", &["v1", "latest"])
    };
    bed.try_push("app", index).await.expect("push");
    let index = digest("fixed-index");
    set_immutable(metadata, &bed.repo, &["v*"]).await;
    // It cannot be moved, whatever is expected of it, nor deleted.
    assert_immutable(bed.try_push("app", Push::new("other", &["v1"])).await);
    let expecting = Push {
        expect: Expect::Is(index),
        ..Push::new("other", &["v1"])
    };
    assert_immutable(bed.try_push("app", expecting).await);
    assert_immutable(drop_tag(&bed, "v1").await);
    assert_immutable(drop_manifest(&bed, index).await);
    assert_immutable(drop_manifest(&bed, child).await);
    let package = bed.package("app");
    assert_immutable(metadata.drop_blob(package, &layer, true, &ALICE).await);
    assert_immutable(metadata.drop_package(bed.package("app"), &ALICE).await);
    assert_immutable(metadata.drop_repo(bed.repo.id, true, &ALICE).await);
    assert!(!has_manifest(&bed, "app", digest("other")).await);
    assert!(trash(&bed).await.is_empty());
    // Others can, and the same can be pushed again, and new ones.
    let again = Push {
        manifests: &[child],
        ..Push::new("fixed-index", &["v1"])
    };
    bed.try_push("app", again).await.expect("push again");
    bed.push("app", "other", &["latest", "v2"]).await;
    drop_tag(&bed, "latest").await.expect("drop");
    // Once the pattern is gone it can too.
    set_immutable(metadata, &bed.repo, &["x"]).await;
    bed.push("app", "other", &["v1"]).await;
    drop_tag(&bed, "v1").await.expect("drop");
    drop_manifest(&bed, index).await.expect("drop");
}

async fn immutable_versions_stay(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish(
        "pad",
        vec![artifact("1.0.0"), artifact("2.0.0"), tag("1.x", "1.0.0")],
    )
    .await;
    set_immutable(metadata, &bed.repo, &["1.*"]).await;
    let revision = bed.revision("pad").await;
    assert_immutable(bed.change("pad", revision, withdraw("1.0.0"), &ALICE).await);
    assert_eq!(bed.revision("pad").await, revision);
    bed.publish("pad", withdraw("2.0.0")).await;
    // What points at versions may point elsewhere, and new ones come.
    bed.publish("pad", vec![artifact("1.0.1"), tag("1.x", "1.0.1")])
        .await;
    let revision = bed.revision("pad").await;
    assert_immutable(bed.change("pad", revision, withdraw("1.0.1"), &ALICE).await);
    set_immutable(metadata, &bed.repo, &[]).await;
    bed.publish("pad", withdraw("1.0.1")).await;
}

async fn patterns_of_immutable_versions_are_literal_but_for_stars(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    // Each pattern, a version that it means, and one that it does not.
    let cases = [
        ("a_b", "a_b", "axb"),
        ("a%b", "a%b", "axxb"),
        ("a?b", "a?b", "axb"),
        ("[ab]", "[ab]", "a"),
        ("a\\*", "a\\z", "a*"),
        ("V*", "V1", "v1"),
        ("*-x", "1-x", "1-xy"),
    ];
    for (pattern, meant, other) in cases {
        set_immutable(metadata, &bed.repo, &[]).await;
        let name = format!("p{}", metadata.new_id());
        bed.publish(&name, vec![artifact(meant), artifact(other)])
            .await;
        set_immutable(metadata, &bed.repo, &[pattern]).await;
        let revision = bed.revision(&name).await;
        let remove = bed.change(&name, revision, withdraw(meant), &ALICE).await;
        assert!(
            matches!(remove, Err(Error::Immutable(_))),
            "{pattern} {meant}: {remove:?}"
        );
        bed.publish(&name, withdraw(other)).await;
    }
}
