//! How long the trash holds what was deleted, and where there is none.

use super::fixture::{ALICE, BOB, Bed, artifact, assert_unmet, digest, fetched, tarball, withdraw};
use super::trash::{drop_tag, entry, finish, held, push, trash};
use crate::collection::{BlobPlan, DueBlob};
use crate::trash::TrashEntry;
use crate::{Metadata, Requirement};
use larder_model::{Digest, JobKind, RetentionPolicy, Span, Timestamp};
use std::time::Duration;

checks![
    the_trash_holds_its_bytes,
    what_is_past_its_time_goes,
    without_a_trash_nothing_is_kept,
    mirrors_have_no_trash,
    the_trash_of_a_deleted_repository_goes,
];

/// Has the collector look at a digest as often as it may, at once.
async fn collect(metadata: &Metadata, digest: Digest) -> Vec<BlobPlan> {
    let held = held(metadata, JobKind::Gc).await;
    let mut plans = Vec::new();
    for _ in 0..2 {
        let mut after: Option<DueBlob> = None;
        loop {
            let now = Timestamp(i64::MAX);
            let page = metadata
                .queued_blobs(now, after.as_ref(), 100)
                .await
                .expect("queue");
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            for due in page.iter().filter(|due| due.digest == digest) {
                plans.push(due.plan());
                let now = metadata.now();
                metadata.settle_blob(&held, due, now).await.expect("settle");
            }
        }
    }
    finish(metadata, &held).await;
    plans
}

async fn the_trash_holds_its_bytes(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let version = format!("1.0.{}", bed.repo.id);
    bed.publish("pad", vec![artifact(&version)]).await;
    let bytes = digest(&tarball(&version));
    bed.publish("pad", withdraw(&version)).await;
    assert_eq!(collect(metadata, bytes).await, [BlobPlan::Held]);
    let report = metadata
        .explain_blob(&bytes, 9)
        .await
        .expect("explain")
        .expect("blob");
    let entry = entry(&bed).await;
    let holders: Vec<_> = report
        .held_by
        .iter()
        .map(|it| (it.trash, &*it.version))
        .collect();
    assert_eq!(holders, [(Some(entry.id), &*version)]);
    // Deleted for good, they go.
    metadata.drop_trash(&entry, &ALICE).await.expect("drop");
    assert_unmet(
        metadata.drop_trash(&entry, &ALICE).await,
        Requirement::Trash,
    );
    let plans = collect(metadata, bytes).await;
    assert!(
        matches!(plans[..], [BlobPlan::Condemn, BlobPlan::Delete(_)]),
        "{plans:?}"
    );
    assert_eq!(
        metadata.explain_blob(&bytes, 9).await.expect("explain"),
        None
    );
}

async fn what_is_past_its_time_goes(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let version = format!("3.0.{}", bed.repo.id);
    let policy = RetentionPolicy {
        trash: Span(Duration::from_mins(1)),
        ..RetentionPolicy::default()
    };
    metadata
        .set_retention(bed.repo.id, &policy, &ALICE)
        .await
        .expect("set");
    bed.publish("pad", vec![artifact(&version)]).await;
    bed.publish("pad", withdraw(&version)).await;
    let entry = entry(&bed).await;
    assert_eq!(
        entry.expires_at,
        entry.deleted_at.after(Duration::from_mins(1))
    );
    let is_it = |it: &TrashEntry| it.id == entry.id;
    let early = metadata
        .expired_trash(Timestamp(entry.expires_at.0 - 1), None, 1000)
        .await;
    assert!(!early.expect("expired").iter().any(is_it));
    let due = metadata.expired_trash(entry.expires_at, None, 1000).await;
    assert!(due.expect("expired").iter().any(is_it));
    // Of its bytes, which nothing else has, it is known that they are then nobody's.
    let freed = metadata.freed_with(&entry, entry.expires_at).await;
    let own = (digest(&tarball(&version)), tarball(&version).len() as u64);
    assert_eq!(freed.expect("freed"), [own]);
    let held = held(metadata, JobKind::Gc).await;
    metadata.expire_trash(&held, &entry).await.expect("expire");
    finish(metadata, &held).await;
    assert!(trash(&bed).await.is_empty());
    // Whoever lost the job lets nothing go.
    bed.publish("pad", vec![artifact("2.0.0")]).await;
    bed.publish("pad", withdraw("2.0.0")).await;
    let entry = super::trash::entry(&bed).await;
    assert_unmet(metadata.expire_trash(&held, &entry).await, Requirement::Job);
    assert_eq!(trash(&bed).await.len(), 1);
}

async fn without_a_trash_nothing_is_kept(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let policy = RetentionPolicy {
        trash: Span(Duration::ZERO),
        ..RetentionPolicy::default()
    };
    metadata
        .set_retention(bed.repo.id, &policy, &ALICE)
        .await
        .expect("set");
    push(&bed, "trash-none", &["v1", "v2"]).await;
    drop_tag(&bed, "v1").await.expect("drop");
    assert!(trash(&bed).await.is_empty());
    // Without a policy there is one again.
    metadata
        .drop_retention(bed.repo.id, &ALICE)
        .await
        .expect("drop");
    drop_tag(&bed, "v2").await.expect("drop");
    assert_eq!(trash(&bed).await.len(), 1);
}

async fn mirrors_have_no_trash(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let file = fetched("-/1.tgz", "1");
    bed.keep("pad", metadata.now(), vec![file]).await;
    metadata
        .drop_version(bed.package("pad"), "1", &ALICE)
        .await
        .expect("drop");
    metadata
        .drop_package(bed.package("pad"), &ALICE)
        .await
        .expect("drop");
    assert!(trash(&bed).await.is_empty());
}

async fn the_trash_of_a_deleted_repository_goes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    push(&bed, "trash-repo", &["v1"]).await;
    drop_tag(&bed, "v1").await.expect("drop");
    let entry = entry(&bed).await;
    metadata
        .drop_repo(bed.repo.id, false, &ALICE)
        .await
        .expect("drop");
    assert!(trash(&bed).await.is_empty());
    assert_unmet(
        metadata.restore(&bed.repo, entry.id, &BOB).await,
        Requirement::Trash,
    );
}
