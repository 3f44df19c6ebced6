//! What repositories may have at most.

use super::fixture::{ALICE, Bed, Push, add_repo, artifact, assert_unmet, blob, digest, tarball};
use super::fixture::{NPM, withdraw};
use super::trash::{entry, restore};
use crate::quotas::{ComingBytes, SharedQuota, Usage};
use crate::repos::RepoRecord;
use crate::trash_restore::Restoration;
use crate::uploads::Progress;
use crate::{Error, Metadata, Requirement};
use larder_model::{Algorithm, Pattern, QuotaLimits, QuotaUnit, RepoKind, RepoSettings, Shortage};

checks![
    what_fits_to_the_byte_is_taken_and_no_byte_more,
    versions_are_counted_and_moves_are_none,
    above_a_lowered_quota_what_adds_nothing_is_allowed,
    what_is_deleted_does_not_count_and_what_comes_back_does,
    what_no_manifest_names_any_more_does_not_count,
    what_the_server_composes_does_not_count,
    a_shared_quota_counts_all_that_it_fits,
    the_count_begins_with_what_is_there,
    without_a_quota_usage_is_the_same,
    bytes_of_other_repositories_are_not_unique,
    a_warning_is_told_once_until_less_is_used,
    what_cannot_fit_is_refused_before_it_is_sent,
    what_unfinished_uploads_have_is_held,
];

pub(super) fn bytes(limit: u64) -> QuotaLimits {
    QuotaLimits {
        bytes: Some(limit),
        versions: None,
    }
}

pub(super) fn versions(limit: u64) -> QuotaLimits {
    QuotaLimits {
        bytes: None,
        versions: Some(limit),
    }
}

pub(super) async fn limit(metadata: &Metadata, repo: &RepoRecord, quota: QuotaLimits) {
    let settings = RepoSettings {
        quota,
        ..RepoSettings::default()
    };
    let changed = metadata.change_repo(repo.id, "", &settings, None, &ALICE);
    changed.await.expect("limit");
}

#[track_caller]
pub(super) fn shortage<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Shortage {
    match outcome {
        Err(Error::Quota(shortage)) => *shortage,
        other => panic!("it should not have fitted: {other:?}"),
    }
}

pub(super) async fn usage(metadata: &Metadata, repo: &RepoRecord) -> Usage {
    metadata.usage(repo.id).await.expect("usage")
}

pub(super) async fn shared(metadata: &Metadata, id: i64) -> SharedQuota {
    let found = metadata.shared_quota(id).await.expect("quotas");
    found.expect("a quota")
}

fn only(repo: &RepoRecord) -> Pattern {
    repo.full_name().parse().expect("pattern")
}

async fn what_fits_to_the_byte_is_taken_and_no_byte_more(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    limit(metadata, &bed.repo, bytes(10)).await;
    bed.keep_blob("a", "12345").await;
    bed.keep_blob("b", "12345").await; // the same bytes
    let kept = metadata.keep_blob(bed.putting("b"), blob("123456"), None);
    let expected = Shortage {
        of: bed.repo.full_name().into(),
        is_shared: false,
        unit: QuotaUnit::Bytes,
        limit: 10,
        used: 5,
        held: 0,
        wanted: 6,
    };
    assert_eq!(shortage(kept.await), expected);
    assert!(
        metadata
            .bytes_of(&digest("123456"))
            .await
            .expect("bytes")
            .is_none()
    );
    bed.keep_blob("b", "54321").await;
    let layers = [digest("12345")];
    let push = Push {
        blobs: &layers,
        ..Push::new("m", &["v1"])
    };
    assert_eq!(shortage(bed.try_push("a", push).await).left(), 0);
    assert!(bed.revision("a").await.is_none());
    let mounted = metadata.mount(bed.putting("c"), bed.package("a"), &layers[0]);
    mounted.await.expect("the same bytes");
    assert_eq!(usage(metadata, &bed.repo).await.bytes, 10);
}

async fn versions_are_counted_and_moves_are_none(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    limit(metadata, &bed.repo, versions(2)).await;
    bed.push("a", "one", &["v1", "v2"]).await;
    bed.push("a", "two", &["v1"]).await;
    bed.push("b", "three", &[]).await;
    let refused = shortage(bed.try_push("b", Push::new("three", &["v1"])).await);
    assert_eq!(
        (refused.unit, refused.used, refused.wanted),
        (QuotaUnit::Versions, 2, 1)
    );
    let dropped = metadata.drop_tag(bed.package("a"), "v2", None, &ALICE);
    dropped.await.expect("drop");
    bed.push("b", "three", &["v1"]).await;
    let packages = Bed::packages(metadata).await;
    limit(metadata, &packages.repo, versions(1)).await;
    packages.publish("p", vec![artifact("1")]).await;
    let again = packages
        .change("q", None, vec![artifact("1")], &ALICE)
        .await;
    assert_eq!(shortage(again).limit, 1);
    assert!(packages.revision("q").await.is_none());
    packages.publish("p", withdraw("1")).await;
    packages.publish("q", vec![artifact("1")]).await;
}

async fn above_a_lowered_quota_what_adds_nothing_is_allowed(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    limit(metadata, &bed.repo, bytes(1)).await;
    let revision = bed.revision("p").await;
    let more = bed.change("p", revision, vec![artifact("3")], &ALICE).await;
    shortage(more);
    let mut replaced = withdraw("1");
    replaced.push(artifact("4")); // as long as what goes
    bed.publish("p", replaced).await;
    bed.publish("p", withdraw("2")).await;
    let left = tarball("4").len() as u64;
    assert_eq!(usage(metadata, &bed.repo).await.bytes, left);
    limit(metadata, &bed.repo, QuotaLimits::default()).await;
    bed.publish("p", vec![artifact("5")]).await;
}

async fn what_is_deleted_does_not_count_and_what_comes_back_does(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let size = tarball("1").len() as u64;
    limit(metadata, &bed.repo, bytes(size)).await;
    bed.publish("p", vec![artifact("1")]).await;
    bed.publish("p", withdraw("1")).await;
    assert_eq!(usage(metadata, &bed.repo).await, Usage::default());
    bed.publish("p", vec![artifact("2")]).await;
    let deleted = entry(&bed).await;
    let restored = metadata.restore(&bed.repo, deleted.id, &ALICE).await;
    assert_eq!(shortage(restored).wanted, size);
    assert_eq!(entry(&bed).await, deleted);
    limit(metadata, &bed.repo, bytes(2 * size)).await;
    assert_eq!(restore(&bed, &deleted).await, Restoration::Done);
    assert_eq!(usage(metadata, &bed.repo).await.bytes, 2 * size);
}

async fn what_no_manifest_names_any_more_does_not_count(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    limit(metadata, &bed.repo, bytes(9)).await;
    let layers = [bed.keep_blob("a", "layer-one").await];
    let push = |text| Push {
        blobs: &layers,
        ..Push::new(text, &[])
    };
    limit(metadata, &bed.repo, bytes(11)).await;
    bed.try_push("a", push("m1")).await.expect("push");
    let first = digest("m1");
    let dropped = metadata.drop_manifest(bed.package("a"), &first, &ALICE);
    dropped.await.expect("drop");
    assert_eq!(usage(metadata, &bed.repo).await.bytes, 0);
    // The layer's row is there until the collector comes: named again it counts again.
    let other = [bed.keep_blob("a", "layer-two").await];
    assert_eq!(shortage(bed.try_push("a", push("m2")).await).wanted, 11);
    let push_other = Push {
        blobs: &other,
        ..Push::new("m3", &[])
    };
    bed.try_push("a", push_other).await.expect("push");
    assert_eq!(usage(metadata, &bed.repo).await.bytes, 11);
    let restored = metadata
        .restore(&bed.repo, entry(&bed).await.id, &ALICE)
        .await;
    assert_eq!(shortage(restored).wanted, 11);
}

async fn what_the_server_composes_does_not_count(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let size = tarball("1").len() as u64;
    limit(metadata, &bed.repo, bytes(size)).await;
    bed.publish("p", vec![artifact("1")]).await;
    let revision = bed.revision("p").await.expect("revision");
    let composed = blob("a long document that tells of all versions");
    let kept = metadata.keep_composed(bed.package("p"), revision, "index", "", composed);
    kept.await.expect("keep");
    assert_eq!(usage(metadata, &bed.repo).await.bytes, size);
}

async fn a_shared_quota_counts_all_that_it_fits(metadata: &Metadata) {
    let (one, mirror) = (Bed::images(metadata).await, Bed::mirror(metadata).await);
    let id = metadata.add_quota(&only(&one.repo), bytes(8), &ALICE).await;
    let id = id.expect("add");
    one.keep_blob("a", "12345").await;
    let kept = metadata.keep_blob(one.putting("a"), blob("1234"), None);
    let refused = shortage(kept.await);
    assert_eq!(
        (refused.of, refused.is_shared),
        (one.repo.full_name().into(), true)
    );
    // Both have to fit.
    limit(metadata, &one.repo, bytes(6)).await;
    let kept = metadata.keep_blob(one.putting("a"), blob("123"), None);
    assert!(!shortage(kept.await).is_shared);
    one.keep_blob("a", "1").await;
    assert_eq!(shared(metadata, id).await.bytes, 6);
    limit(metadata, &one.repo, QuotaLimits::default()).await;
    one.keep_blob("a", "22").await;
    let quota = shared(metadata, id).await;
    assert_eq!((quota.bytes, quota.warning), (8, true));
    metadata
        .change_quota(&quota, bytes(9), &ALICE)
        .await
        .expect("change");
    one.keep_blob("a", "3").await;
    metadata.drop_quota(&quota, &ALICE).await.expect("drop");
    assert_unmet(
        metadata.drop_quota(&quota, &ALICE).await,
        Requirement::Quota,
    );
    one.keep_blob("a", "now there is room for all").await;
    // What is mirrored is nobody's quota.
    let id = metadata
        .add_quota(&only(&mirror.repo), bytes(0), &ALICE)
        .await;
    let quota = shared(metadata, id.expect("add")).await;
    mirror
        .keep(
            "p",
            metadata.now(),
            vec![super::fixture::fetched("-/p.tgz", "1")],
        )
        .await;
    metadata.drop_quota(&quota, &ALICE).await.expect("drop");
    // Of a repository that is made later, too; and it leaves again.
    let prefix = super::fixture::name(metadata);
    let pattern = format!("npm/{prefix}*").parse().expect("pattern");
    let id = metadata
        .add_quota(&pattern, versions(1), &ALICE)
        .await
        .expect("add");
    let later = crate::repos::NewRepo {
        protocol: NPM,
        name: &format!("{prefix}-later").parse().expect("name"),
        kind: RepoKind::Hosted,
        description: "",
        settings: &RepoSettings::default(),
        members: &[],
    };
    let repo = metadata.add_repo(later, &ALICE).await.expect("repository");
    assert!(repo.is_limited);
    let later = Bed { metadata, repo };
    later.publish("p", vec![artifact("1")]).await;
    let revision = later.revision("p").await;
    shortage(
        later
            .change("p", revision, vec![artifact("2")], &ALICE)
            .await,
    );
    metadata
        .drop_repo(later.repo.id, true, &ALICE)
        .await
        .expect("drop");
    let quota = shared(metadata, id).await;
    assert_eq!((quota.bytes, quota.versions), (0, 0));
    metadata.drop_quota(&quota, &ALICE).await.expect("drop");
}

async fn the_count_begins_with_what_is_there(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let layers = [bed.keep_blob("a", "layer").await];
    let push = Push {
        blobs: &layers,
        ..Push::new("manifest", &["v1"])
    };
    bed.try_push("a", push).await.expect("push");
    bed.keep_blob("a", "loose").await;
    let before = usage(metadata, &bed.repo).await;
    limit(metadata, &bed.repo, bytes(13)).await;
    assert_eq!(usage(metadata, &bed.repo).await, before);
    assert_eq!((before.bytes, before.versions), (13, 1));
    // Named it counts.
    let loose = [digest("loose")];
    let push = Push {
        blobs: &loose,
        ..Push::new("m", &[])
    };
    assert_eq!(shortage(bed.try_push("a", push).await).wanted, 6);
}

async fn without_a_quota_usage_is_the_same(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    bed.publish("p", vec![artifact("1"), artifact("2")]).await;
    bed.publish("q", vec![artifact("1")]).await;
    let size = tarball("1").len() as u64;
    let expected = Usage {
        bytes: 2 * size,
        unique_bytes: 0,
        versions: 3,
    };
    let unique = |usage: Usage| Usage {
        unique_bytes: 0, // other checks publish the same
        ..usage
    };
    assert_eq!(unique(usage(metadata, &bed.repo).await), expected);
    limit(metadata, &bed.repo, versions(9)).await;
    assert_eq!(unique(usage(metadata, &bed.repo).await), expected);
    let empty = add_repo(metadata, NPM, RepoKind::Hosted, &[]).await;
    assert_eq!(usage(metadata, &empty).await, Usage::default());
}

async fn bytes_of_other_repositories_are_not_unique(metadata: &Metadata) {
    let (one, two) = (Bed::images(metadata).await, Bed::images(metadata).await);
    let own = format!("of {} alone", one.repo.id);
    for limited in [false, true] {
        one.push("a", &own, &["v1"]).await;
        one.push("a", "of both", &[]).await;
        two.push("a", "of both", &[]).await;
        let used = usage(metadata, &one.repo).await;
        assert_eq!(used.unique_bytes, own.len() as u64, "{limited}");
        assert_eq!(used.bytes, used.unique_bytes + 7);
        limit(metadata, &one.repo, bytes(1000)).await;
    }
}

async fn a_warning_is_told_once_until_less_is_used(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    limit(metadata, &bed.repo, versions(5)).await;
    let told = async || {
        let told = metadata.tell_quota_warnings().await.expect("tell");
        let name = bed.repo.full_name();
        told.iter().filter(|warning| *warning.of == *name).count()
    };
    let is_warned = async || metadata.is_quota_warned(bed.repo.id).await.expect("warned");
    let steps = vec![artifact("1"), artifact("2"), artifact("3")];
    bed.publish("p", steps).await;
    assert_eq!((told().await, is_warned().await), (0, false));
    bed.publish("p", vec![artifact("4")]).await;
    assert!(is_warned().await);
    assert_eq!((told().await, told().await), (1, 0));
    bed.publish("p", vec![artifact("5")]).await;
    assert_eq!((told().await, is_warned().await), (0, true));
    bed.publish("p", withdraw("1")).await;
    bed.publish("p", withdraw("2")).await;
    assert!(!is_warned().await);
    bed.publish("p", vec![artifact("6")]).await;
    assert_eq!(told().await, 1);
    limit(metadata, &bed.repo, versions(100)).await;
    assert!(!is_warned().await);
    let entries = "select details from audit_waiting where action = 'quota.warn' and object = ?1 \
        union all select details from audit where action = 'quota.warn' and object = ?1";
    let name = bed.repo.full_name();
    let rows = metadata.sql.rows(entries, &[name.into()]).await;
    assert_eq!(rows.expect("entries").len(), 2);
}

async fn what_cannot_fit_is_refused_before_it_is_sent(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    limit(metadata, &bed.repo, bytes(10)).await;
    let kept = bed.keep_blob("a", "1234").await;
    let coming = |bytes| ComingBytes {
        repo: bed.repo.id,
        digest: None,
        bytes,
        upload: "",
    };
    shortage(metadata.announce(coming(7)).await);
    let held = metadata.announce(coming(5)).await.expect("room");
    let refused = shortage(metadata.announce(coming(2)).await);
    assert_eq!((refused.used, refused.held, refused.left()), (4, 5, 1));
    drop(held);
    let all = metadata.announce(coming(6)).await.expect("room");
    assert!(all.is_some());
    // What is there needs no room.
    let again = ComingBytes {
        digest: Some(kept),
        ..coming(4)
    };
    assert!(metadata.announce(again).await.expect("room").is_none());
}

async fn what_unfinished_uploads_have_is_held(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    limit(metadata, &bed.repo, bytes(10)).await;
    let id = format!("upload-{}", bed.repo.id);
    let progress = Progress {
        id: &id,
        version: 0,
        algorithm: Algorithm::Sha256,
        received: 6,
        hash_state: b"state",
        boot_id: "",
    };
    metadata
        .save_upload(bed.putting("a"), progress)
        .await
        .expect("save");
    let coming = ComingBytes {
        repo: bed.repo.id,
        digest: None,
        bytes: 5,
        upload: "",
    };
    assert_eq!(shortage(metadata.announce(coming).await).held, 6);
    // Its own bytes do not stand in its way.
    let own = ComingBytes {
        bytes: 10,
        upload: &id,
        ..coming
    };
    assert!(metadata.announce(own).await.expect("room").is_some());
}
