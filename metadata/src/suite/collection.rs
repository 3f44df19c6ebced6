//! Rows of blobs in images: what no manifest names goes, and nothing else, in each order in which it
//! can happen.

pub(super) mod run;

use super::fixture::{Bed, Push, assert_unmet, blob, digest};
use crate::collection::{BlobPlan, LinkPlan, LinkQueue};
use crate::uploads::Finish;
use crate::{Metadata, Requirement};
use larder_model::Timestamp;
use run::{EVER, NEVER, Run, drop_manifest, has_link, keep_object, objects_of, push, text};
use std::time::Duration;

/// A client was told so long ago that it must be noted anew.
const ANEW: (Timestamp, Duration) = (NEVER, Duration::ZERO);

checks![
    a_blob_of_no_manifest_goes_in_steps,
    a_blob_of_an_upload_is_looked_at_once_it_has_ended,
    an_upload_that_brought_nothing_is_forgotten,
    a_blob_that_a_manifest_names_stays,
    a_blob_that_was_told_of_just_now_stays,
    a_promise_renews_the_wait,
    what_a_client_was_told_has_the_time_of_all_servers,
    what_a_manifest_named_is_looked_at_when_that_goes,
    what_another_manifest_names_stays,
    a_cache_that_names_its_layers_as_manifests_keeps_them,
    a_mounted_blob_is_held_by_either_image,
    a_blob_that_is_named_between_two_looks_stays,
];

async fn a_blob_of_no_manifest_goes_in_steps(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].plan(EVER), LinkPlan::Drop);
    run.settle_links(&bed, "app", EVER).await;
    assert!(!has_link(&bed, "app", blob).await);
    assert!(run.links(&bed, "app").await.is_empty());
    // It has waited as a link.
    let queued = run.blob(blob).await.expect("queued");
    assert_eq!(
        (queued.since, queued.plan()),
        (Timestamp(0), BlobPlan::Condemn)
    );
    assert_eq!(run.look(blob).await, Some(BlobPlan::Condemn));
    let queued = run.blob(blob).await.expect("queued");
    assert!(queued.since > Timestamp(0));
    assert!(matches!(run.look(blob).await, Some(BlobPlan::Delete(_))));
    assert_eq!(run.look(blob).await, None);
    let gone = metadata.gone_objects(None, 10_000).await.expect("objects");
    let gone = gone.iter().find(|object| object.digest == blob);
    let gone = *gone.expect("an object to remove");
    assert_eq!(
        (gone.generation, gone.size),
        (generation, text.len() as u64)
    );
    metadata
        .object_removed(&run.held, &gone)
        .await
        .expect("removed");
    assert!(objects_of(metadata, blob).await.is_empty());
    let again = metadata.object_removed(&run.held, &gone).await;
    assert_unmet(again, Requirement::Blob);
    run.end().await;
}

async fn a_blob_of_an_upload_is_looked_at_once_it_has_ended(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let finish = Finish {
        id: &text,
        version: 0,
        principal: "user:alice",
    };
    let kept = metadata.keep_blob(bed.putting("app"), blob(&text), Some(finish));
    kept.await.expect("keep");
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].queue, LinkQueue::Uploads(text.as_str().into()));
    assert_eq!(links[0].digest, Some(digest(&text)));
    // It waits on as a link.
    run.settle_links(&bed, "app", NEVER).await;
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].queue, LinkQueue::Links);
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(digest(&text)).await);
    run.end().await;
}

async fn an_upload_that_brought_nothing_is_forgotten(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let finish = Finish {
        id: &text,
        version: 0,
        principal: "user:alice",
    };
    let cancelled = metadata.cancel_upload(bed.putting("app"), finish).await;
    cancelled.expect("cancel");
    let links = run.links(&bed, "app").await;
    assert_eq!((links.len(), links[0].digest), (1, None));
    run.settle_links(&bed, "app", NEVER).await;
    assert!(run.links(&bed, "app").await.is_empty());
    assert!(metadata.upload(&text).await.expect("upload").is_none());
    run.end().await;
}

async fn a_blob_that_a_manifest_names_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let links = run.links(&bed, "app").await;
    assert_eq!(links[0].named_by, Some(manifest.to_string().into()));
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", blob).await);
    assert!(run.links(&bed, "app").await.is_empty());
    assert_eq!(run.look(blob).await, None);
    run.end().await;
}

async fn a_blob_that_was_told_of_just_now_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    run.settle_links(&bed, "app", NEVER).await;
    assert!(has_link(&bed, "app", blob).await);
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert!(matches!(links[0].plan(NEVER), LinkPlan::Wait(_)));
    run.end().await;
}

async fn a_promise_renews_the_wait(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let before = run.links(&bed, "app").await.remove(0);
    let told_at = before.told_at.expect("a row");
    let promise = metadata.promise_blob(bed.package("app"), &blob, ANEW);
    promise.await.expect("promise");
    let after = run.links(&bed, "app").await.remove(0);
    assert!(after.told_at > Some(told_at));
    // What was planned before the promise is not done.
    let settled = metadata.settle_link(&run.held, &before, told_at).await;
    assert_unmet(settled, Requirement::Blob);
    assert!(has_link(&bed, "app", blob).await);
    run.settle_links(&bed, "app", EVER).await;
    let promise = metadata.promise_blob(bed.package("app"), &blob, ANEW).await;
    assert_unmet(promise, Requirement::Blob);
    run.end().await;
}

/// The collector's server may have another clock than the one that told the client.
async fn what_a_client_was_told_has_the_time_of_all_servers(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let shared = metadata.shared_now().await.expect("now");
    let blob = bed.keep_blob("app", &text).await;
    let minute = std::time::Duration::from_mins(1);
    for _ in 0..2 {
        let told_at = run.links(&bed, "app").await.remove(0).told_at;
        let told_at = told_at.expect("a row");
        assert!(told_at > shared.before(minute) && told_at < shared.after(minute));
        let promise = metadata.promise_blob(bed.package("app"), &blob, ANEW);
        promise.await.expect("promise");
    }
    run.end().await;
}

async fn what_a_manifest_named_is_looked_at_when_that_goes(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let manifest = push(&bed, "app", &format!("m{text}"), &[blob]).await;
    run.settle_links(&bed, "app", EVER).await;
    drop_manifest(&bed, "app", manifest).await;
    // The client that deleted it may use the layer for the next.
    let links = run.links(&bed, "app").await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].told_at, Some(links[0].since));
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(blob).await);
    assert!(run.collects(manifest).await);
    run.end().await;
}

async fn what_another_manifest_names_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let one = push(&bed, "app", &format!("1{text}"), &[blob]).await;
    let two = push(&bed, "app", &format!("2{text}"), &[blob]).await;
    drop_manifest(&bed, "app", one).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", blob).await);
    assert!(!run.collects(blob).await);
    drop_manifest(&bed, "app", two).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(blob).await);
    run.end().await;
}

/// Caches of `BuildKit` are indexes whose children are layers.
async fn a_cache_that_names_its_layers_as_manifests_keeps_them(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let layer = bed.keep_blob("app", &text).await;
    let cache = format!("m{text}");
    let push = Push {
        manifests: &[layer],
        ..Push::new(&cache, &["cache"])
    };
    bed.try_push("app", push).await.expect("push");
    run.settle_links(&bed, "app", EVER).await;
    assert!(has_link(&bed, "app", layer).await);
    drop_manifest(&bed, "app", digest(&cache)).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(run.collects(layer).await);
    run.end().await;
}

async fn a_mounted_blob_is_held_by_either_image(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("a", &text).await;
    let mounted = metadata.mount(bed.putting("b"), bed.package("a"), &blob);
    mounted.await.expect("mount");
    run.settle_links(&bed, "a", EVER).await;
    assert!(!has_link(&bed, "a", blob).await);
    assert!(!run.collects(blob).await);
    push(&bed, "b", &format!("m{text}"), &[blob]).await;
    run.settle_links(&bed, "b", EVER).await;
    assert!(has_link(&bed, "b", blob).await);
    run.end().await;
}

async fn a_blob_that_is_named_between_two_looks_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let link = run.links(&bed, "app").await.remove(0);
    assert_eq!(link.plan(EVER), LinkPlan::Drop);
    push(&bed, "app", &format!("m{text}"), &[blob]).await;
    let settled = metadata.settle_link(&run.held, &link, EVER).await;
    assert_unmet(settled, Requirement::Blob);
    assert!(has_link(&bed, "app", blob).await);
    run.end().await;
}
