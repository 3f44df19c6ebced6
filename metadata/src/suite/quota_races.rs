//! Many publish at once into what has a quota.

use super::fixture::{ALICE, Bed, artifact, blob, name, tarball};
use super::quotas::{bytes, limit, shared, usage};
use crate::{Error, Metadata, Requirement};
use larder_model::QuotaLimits;
use tokio::task::JoinSet;

checks![
    of_many_pushes_those_are_taken_that_fit,
    of_many_publishes_those_are_taken_that_fit,
    a_quota_that_is_set_while_many_publish_counts_all,
];

const RACERS: u64 = 64;

/// How many were taken; all others did not fit.
async fn taken(mut racing: JoinSet<Result<(), Error>>) -> u64 {
    let mut taken = 0;
    while let Some(outcome) = racing.join_next().await {
        match outcome.expect("racer") {
            Ok(()) => taken += 1,
            Err(Error::Quota(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    taken
}

/// A blob of ten bytes.
fn racer_text(racer: u64) -> String {
    format!("racer {racer:04}")
}

async fn of_many_pushes_those_are_taken_that_fit(metadata: &Metadata) {
    let beds = [Bed::images(metadata).await, Bed::images(metadata).await];
    // Each alone has room for more than both share.
    let prefix = "oci/suite-";
    for bed in &beds {
        assert!(bed.repo.full_name().starts_with(prefix));
        limit(metadata, &bed.repo, bytes(10 * RACERS)).await;
    }
    let pattern = format!("{prefix}*").parse().expect("pattern");
    let all = metadata.add_quota(&pattern, bytes(1 << 40), &ALICE).await;
    let all = all.expect("quota");
    let quota = shared(metadata, all).await;
    let limits = bytes(quota.bytes + 10 * RACERS / 2 + 9);
    metadata
        .change_quota(&quota, limits, &ALICE)
        .await
        .expect("change");
    let mut racing = JoinSet::new();
    for racer in 0..RACERS {
        let (metadata, repo) = (
            metadata.clone(),
            beds[usize::from(racer % 2 == 0)].repo.clone(),
        );
        racing.spawn(async move {
            let metadata = &metadata;
            let bed = Bed { metadata, repo };
            let image = format!("image-{racer}");
            let new = blob(&racer_text(racer));
            metadata.keep_blob(bed.putting(&image), new, None).await
        });
    }
    assert_eq!(taken(racing).await, RACERS / 2);
    let used = shared(metadata, all).await;
    assert_eq!(used.bytes, quota.bytes + 10 * RACERS / 2);
    let (one, two) = (
        usage(metadata, &beds[0].repo).await,
        usage(metadata, &beds[1].repo).await,
    );
    assert_eq!(one.bytes + two.bytes, 10 * RACERS / 2);
    metadata.drop_quota(&used, &ALICE).await.expect("drop");
}

async fn of_many_publishes_those_are_taken_that_fit(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let size = tarball("10").len() as u64;
    let limits = QuotaLimits {
        bytes: Some(size * 40 + 1),
        versions: Some(20),
    };
    limit(metadata, &bed.repo, limits).await;
    let mut racing = JoinSet::new();
    for racer in 0..RACERS {
        let (metadata, repo) = (metadata.clone(), bed.repo.clone());
        racing.spawn(async move {
            let metadata = &metadata;
            let bed = Bed { metadata, repo };
            // Three at once for a package, so that some must be made anew.
            let package = format!("p{}", racer / 3);
            let version = (10 + racer).to_string();
            loop {
                let revision = bed.revision(&package).await;
                let steps = vec![artifact(&version)];
                match bed.change(&package, revision, steps, &ALICE).await {
                    Err(Error::Unmet(Requirement::Revision)) => {}
                    outcome => return outcome,
                }
            }
        });
    }
    assert_eq!(taken(racing).await, 20);
    let used = usage(metadata, &bed.repo).await;
    assert_eq!((used.bytes, used.versions), (20 * size, 20));
}

async fn a_quota_that_is_set_while_many_publish_counts_all(metadata: &Metadata) {
    for _ in 0..4 {
        let bed = Bed::images(metadata).await;
        let prefix = name(metadata);
        let mut racing = JoinSet::new();
        for racer in 0..RACERS {
            let (metadata, repo) = (metadata.clone(), bed.repo.clone());
            let text = format!("{prefix} {racer}");
            racing.spawn(async move {
                let metadata = &metadata;
                let bed = Bed { metadata, repo };
                if racer == RACERS / 4 {
                    limit(metadata, &bed.repo, bytes(1 << 40)).await;
                }
                let image = format!("image-{}", racer % 8);
                bed.push(&image, &text, &["v1"]).await;
                if racer % 4 == 0 {
                    let digest = super::fixture::digest(&text);
                    let dropped = metadata.drop_manifest(bed.package(&image), &digest, &ALICE);
                    dropped.await?;
                }
                Ok(())
            });
        }
        assert_eq!(taken(racing).await, RACERS);
        let counted = usage(metadata, &bed.repo).await;
        limit(metadata, &bed.repo, QuotaLimits::default()).await;
        let looked = usage(metadata, &bed.repo).await;
        assert_eq!(counted, looked);
    }
}
