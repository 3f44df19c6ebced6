//! Damaged blobs: nobody reads them, whoever has their bytes brings them, and nothing right is lost on
//! the way.

use super::collection::run::{EVER, NEVER, Run, has_link, keep_object, objects_of, push, text};
use super::fixture::{ALICE, BOB, Bed, Push, assert_unmet, blob, digest, document, fetched};
use crate::blobs::{Bytestore, NewBlob};
use crate::documents::NewFile;
use crate::scrub::{Damage, Orphan, ScrubBlob};
use crate::{Metadata, Requirement};
use larder_model::{Digest, FileKind, JobKind, Timestamp};
use serde_json::json;

checks![
    what_is_damaged_is_told_by_every_name,
    a_push_of_the_same_bytes_heals,
    a_second_copy_heals,
    bytes_that_are_right_after_all_are_released,
    what_was_brought_since_it_was_read_is_not_damaged,
    what_a_reader_does_not_find_is_noted_once,
    damaged_bytes_are_nobodys_source,
    what_nothing_names_goes_damaged_or_not,
    what_is_named_again_stays_damaged,
    what_is_given_up_stays_damaged_without_its_object,
    what_was_made_here_is_let_go,
    an_orphan_goes_at_the_second_look,
    an_orphan_that_gets_a_row_stays,
    the_state_of_a_run_is_that_of_its_job,
    a_blob_that_nothing_accounts_for_is_told,
];

async fn read(metadata: &Metadata, digest: Digest) -> ScrubBlob {
    let read = metadata.blob_to_scrub(&digest).await.expect("read");
    read.expect("a blob")
}

/// Finds a blob damaged.
async fn damage(run: &Run<'_>, digest: Digest) {
    let blob = read(run.metadata, digest).await;
    let noted = run
        .metadata
        .quarantine_blob(&run.held, &blob, Damage::Changed);
    noted.await.expect("quarantine");
}

async fn is_damaged(bed: &Bed<'_>, image: &str, digest: Digest) -> bool {
    let path = digest.to_string();
    let found = bed.find(bed.package(image).file(FileKind::Blob, &path));
    found.await.expect("a row").damaged
}

async fn quarantined(metadata: &Metadata, digest: Digest) -> Option<Damage> {
    let found = metadata.quarantined_blob(&digest).await.expect("read");
    found.map(|it| it.damage)
}

async fn what_is_damaged_is_told_by_every_name(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    bed.keep_blob("other", &text).await;
    assert!(!is_damaged(&bed, "app", blob).await);
    assert!(!is_damaged(&bed, "other", blob).await);
    damage(&run, blob).await;
    assert!(is_damaged(&bed, "app", blob).await);
    assert!(is_damaged(&bed, "other", blob).await);
    let all = metadata.quarantined("", 10_000).await.expect("list");
    let told: Vec<_> = all.iter().filter(|it| it.digest == blob).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].damage, told[0].size),
        (Damage::Changed, text.len() as u64)
    );
    // It is found once more: since then it is known.
    damage(&run, blob).await;
    let again = metadata.quarantined_blob(&blob).await.expect("read");
    assert_eq!(again.expect("there").since, told[0].since);
    run.end().await;
}

async fn a_push_of_the_same_bytes_heals(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let first = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    push(&bed, "app", &format!("m{text}"), &[blob]).await;
    damage(&run, blob).await;
    let second = keep_object(&bed, "other", &text).await;
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(quarantined(metadata, blob).await, None);
    let known = metadata.generation(&blob).await.expect("generation");
    assert_eq!(known, Some(second));
    // What was kept aside is removed.
    assert_eq!(objects_of(metadata, blob).await, [first]);
    // In a row as well.
    damage(&run, blob).await;
    bed.keep_blob("third", &text).await;
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(metadata.generation(&blob).await.expect("generation"), None);
    assert_eq!(objects_of(metadata, blob).await, [first, second]);
    run.end().await;
}

async fn a_second_copy_heals(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let first = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    let copy = NewBlob {
        digest: blob,
        size: text.len() as u64,
        bytes: Bytestore::Object(metadata.new_id()),
    };
    let healed = metadata.heal_blob(&run.held, copy.clone()).await;
    assert_unmet(healed, Requirement::Blob); // nothing is wrong with it
    damage(&run, blob).await;
    let healed = metadata.heal_blob(&run.held, copy).await;
    healed.expect("heal");
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(objects_of(metadata, blob).await, [first]);
    run.end().await;
}

async fn bytes_that_are_right_after_all_are_released(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    damage(&run, blob).await;
    let seen = read(metadata, blob).await;
    assert!(seen.damaged);
    let released = metadata.release_blob(&run.held, &seen).await;
    released.expect("release");
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(quarantined(metadata, blob).await, None);
    let known = metadata.generation(&blob).await.expect("generation");
    assert_eq!(known, Some(generation));
    assert!(objects_of(metadata, blob).await.is_empty());
    let again = metadata.release_blob(&run.held, &seen).await;
    assert_unmet(again, Requirement::Blob);
    run.end().await;
}

async fn what_was_brought_since_it_was_read_is_not_damaged(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    let seen = read(metadata, blob).await;
    bed.keep_blob("app", &text).await;
    let noted = metadata.quarantine_blob(&run.held, &seen, Damage::Size);
    assert_unmet(noted.await, Requirement::Blob);
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(quarantined(metadata, blob).await, None);
    run.end().await;
}

async fn what_a_reader_does_not_find_is_noted_once(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let text = text(metadata);
    let blob = bed.keep_blob("app", &text).await;
    let seen = read(metadata, blob).await;
    let note = |generation, damage| metadata.quarantine_object(&seen.digest, generation, damage);
    // Another object is not the one that was looked for.
    let other = note(seen.generation + 1, Damage::Missing).await;
    assert!(!other.expect("noted"));
    assert!(!is_damaged(&bed, "app", blob).await);
    assert!(note(seen.generation, Damage::Missing).await.expect("noted"));
    assert!(is_damaged(&bed, "app", blob).await);
    assert_eq!(quarantined(metadata, blob).await, Some(Damage::Missing));
    assert!(!note(seen.generation, Damage::Size).await.expect("noted"));
    assert_eq!(quarantined(metadata, blob).await, Some(Damage::Missing));
    // The same bytes once more make it right.
    bed.keep_blob("app", &text).await;
    assert!(!is_damaged(&bed, "app", blob).await);
}

async fn damaged_bytes_are_nobodys_source(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let blob = bed.keep_blob("app", &text).await;
    damage(&run, blob).await;
    let taken = metadata.take_blob(bed.putting("app"), &blob, None).await;
    assert_unmet(taken, Requirement::Blob);
    let from = bed.package("app");
    let mounted = metadata.mount(bed.putting("other"), from, &blob).await;
    assert_unmet(mounted, Requirement::Source);
    let manifest = format!("m{text}");
    let named = Push {
        blobs: &[blob],
        ..Push::new(&manifest, &["v1"])
    };
    assert_unmet(bed.try_push("app", named).await, Requirement::Blob);
    bed.keep_blob("app", &text).await;
    push(&bed, "app", &manifest, &[blob]).await;
    run.end().await;
}

async fn what_nothing_names_goes_damaged_or_not(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    damage(&run, blob).await;
    run.settle_links(&bed, "app", EVER).await;
    assert!(!has_link(&bed, "app", blob).await);
    assert!(run.collects(blob).await);
    assert_eq!(quarantined(metadata, blob).await, None);
    assert_eq!(objects_of(metadata, blob).await, [generation]);
    run.end().await;
}

async fn what_is_named_again_stays_damaged(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let (run, path) = (Run::begin(metadata).await, text(metadata));
    bed.keep("a", Timestamp(1), vec![fetched(&path, "1")]).await;
    let blob = digest(&path);
    damage(&run, blob).await;
    bed.keep("a", Timestamp(2), vec![document(&path, "x")])
        .await;
    let key = bed.package("a").file(FileKind::Artifact, &path);
    let found = bed.find(key).await.expect("a file");
    assert!(found.damaged);
    // Condemned it is damaged all the same, and when a name of it is seen again.
    let seen = read(metadata, blob).await;
    let noted = metadata.quarantine_blob(&run.held, &seen, Damage::Missing);
    noted.await.expect("quarantine");
    assert_eq!(quarantined(metadata, blob).await, Some(Damage::Missing));
    let files = vec![NewFile {
        blob: super::fixture::blob(&path),
        ..fetched("other", "1")
    }];
    bed.keep("a", Timestamp(3), files).await;
    let found = bed.find(key).await.expect("a file");
    assert!(!found.damaged);
    run.end().await;
}

async fn what_is_given_up_stays_damaged_without_its_object(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let blob = digest(&text);
    let given_up = metadata.give_up_blob(&blob, &BOB).await;
    assert_unmet(given_up, Requirement::Blob); // it is not damaged
    damage(&run, blob).await;
    let given_up = metadata.give_up_blob(&blob, &ALICE).await;
    given_up.expect("give up");
    assert_eq!(objects_of(metadata, blob).await, [generation]);
    assert!(is_damaged(&bed, "app", blob).await);
    assert_eq!(quarantined(metadata, blob).await, Some(Damage::Deleted));
    keep_object(&bed, "app", &text).await;
    assert!(!is_damaged(&bed, "app", blob).await);
    assert_eq!(objects_of(metadata, blob).await, [generation]);
    run.end().await;
}

async fn what_was_made_here_is_let_go(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let run = Run::begin(metadata).await;
    let (form, text) = (format!("form of {}", text(metadata)), text(metadata));
    let made = NewFile {
        derived_from: "x",
        ..NewFile::new(FileKind::Representation, "f", blob(&form), "text/plain")
    };
    let files = vec![document("d", &text), made];
    bed.keep("a", Timestamp(1), files).await;
    let dropped = metadata.drop_made(&run.held, &digest(&form)).await;
    dropped.expect("drop");
    let package = bed.package("a");
    assert!(!bed.has(package.file(FileKind::Representation, "f")).await);
    let key = package.file(FileKind::Document, "d");
    let dropped = metadata.drop_made(&run.held, &digest(&text)).await;
    dropped.expect("drop");
    assert!(
        bed.has(key).await,
        "what comes from an upstream is asked for"
    );
    let files = metadata.mirror_files(&digest(&text), 10).await;
    let files = files.expect("files");
    assert_eq!(files.len(), 1);
    assert_eq!(
        (
            files[0].repo,
            &*files[0].package,
            files[0].kind,
            &*files[0].path
        ),
        (bed.repo.id, "a", FileKind::Document, "d")
    );
    run.end().await;
}

fn orphan(text: &str, generation: i64) -> Orphan {
    Orphan {
        digest: digest(text),
        generation,
        size: text.len() as u64,
    }
}

async fn an_orphan_goes_at_the_second_look(metadata: &Metadata) {
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let orphan = orphan(&text, metadata.new_id());
    let look = async |now: i64, until: i64| {
        let times = (Timestamp(now), Timestamp(until));
        let settled = metadata.settle_orphan(&run.held, &orphan, times).await;
        settled.expect("settle")
    };
    assert!(!look(10, 5).await);
    assert!(!look(12, 9).await);
    assert!(look(20, 10).await);
    assert_eq!(
        objects_of(metadata, orphan.digest).await,
        [orphan.generation]
    );
    // Not seen again it is forgotten: the next look is the first.
    let other = self::orphan(&text, metadata.new_id());
    let (now, until) = (Timestamp(30), Timestamp(20));
    let settled = metadata
        .settle_orphan(&run.held, &other, (now, until))
        .await;
    assert!(!settled.expect("settle"));
    let forgotten = metadata.forget_orphans(&run.held, Timestamp(31)).await;
    forgotten.expect("forget");
    let (now, until) = (Timestamp(50), Timestamp(40));
    let settled = metadata
        .settle_orphan(&run.held, &other, (now, until))
        .await;
    assert!(!settled.expect("settle"));
    run.end().await;
}

async fn an_orphan_that_gets_a_row_stays(metadata: &Metadata) {
    let bed = Bed::images(metadata).await;
    let (run, text) = (Run::begin(metadata).await, text(metadata));
    let generation = keep_object(&bed, "app", &text).await;
    let named = orphan(&text, generation);
    let first = (NEVER, NEVER);
    let settled = metadata.settle_orphan(&run.held, &named, first).await;
    assert!(!settled.expect("settle"));
    let settled = metadata
        .settle_orphan(&run.held, &named, (EVER, EVER))
        .await;
    assert!(!settled.expect("settle"));
    assert!(objects_of(metadata, named.digest).await.is_empty());
    let (from, end) = (format!("{}", named.digest), format!("{}~", named.digest));
    let known = metadata.known_objects(&from, &end).await.expect("known");
    assert_eq!(
        known.into_iter().collect::<Vec<_>>(),
        [(named.digest, generation)]
    );
    run.end().await;
}

async fn the_state_of_a_run_is_that_of_its_job(metadata: &Metadata) {
    let run = Run::begin(metadata).await;
    assert_eq!(metadata.scrub_state(&run.held).await.expect("state"), None);
    let state = json!({"after": "sha256:ab"});
    let kept = metadata.keep_scrub_state(&run.held, &state).await;
    kept.expect("keep");
    let read = metadata.scrub_state(&run.held).await.expect("state");
    assert_eq!(read, Some(state.clone()));
    metadata.give_job_back(&run.held).await.expect("give back");
    let again = metadata.take_job(JobKind::Gc).await.expect("take");
    let again = again.expect("the job");
    let read = metadata.scrub_state(&again).await.expect("state");
    assert_eq!(read, Some(state.clone()));
    let late = metadata.keep_scrub_state(&run.held, &json!({})).await;
    assert_unmet(late, Requirement::Job);
    let next = Run::begin(metadata).await;
    let kept = metadata.keep_scrub_state(&next.held, &json!({})).await;
    kept.expect("keep");
    next.end().await;
}

async fn a_blob_that_nothing_accounts_for_is_told(metadata: &Metadata) {
    let bed = Bed::packages(metadata).await;
    let (run, path) = (Run::begin(metadata).await, text(metadata));
    let is_known = async |digest: Digest| {
        let all = metadata.held_blobs("", 100_000).await.expect("blobs");
        let found = all.iter().find(|blob| blob.digest == digest);
        found.expect("a blob").known
    };
    bed.keep("a", Timestamp(1), vec![fetched(&path, "1")]).await;
    let blob = digest(&path);
    assert!(is_known(blob).await);
    // Its last name goes: it waits for the collector.
    let other = NewFile {
        blob: super::fixture::blob(&format!("other {path}")),
        integrity: "sha1:abc",
        ..fetched(&path, "1")
    };
    bed.keep("a", Timestamp(2), vec![other]).await;
    assert!(is_known(blob).await);
    // As if that had been forgotten.
    let forget = format!("delete from gc_blobs where digest = '{blob}'");
    metadata.sql.script(forget).await.expect("forget");
    assert!(!is_known(blob).await);
    let after = metadata.held_blobs(&blob.to_string(), 100_000).await;
    assert!(after.expect("blobs").iter().all(|it| it.digest != blob));
    run.end().await;
}
