//! What mirrors hold goes only as it was read, and its bytes with it.

use super::fixture::{Bed, artifact, assert_unmet, blob, digest, document, fetched};
use super::trash::{finish, held};
use crate::documents::{NewFile, NewFiles};
use crate::files::PackageKey;
use crate::jobs::HeldJob;
use crate::mirrored::MirroredFile;
use crate::{Error, Metadata, Requirement};
use larder_model::{Digest, FileKind, JobKind, System, Timestamp};

checks![
    what_goes_is_gone_and_its_bytes_are_condemned,
    what_is_read_as_it_comes_was_used_then,
    what_was_read_since_stays,
    what_was_filled_since_stays,
    all_of_it_goes_or_nothing,
    documents_stay_while_anything_else_is_there,
    bytes_that_others_have_stay,
    what_comes_again_is_kept,
    another_servers_job_lets_nothing_go,
    bytes_are_counted_once,
    files_are_read_page_by_page,
    the_past_of_what_comes_again_has_a_gap,
    the_first_bytes_of_what_nothing_promised_are_remembered,
    of_what_nothing_promised_the_first_bytes_stay,
];

async fn files(bed: &Bed<'_>) -> Vec<MirroredFile> {
    let found = bed.metadata.mirrored_package(bed.package("p")).await;
    found.expect("files")
}

async fn file(bed: &Bed<'_>, path: &str) -> MirroredFile {
    let mut all = files(bed).await.into_iter();
    all.find(|file| *file.path == *path).expect("file")
}

async fn evict(bed: &Bed<'_>, files: &[MirroredFile], last: bool) -> Result<(), Error> {
    let held = held(bed.metadata, JobKind::Retention).await;
    let files: Vec<&MirroredFile> = files.iter().collect();
    let outcome = bed.metadata.evict(bed.package("p"), &files, last, &held);
    let outcome = outcome.await;
    finish(bed.metadata, &held).await;
    outcome
}

/// A mirror's package of a document and two versions.
async fn filled<'a>(metadata: &'a Metadata, of: &str) -> Bed<'a> {
    let bed = Bed::mirror(metadata).await;
    fill(&bed, of).await;
    bed
}

async fn fill(bed: &Bed<'_>, of: &str) {
    let [one, two] = [format!("{of}-1.tgz"), format!("{of}-2.tgz")];
    let files = vec![
        document("index", of),
        fetched(&one, "1"),
        fetched(&two, "2"),
    ];
    bed.keep("p", bed.metadata.now(), files).await;
}

/// A text that no other check has used on this database.
fn unique(metadata: &Metadata, text: &str) -> String {
    format!("{text}-{:x}", metadata.new_id())
}

/// Whether the next look frees a blob, whatever the grace is; `None`: it is not queued.
async fn is_due(metadata: &Metadata, digest: Digest) -> Option<bool> {
    let report = metadata.explain_blob(&digest, 10).await.expect("explain");
    let report = report.expect("blob");
    report
        .queued_since
        .map(|since| report.condemned && since == Timestamp(0))
}

async fn what_goes_is_gone_and_its_bytes_are_condemned(metadata: &Metadata) {
    let bed = filled(metadata, "goes").await;
    let one = file(&bed, "goes-1.tgz").await;
    assert_eq!((&*one.version, one.size), ("1", 10));
    assert!(one.last_used_at() >= one.created_at && one.created_at.0 > 0);
    evict(&bed, &[one], false).await.expect("evict");
    let left: Vec<_> = files(&bed).await.into_iter().map(|it| it.path).collect();
    assert_eq!(left, ["goes-2.tgz".into(), "index".into()] as [Box<str>; 2]);
    assert_eq!(is_due(metadata, digest("goes-1.tgz")).await, Some(true));
    assert_eq!(is_due(metadata, digest("goes-2.tgz")).await, None);
}

async fn what_is_read_as_it_comes_was_used_then(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let read = NewFile {
        is_used: true,
        ..fetched("comes-1.tgz", "1")
    };
    let at = metadata.now();
    bed.keep("p", at, vec![read, fetched("comes-2.tgz", "2")])
        .await;
    assert_eq!(file(&bed, "comes-1.tgz").await.used_at, at);
    assert_eq!(file(&bed, "comes-2.tgz").await.used_at, Timestamp(0));
}

async fn what_was_read_since_stays(metadata: &Metadata) {
    let bed = filled(metadata, "read").await;
    let one = file(&bed, "read-1.tgz").await;
    let key = bed.package("p").file(FileKind::Artifact, "read-1.tgz");
    let found = bed.find(key).await.expect("file");
    metadata.note_use(key, &found);
    metadata.write_uses().await.expect("write");
    assert_unmet(
        evict(&bed, std::slice::from_ref(&one), false).await,
        Requirement::File,
    );
    let now = file(&bed, "read-1.tgz").await;
    assert!(now.last_used_at() > one.last_used_at());
    evict(&bed, &[now], false).await.expect("evict");
}

async fn what_was_filled_since_stays(metadata: &Metadata) {
    let bed = filled(metadata, "filled").await;
    let before = files(&bed).await;
    fill(&bed, "filled").await;
    assert_unmet(evict(&bed, &before, false).await, Requirement::File);
    assert_eq!(files(&bed).await.len(), 3);
}

async fn all_of_it_goes_or_nothing(metadata: &Metadata) {
    let bed = filled(metadata, "all").await;
    let mut all = files(&bed).await;
    all[2].digest = digest("other");
    assert_unmet(evict(&bed, &all, false).await, Requirement::File);
    assert_eq!(files(&bed).await.len(), 3);
}

async fn documents_stay_while_anything_else_is_there(metadata: &Metadata) {
    let bed = filled(metadata, "last").await;
    let index = file(&bed, "index").await;
    assert_unmet(
        evict(&bed, std::slice::from_ref(&index), true).await,
        Requirement::File,
    );
    let artifacts = [
        file(&bed, "last-1.tgz").await,
        file(&bed, "last-2.tgz").await,
    ];
    evict(&bed, &artifacts, false).await.expect("evict");
    assert!(bed.revision("p").await.is_some());
    evict(&bed, &[index], true).await.expect("evict");
    assert!(files(&bed).await.is_empty());
    assert_eq!(bed.revision("p").await, None);
}

async fn bytes_that_others_have_stay(metadata: &Metadata) {
    let (bed, other) = (
        filled(metadata, "both").await,
        filled(metadata, "both").await,
    );
    let one = file(&bed, "both-1.tgz").await;
    evict(&bed, &[one], false).await.expect("evict");
    assert_eq!(is_due(metadata, digest("both-1.tgz")).await, Some(false));
    assert_eq!(files(&other).await.len(), 3);
}

async fn what_comes_again_is_kept(metadata: &Metadata) {
    let own = unique(metadata, "again");
    let bed = filled(metadata, &own).await;
    evict(&bed, &files(&bed).await, false).await.expect("evict");
    fill(&bed, &own).await;
    let one = digest(&format!("{own}-1.tgz"));
    let report = metadata.explain_blob(&one, 10).await;
    let report = report.expect("explain").expect("blob");
    assert!(!report.condemned && report.held_by.len() == 1);
    assert!(bed.revision("p").await.is_some());
}

async fn another_servers_job_lets_nothing_go(metadata: &Metadata) {
    let bed = filled(metadata, "lost").await;
    let held: HeldJob = held(metadata, JobKind::Retention).await;
    finish(metadata, &held).await;
    let files = files(&bed).await;
    let all: Vec<&MirroredFile> = files.iter().collect();
    let evicted = metadata.evict(bed.package("p"), &all, false, &held).await;
    assert_unmet(evicted, Requirement::Job);
}

async fn bytes_are_counted_once(metadata: &Metadata) {
    let own = unique(metadata, "counted");
    let before = metadata.mirrored_bytes().await.expect("bytes");
    filled(metadata, &own).await;
    let once = metadata.mirrored_bytes().await.expect("bytes");
    let length = own.len() as u64;
    assert_eq!(once - before, length + 2 * (length + "-1.tgz".len() as u64));
    filled(metadata, &own).await;
    let hosted = Bed::packages(metadata).await;
    hosted.publish("p", vec![artifact("of-hosted")]).await;
    assert_eq!(metadata.mirrored_bytes().await.expect("bytes"), once);
}

async fn files_are_read_page_by_page(metadata: &Metadata) {
    let bed = filled(metadata, "paged").await;
    bed.keep("q", metadata.now(), vec![document("index", "paged-q")])
        .await;
    let mut found: Vec<MirroredFile> = Vec::new();
    loop {
        let page = metadata.mirrored_files(bed.repo.id, found.last(), 3).await;
        let page = page.expect("page");
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    let names: Vec<_> = found.iter().map(|it| (&*it.package, &*it.path)).collect();
    let expected = [
        ("p", "paged-1.tgz"),
        ("p", "paged-2.tgz"),
        ("p", "index"),
        ("q", "index"),
    ];
    assert_eq!(names, expected);
}

async fn the_past_of_what_comes_again_has_a_gap(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let keep = async |text: &str| {
        let file = NewFile::new(FileKind::Document, "index", blob(text), "text/plain");
        bed.keep("p", metadata.now(), vec![file]).await;
    };
    keep("gap-one").await;
    keep("gap-two").await;
    evict(&bed, &files(&bed).await, true).await.expect("evict");
    let gone_at = metadata.now();
    keep("gap-two").await;
    let package = PackageKey {
        repo: bed.repo.id,
        package: "p",
    };
    let key = package.file(FileKind::Document, "index");
    let states = metadata.states(key, metadata.now(), 10).await;
    let states = states.expect("states");
    let digests: Vec<_> = states.iter().map(|state| state.digest).collect();
    let [one, two] = [digest("gap-one"), digest("gap-two")].map(Some);
    assert_eq!(digests, [two, two, one]);
    assert!(states[1].checked_at < gone_at && gone_at < states[0].seen_at);
}

async fn the_first_bytes_of_what_nothing_promised_are_remembered(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let [unsure, sure] = ["unsure.tgz", "sure.tgz"].map(|name| unique(metadata, name));
    let promised = NewFile {
        integrity: "sha1:abc",
        ..fetched(&sure, "1")
    };
    let files = vec![fetched(&unsure, "1"), promised];
    bed.keep("p", bed.metadata.now(), files).await;
    let first = async |path: &str| {
        let key = bed.package("p").file(FileKind::Artifact, path);
        metadata.first_bytes(key).await.expect("first bytes")
    };
    assert_eq!(first(&unsure).await, None, "they are there");
    let all = self::files(&bed).await;
    evict(&bed, &all, false).await.expect("evict");
    assert_eq!(first(&unsure).await, Some(digest(&unsure)));
    assert_eq!(first(&sure).await, None);
    // What forgets the past of upstreams does not forget them.
    let past = metadata.count_past(metadata.now()).await.expect("count");
    assert!(past.iter().all(|(repo, _)| *repo != bed.repo.id));
}

/// Also where several servers fetch it at once.
async fn of_what_nothing_promised_the_first_bytes_stay(metadata: &Metadata) {
    let bed = Bed::mirror(metadata).await;
    let keep = async |text: &str, (integrity, instead_of): (&'static str, Option<Digest>)| {
        let file = NewFile {
            blob: blob(text),
            integrity,
            instead_of,
            ..fetched("a.tgz", "1")
        };
        let new = NewFiles {
            package: bed.package("p"),
            full_name: None,
            by: System::Upstream,
            at: bed.metadata.now(),
            files: vec![file],
            gone: Vec::new(),
            named: Vec::new(),
            retired: Vec::new(),
        };
        bed.metadata.keep_files(new).await
    };
    let kept = async || {
        let key = bed.package("p").file(FileKind::Artifact, "a.tgz");
        bed.find(key).await.expect("file").digest
    };
    let nothing = ("", None);
    keep("first", nothing).await.expect("nobody was before");
    assert_unmet(keep("other", nothing).await, Requirement::File);
    let instead_of_others = ("", Some(digest("gone")));
    assert_unmet(keep("other", instead_of_others).await, Requirement::File);
    assert_eq!(kept().await, digest("first"));
    keep("first", nothing).await.expect("the same");
    // Whoever knows them may replace them, and a promise says more.
    let known = ("", Some(digest("first")));
    keep("other", known).await.expect("known");
    assert_eq!(kept().await, digest("other"));
    keep("promised", ("sha1:abc", None))
        .await
        .expect("promised");
    assert_eq!(kept().await, digest("promised"));
}
