//! Upload sessions go on one request at a time, and end once.

use super::fixture::{ALICE, Bed, assert_unmet, blob};
use crate::uploads::{Finish, Progress, Upload};
use crate::{Error, Metadata, Requirement};
use larder_model::{Algorithm, Author as _, FileKind, Hasher};

checks![
    an_unknown_session_has_no_row,
    a_session_is_told_as_it_was_saved,
    a_session_goes_on_from_the_version_that_was_read,
    a_session_that_went_on_elsewhere_is_not_saved,
    a_blob_ends_its_session,
    a_blob_that_is_kept_already_ends_its_session,
    a_session_that_went_on_elsewhere_keeps_no_blob,
    a_session_may_end_before_it_has_a_row,
    a_cancelled_session_ends,
    an_ended_session_takes_no_more,
    unfinished_sessions_are_told_page_by_page,
    a_session_that_is_given_up_takes_no_more,
    a_session_that_went_on_is_not_given_up,
    a_session_that_is_idle_is_forgotten,
    a_session_that_went_on_is_not_forgotten,
];

/// A session of a check.
struct Session<'a> {
    bed: Bed<'a>,
    id: String,
    hash_state: Vec<u8>,
}

impl<'a> Session<'a> {
    async fn new(metadata: &'a Metadata) -> Self {
        let bed = Bed::images(metadata).await;
        let id = format!("{:x}", metadata.new_id());
        let hash_state = Hasher::new(Algorithm::Sha256).state();
        Self {
            bed,
            id,
            hash_state,
        }
    }

    async fn save(&self, version: i64, received: u64) -> Result<(), Error> {
        let progress = Progress {
            id: &self.id,
            version,
            algorithm: Algorithm::Sha256,
            received,
            hash_state: &self.hash_state,
            boot_id: "boot",
        };
        let putting = self.bed.putting("u");
        self.bed.metadata.save_upload(putting, progress).await
    }

    async fn row(&self) -> Option<Upload> {
        self.bed.metadata.upload(&self.id).await.expect("session")
    }

    fn end(&self, version: i64) -> Finish<'_> {
        Finish {
            id: &self.id,
            version,
            principal: ALICE.label(),
        }
    }

    async fn keep(&self, version: i64) -> Result<(), Error> {
        let (putting, end) = (self.bed.putting("u"), self.end(version));
        let metadata = self.bed.metadata;
        metadata.keep_blob(putting, blob("up"), Some(end)).await
    }

    async fn has_blob(&self) -> bool {
        let path = blob("up").digest.to_string();
        let key = self.bed.package("u").file(FileKind::Blob, &path);
        self.bed.has(key).await
    }
}

async fn an_unknown_session_has_no_row(metadata: &Metadata) {
    assert!(Session::new(metadata).await.row().await.is_none());
}

async fn a_session_is_told_as_it_was_saved(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 5).await.expect("save");
    let row = session.row().await.expect("there");
    assert_eq!((row.repo, &*row.package), (session.bed.repo.id, "u"));
    assert_eq!((&*row.principal, &*row.boot_id), ("user:alice", "boot"));
    assert_eq!((row.received, row.version, row.finished), (5, 1, false));
    assert_eq!(row.algorithm, Some(Algorithm::Sha256));
    assert_eq!(row.hash_state.as_deref(), Some(&session.hash_state[..]));
}

async fn a_session_goes_on_from_the_version_that_was_read(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 5).await.expect("save");
    session.save(1, 9).await.expect("save");
    let row = session.row().await.expect("there");
    assert_eq!((row.received, row.version), (9, 2));
}

async fn a_session_that_went_on_elsewhere_is_not_saved(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 5).await.expect("save");
    assert_unmet(session.save(0, 7).await, Requirement::Upload);
    assert_eq!(session.row().await.expect("there").received, 5);
}

async fn a_blob_ends_its_session(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 2).await.expect("save");
    session.keep(1).await.expect("end");
    let row = session.row().await.expect("there");
    assert!(row.finished && row.hash_state.is_none());
    assert!(session.has_blob().await);
}

async fn a_blob_that_is_kept_already_ends_its_session(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.bed.keep_blob("other", "up").await;
    session.save(0, 2).await.expect("save");
    let (putting, digest) = (session.bed.putting("u"), blob("up").digest);
    let taken = metadata.take_blob(putting, &digest, Some(session.end(1)));
    taken.await.expect("take");
    assert!(session.row().await.expect("there").finished);
    assert!(session.has_blob().await);
}

async fn a_session_that_went_on_elsewhere_keeps_no_blob(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 2).await.expect("save");
    session.save(1, 4).await.expect("save");
    assert_unmet(session.keep(1).await, Requirement::Upload);
    assert!(!session.has_blob().await);
    assert!(!session.row().await.expect("there").finished);
}

async fn a_session_may_end_before_it_has_a_row(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.keep(0).await.expect("end");
    let row = session.row().await.expect("there");
    assert_eq!((row.finished, row.algorithm), (true, None));
}

async fn a_cancelled_session_ends(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 2).await.expect("save");
    let cancel = async |version| {
        let putting = session.bed.putting("u");
        metadata.cancel_upload(putting, session.end(version)).await
    };
    assert_unmet(cancel(0).await, Requirement::Upload);
    cancel(1).await.expect("cancel");
    assert!(session.row().await.expect("there").finished);
    assert!(!session.has_blob().await);
}

async fn an_ended_session_takes_no_more(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.keep(0).await.expect("end");
    for version in [0, 1, 2] {
        assert_unmet(session.save(version, 9).await, Requirement::Upload);
        assert_unmet(session.keep(version).await, Requirement::Upload);
    }
}

async fn unfinished_sessions_are_told_page_by_page(metadata: &Metadata) {
    let sessions = [Session::new(metadata).await, Session::new(metadata).await];
    let ended = Session::new(metadata).await;
    for session in &sessions {
        session.save(0, 1).await.expect("save");
    }
    ended.keep(0).await.expect("end");
    let until = metadata.shared_now_estimate();
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let page = metadata.unfinished_uploads(until, after.as_ref(), 1).await;
        let Some(upload) = page.expect("page").pop() else {
            break;
        };
        told.push(upload.id.clone());
        after = Some(upload);
    }
    told.retain(|id| sessions.iter().chain([&ended]).any(|it| *it.id == **id));
    let expected: Vec<Box<str>> = sessions.iter().map(|it| it.id.as_str().into()).collect();
    assert_eq!(told, expected);
}

async fn a_session_that_is_given_up_takes_no_more(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 1).await.expect("save");
    let given_up = metadata
        .give_up_upload(&session.id, metadata.shared_now_estimate())
        .await;
    given_up.expect("give up");
    let row = session.row().await.expect("there");
    assert!(row.finished && row.hash_state.is_none());
    for version in [0, 1, 2] {
        assert_unmet(session.save(version, 9).await, Requirement::Upload);
        assert_unmet(session.keep(version).await, Requirement::Upload);
    }
}

async fn a_session_that_went_on_is_not_given_up(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 1).await.expect("save");
    let before = metadata.shared_now_estimate();
    session.save(1, 2).await.expect("save");
    let given_up = metadata.give_up_upload(&session.id, before).await;
    assert_unmet(given_up, Requirement::Upload);
    assert!(!session.row().await.expect("there").finished);
    session.keep(2).await.expect("end");
    let given_up = metadata
        .give_up_upload(&session.id, metadata.shared_now_estimate())
        .await;
    assert_unmet(given_up, Requirement::Upload);
}

async fn a_session_that_is_idle_is_forgotten(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 1).await.expect("save");
    let forgotten = metadata.forget_upload(&session.id, metadata.shared_now_estimate());
    forgotten.await.expect("forget");
    assert!(session.row().await.is_none());
}

async fn a_session_that_went_on_is_not_forgotten(metadata: &Metadata) {
    let session = Session::new(metadata).await;
    session.save(0, 1).await.expect("save");
    let before = metadata.shared_now_estimate();
    session.save(1, 2).await.expect("save");
    let forgotten = metadata.forget_upload(&session.id, before).await;
    assert_unmet(forgotten, Requirement::Upload);
    assert!(session.row().await.is_some());
}
