//! Many change and read the same at once.

use super::fixture::{ALICE, Bed, Push, artifact, assert_unmet, digest, tag, tarball};
use crate::manifests::Expect;
use crate::{Error, Metadata, Requirement};
use larder_model::{Digest, FileKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

checks![
    of_many_that_put_an_absent_tag_one_wins,
    of_many_that_begin_a_package_one_wins,
    of_many_that_change_a_package_none_is_lost,
    an_acknowledged_push_is_seen,
    a_dropped_tag_is_gone_at_once,
];

/// How many did it; the others were refused for that reason.
async fn count_winners(mut racing: JoinSet<Result<(), Error>>, refused: Requirement) -> usize {
    let mut winners = 0;
    while let Some(outcome) = racing.join_next().await {
        match outcome.expect("racer") {
            Ok(()) => winners += 1,
            lost => assert_unmet(lost, refused),
        }
    }
    winners
}

async fn of_many_that_put_an_absent_tag_one_wins(metadata: &Metadata) {
    let repo = Bed::images(metadata).await.repo;
    let mut racing = JoinSet::new();
    for racer in 0..32 {
        let (metadata, repo) = (metadata.clone(), repo.clone());
        racing.spawn(async move {
            let metadata = &metadata;
            let text = format!("racer {racer}");
            let push = Push {
                expect: Expect::Absent,
                ..Push::new(&text, &["first"])
            };
            Bed { metadata, repo }.try_push("r", push).await
        });
    }
    assert_eq!(count_winners(racing, Requirement::Tag).await, 1);
}

async fn of_many_that_begin_a_package_one_wins(metadata: &Metadata) {
    let repo = Bed::packages(metadata).await.repo;
    let mut racing = JoinSet::new();
    for racer in 0..16 {
        let (metadata, repo) = (metadata.clone(), repo.clone());
        racing.spawn(async move {
            let metadata = &metadata;
            let steps = vec![artifact(&racer.to_string())];
            Bed { metadata, repo }
                .change("p", None, steps, &ALICE)
                .await
        });
    }
    assert_eq!(count_winners(racing, Requirement::Revision).await, 1);
}

/// Publishes a version; made anew for as long as others are first.
async fn publish(bed: &Bed<'_>, version: &str) {
    loop {
        let revision = bed.revision("p").await;
        let steps = vec![artifact(version), tag("latest", version)];
        match bed.change("p", revision, steps, &ALICE).await {
            Ok(()) => return,
            lost => assert_unmet(lost, Requirement::Revision),
        }
    }
}

async fn of_many_that_change_a_package_none_is_lost(metadata: &Metadata) {
    const RACERS: usize = 16;
    let bed = Bed::packages(metadata).await;
    let mut racing = JoinSet::new();
    for racer in 0..RACERS {
        let (metadata, repo) = (metadata.clone(), bed.repo.clone());
        racing.spawn(async move {
            let metadata = &metadata;
            publish(&Bed { metadata, repo }, &racer.to_string()).await;
        });
    }
    while let Some(racer) = racing.join_next().await {
        racer.expect("racer");
    }
    let files = metadata.published(bed.package("p")).await.expect("files");
    assert_eq!(files.len(), RACERS + 1);
    let key = bed.package("p").file(FileKind::Tag, "latest");
    let states = metadata.states(key, metadata.now(), 100).await;
    let states = states.expect("states");
    let latest = bed.find(key).await.expect("there").digest;
    assert_eq!((states.len(), states[0].digest), (RACERS, Some(latest)));
    let all: std::collections::HashSet<_> = states.iter().map(|it| it.digest).collect();
    assert!((0..RACERS).all(|it| all.contains(&Some(digest(&tarball(&it.to_string()))))));
}

/// Reads a tag until the last of `pushes` was acknowledged: whoever asks after a push was
/// acknowledged sees it or a later one.
async fn read(bed: Bed<'_>, pushes: &[Digest], acknowledged: &AtomicUsize) {
    let key = bed.package("m").file(FileKind::Tag, "now");
    loop {
        let known = acknowledged.load(Ordering::SeqCst);
        let found = bed.find(key).await;
        let push = found.map(|found| pushes.iter().position(|push| *push == found.digest));
        let seen = push.map_or(0, |push| push.expect("a digest of ours") + 1);
        assert!(
            seen >= known,
            "push {known} was acknowledged, {seen} was read"
        );
        if known == pushes.len() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn an_acknowledged_push_is_seen(metadata: &Metadata) {
    const PUSHES: usize = 100;
    let bed = Bed::images(metadata).await;
    let texts: Vec<String> = (0..PUSHES).map(|push| format!("push {push}")).collect();
    let digests: Arc<[Digest]> = texts.iter().map(|text| digest(text)).collect();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (metadata, repo) = (metadata.clone(), bed.repo.clone());
        let (digests, acknowledged) = (Arc::clone(&digests), Arc::clone(&acknowledged));
        readers.spawn(async move {
            let metadata = &metadata;
            read(Bed { metadata, repo }, &digests, &acknowledged).await;
        });
    }
    for (push, text) in texts.iter().enumerate() {
        bed.push("m", text, &["now"]).await;
        acknowledged.store(push + 1, Ordering::SeqCst);
    }
    while let Some(reader) = readers.join_next().await {
        reader.expect("reader");
    }
}

async fn a_dropped_tag_is_gone_at_once(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let key = bed.package("m").file(FileKind::Tag, "now");
    for _ in 0..20 {
        bed.push("m", "one", &["now"]).await;
        assert!(bed.has(key).await);
        let dropped = metadata.drop_tag(bed.package("m"), "now", None, &ALICE);
        dropped.await.expect("drop");
        assert!(!bed.has(key).await);
    }
}
