//! Uploads (end-4, end-5, end-6, end-13, end-14).
//!
//! A session is a UUID and our seal over it, the principal and the image, so a POST writes nothing.
//! Its row begins with the first acknowledged bytes; from then on the row alone counts: how far it
//! has come, the hash over it, whose it is. One request at a time works on a session: two that
//! wrote one staging file would mix their bytes under one hash.

use crate::Registry;
use crate::blobs::blob_created;
use crate::endpoint::{Session, Start};
use crate::names::{package_key, permission, repo_of};
use crate::sessions::{Busy, algorithm_of, is_session, new_session, stage_id};
use http::StatusCode;
use http::header::{HeaderName, LOCATION, RANGE};
use larder_access::{Admission, Allowed};
use larder_content::{INLINE_BYTES, Prepared};
use larder_door::{Answer, Incoming};
use larder_metadata::blobs::Putting;
use larder_metadata::quotas::Announcement;
use larder_metadata::repos::RepoRecord;
use larder_metadata::uploads::{Finish, Progress};
use larder_metadata::{Error, Requirement};
use larder_model::{Algorithm, Author as _, Digest, Hasher, ImageName, Kind, Problem, Reply, Verb};
use larder_storage::Staging;
use std::sync::Arc;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// A session as its row, or the lack of one, has it.
struct Known {
    algorithm: Algorithm,
    received: u64,
    hash_state: Option<bytes::Bytes>,
    boot_id: Box<str>,
    version: i64,
}

/// What a request works with: the package, the session, and that nobody else does.
struct Work<'a> {
    name: &'a ImageName,
    session: &'a Session,
    repo: Arc<RepoRecord>,
    by: Allowed<'a>,
    known: Known,
    _busy: Busy,
}

impl Work<'_> {
    fn putting(&self) -> Putting<'_> {
        Putting {
            package: package_key(&self.repo, self.name),
            by: &self.by,
        }
    }

    fn finish(&self) -> Finish<'_> {
        Finish {
            id: &self.session.id,
            version: self.known.version,
            principal: self.by.label(),
        }
    }

    /// The staging file's name: the id without its dashes.
    fn stage_id(&self) -> String {
        stage_id(&self.session.id)
    }
}

fn no_upload() -> Problem {
    Problem::not_found(
        "upload",
        "no such upload: it ended, was idle for too long, or is not yours; start again",
    )
}

impl Registry {
    fn seal_parts<'a>(id: &'a str, by: &'a str, name: &'a ImageName) -> [&'a [u8]; 4] {
        [
            id.as_bytes(),
            by.as_bytes(),
            name.repo().as_str().as_bytes(),
            name.image().as_bytes(),
        ]
    }

    /// end-4 and end-11: a mount, a whole blob, or a session.
    pub(crate) async fn start_upload(
        &self,
        admission: &Admission,
        name: &ImageName,
        start: Start,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let allowed = admission.require(&permission(name, Verb::Write))?;
        let repo = self.repo_to_push(admission, name).await?;
        let by = allowed.label();
        let putting = Putting {
            package: package_key(&repo, name),
            by: &allowed,
        };
        if let Some((digest, from)) = &start.mount
            && let Some(reply) = self
                .mount(admission, name, putting, digest, from.as_ref())
                .await?
        {
            return Ok(reply.into());
        }
        let id = new_session(start.algorithm)?;
        if let Some(digest) = start.digest {
            let room = self.announce(&repo, (&id, 0), Some(digest), body).await?;
            self.take_whole(putting, None, digest, (body, room)).await?;
            return Ok(blob_created(name, &digest).into());
        }
        let seal = self.seal.make(&Self::seal_parts(&id, by, name));
        let session = Session {
            id: id.into(),
            seal: seal.into(),
            range: None,
        };
        Ok(accepted(name, &session, 0, StatusCode::ACCEPTED).into())
    }

    /// end-5: the next bytes.
    pub(crate) async fn patch_upload(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let work = self.begin(admission, name, session).await?;
        require_order(session, &work.known, body.announced())?;
        let room = self.announce_rest(&work, None, body).await?;
        let mut staging = self.staging(&work).await?;
        let outcome = receive(&mut staging, body).await;
        drop(room);
        if let Err(problem) = outcome {
            if problem.kind == Kind::Invalid || problem.kind == Kind::Timeout {
                self.remember(&work, &mut staging).await?; // what came can be built upon
            }
            return Err(problem);
        }
        self.remember(&work, &mut staging).await?;
        Ok(accepted(name, session, staging.offset(), StatusCode::ACCEPTED).into())
    }

    /// end-6: the last bytes, if any, and the digest.
    pub(crate) async fn finish_upload(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
        digest: Digest,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let work = self.begin(admission, name, session).await?;
        require_order(session, &work.known, body.announced())?;
        let room = self.announce_rest(&work, Some(digest), body).await?;
        let body = (body, room);
        if work.known.version == 0 {
            self.take_whole(work.putting(), Some(work.finish()), digest, body)
                .await?;
        } else {
            let taken = self.take_rest(&work, digest, body).await;
            self.give_up_if_refused(&work, taken).await?;
        }
        Ok(blob_created(name, &digest).into())
    }

    /// end-13: how far it has come.
    pub(crate) async fn upload_status(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
    ) -> Result<Answer, Problem> {
        let repo = repo_of(admission, name).map_err(|_| no_upload())?;
        let known = self.known(admission, name, &repo, session).await?;
        Ok(accepted(name, session, known.received, StatusCode::NO_CONTENT).into())
    }

    /// end-14: never mind.
    pub(crate) async fn cancel_upload(
        &self,
        admission: &Admission,
        name: &ImageName,
        session: &Session,
    ) -> Result<Answer, Problem> {
        let work = self.begin(admission, name, session).await?;
        self.metadata
            .cancel_upload(work.putting(), work.finish())
            .await
            .map_err(lost)?;
        self.blobs.discard(&work.stage_id()).await?;
        Ok(Reply::new(StatusCode::NO_CONTENT).into())
    }

    /// Takes hold of a session that is the caller's.
    async fn begin<'a>(
        &self,
        admission: &'a Admission,
        name: &'a ImageName,
        session: &'a Session,
    ) -> Result<Work<'a>, Problem> {
        let repo = repo_of(admission, name).map_err(|_| no_upload())?;
        if !is_session(&session.id) {
            return Err(no_upload());
        }
        let busy = self.sessions.enter(&session.id)?;
        let known = self.known(admission, name, &repo, session).await?;
        Ok(Work {
            name,
            session,
            repo,
            by: admission.require(&permission(name, Verb::Write))?,
            known,
            _busy: busy,
        })
    }

    async fn known(
        &self,
        admission: &Admission,
        name: &ImageName,
        repo: &RepoRecord,
        session: &Session,
    ) -> Result<Known, Problem> {
        if !is_session(&session.id) {
            return Err(no_upload());
        }
        let by = &*admission.principal().label;
        let algorithm = algorithm_of(&session.id);
        let Some(row) = self.metadata.upload(&session.id).await? else {
            let ours = self
                .seal
                .holds(&Self::seal_parts(&session.id, by, name), &session.seal);
            let fresh = Known {
                algorithm,
                received: 0,
                hash_state: None,
                boot_id: "".into(),
                version: 0,
            };
            return if ours { Ok(fresh) } else { Err(no_upload()) };
        };
        if row.finished
            || row.repo != repo.id
            || *row.package != *name.image()
            || *row.principal != *by
        {
            return Err(no_upload());
        }
        Ok(Known {
            algorithm,
            received: row.received,
            hash_state: row.hash_state,
            boot_id: row.boot_id,
            version: row.version,
        })
    }

    /// Refuses the next bytes of a session where they cannot fit into a quota, else holds room for
    /// them.
    async fn announce_rest(
        &self,
        work: &Work<'_>,
        digest: Option<Digest>,
        body: &mut Incoming,
    ) -> Result<Option<Announcement>, Problem> {
        let upload = (&*work.session.id, work.known.received);
        let room = self.announce(&work.repo, upload, digest, body).await;
        self.give_up_if_refused(work, room).await
    }

    /// Ends a session that does not fit into a quota: what is here of it would take room from others.
    async fn give_up_if_refused<T>(
        &self,
        work: &Work<'_>,
        outcome: Result<T, Problem>,
    ) -> Result<T, Problem> {
        let Err(refused) = &outcome else {
            return outcome;
        };
        if refused.kind == Kind::Quota && work.known.version > 0 {
            let ended = self.metadata.cancel_upload(work.putting(), work.finish());
            match ended.await {
                Ok(()) => self.blobs.discard(&work.stage_id()).await?,
                Err(Error::Unmet(Requirement::Upload)) => {} // it ended by itself
                Err(error) => return Err(error.into()),
            }
        }
        outcome
    }

    /// Opens the session's staging file where it stands.
    async fn staging(&self, work: &Work<'_>) -> Result<Staging, Problem> {
        let id = work.stage_id();
        let known = &work.known;
        let Some(state) = &known.hash_state else {
            return Ok(self.blobs.stage(&id, known.algorithm).await?);
        };
        let broken = || Problem::internal("an upload's hash state cannot be read");
        let hasher = Hasher::resume(known.algorithm, state).ok_or_else(broken)?;
        match self
            .blobs
            .resume(&id, known.received, hasher, &known.boot_id)
            .await
        {
            Err(larder_storage::Error::Missing) => Err(no_upload()),
            staging => Ok(staging?),
        }
    }

    /// Writes down how far a session has come.
    async fn remember(&self, work: &Work<'_>, staging: &mut Staging) -> Result<(), Problem> {
        let received = staging.offset();
        let state = staging.settle().await?.state();
        let progress = Progress {
            id: &work.session.id,
            version: work.known.version,
            algorithm: work.known.algorithm,
            received,
            hash_state: &state,
            boot_id: self.blobs.boot_id(),
        };
        self.metadata
            .save_upload(work.putting(), progress)
            .await
            .map_err(lost)
    }

    /// A blob that comes in one request: a small one goes straight into the database.
    async fn take_whole(
        &self,
        putting: Putting<'_>,
        finish: Option<Finish<'_>>,
        digest: Digest,
        (body, room): (&mut Incoming, Option<Announcement>),
    ) -> Result<(), Problem> {
        if body.announced().is_some_and(|bytes| bytes <= INLINE_BYTES) {
            let bytes = body
                .collect(usize::try_from(INLINE_BYTES).unwrap_or(usize::MAX))
                .await?;
            drop(room); // from here on the commit counts
            return self.keep_small(putting, finish, digest, bytes).await;
        }
        let take = async |mut staging: Staging| {
            receive(&mut staging, body).await?;
            drop(room);
            self.keep_staged(putting, finish, digest, staging).await
        };
        self.content.with_staging(digest.algorithm(), take).await
    }

    /// The rest of a blob whose beginning is staged.
    async fn take_rest(
        &self,
        work: &Work<'_>,
        digest: Digest,
        (body, room): (&mut Incoming, Option<Announcement>),
    ) -> Result<(), Problem> {
        let mut staging = self.staging(work).await?;
        let received = receive(&mut staging, body).await;
        drop(room); // from here on the commit counts
        if let Err(problem) = received {
            if problem.kind == Kind::Invalid || problem.kind == Kind::Timeout {
                self.remember(work, &mut staging).await?;
            }
            return Err(problem);
        }
        staging.settle().await?;
        if staging.digest_algorithm() != Some(digest.algorithm()) {
            staging.rehash(digest.algorithm()).await?;
        }
        let came = staging.digest().await?;
        if came != digest {
            return Err(mismatch(&came));
        }
        self.keep_staged(work.putting(), Some(work.finish()), digest, staging)
            .await?;
        Ok(self.blobs.discard(&work.stage_id()).await?)
    }

    async fn keep_small(
        &self,
        putting: Putting<'_>,
        finish: Option<Finish<'_>>,
        digest: Digest,
        bytes: bytes::Bytes,
    ) -> Result<(), Problem> {
        let came = Digest::of(digest.algorithm(), &bytes);
        if came != digest {
            return Err(mismatch(&came));
        }
        self.keep(putting, finish, Prepared::inline(digest, bytes))
            .await
    }

    /// Keeps a staged blob: in the database if it is small, by a name of its own if its bytes are
    /// kept already, else as a durable object and then a row.
    async fn keep_staged(
        &self,
        putting: Putting<'_>,
        finish: Option<Finish<'_>>,
        digest: Digest,
        mut staging: Staging,
    ) -> Result<(), Problem> {
        let came = staging.digest().await?;
        if came != digest {
            return Err(mismatch(&came));
        }
        if staging.offset() <= INLINE_BYTES {
            let prepared = self.content.prepare_staged(staging).await?;
            return self.keep(putting, finish, prepared).await;
        }
        match self.metadata.take_blob(putting, &digest, finish).await {
            Err(Error::Unmet(Requirement::Blob)) => {}
            taken => return taken.map_err(lost),
        }
        let prepared = self.content.prepare_staged(staging).await?;
        self.keep(putting, finish, prepared).await
    }

    /// Gives bytes that are durable their name in the image, and ends the session.
    async fn keep(
        &self,
        putting: Putting<'_>,
        finish: Option<Finish<'_>>,
        prepared: Prepared,
    ) -> Result<(), Problem> {
        let write = async |blob| self.metadata.keep_blob(putting, blob, finish).await;
        self.content.keep(prepared, write).await.map_err(lost)
    }
}

async fn receive(staging: &mut Staging, body: &mut Incoming) -> Result<(), Problem> {
    while let Some(bytes) = body.next().await? {
        staging.append(bytes).await?;
    }
    Ok(())
}

fn mismatch(came: &Digest) -> Problem {
    Problem::new(
        Kind::DigestMismatch,
        "digest",
        format!("the bytes that came are {came}"),
    )
}

/// The session went on in another request, or its row is gone.
fn lost(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Upload) => no_upload(),
        error => error.into(),
    }
}

/// Chunks come in order: a chunk that says where it begins must begin where the last one ended
/// (416).
fn require_order(session: &Session, known: &Known, announced: Option<u64>) -> Result<(), Problem> {
    let Some((start, end)) = session.range else {
        return Ok(());
    };
    let out_of_order = start != known.received;
    let wrong_length = announced.is_some_and(|bytes| bytes != end - start);
    if out_of_order || wrong_length {
        let detail = format!(
            "{} bytes are here: the next chunk begins there and is as long as it says",
            known.received
        );
        return Err(Problem::new(Kind::Range, "upload", detail));
    }
    Ok(())
}

fn accepted(name: &ImageName, session: &Session, received: u64, status: StatusCode) -> Reply {
    let Session { id, seal, .. } = session;
    Reply::new(status)
        .with(
            LOCATION,
            format!("/v2/{name}/blobs/uploads/{id}?_state={seal}"),
        )
        .with(RANGE, format!("0-{}", received.saturating_sub(1)))
        .with(UPLOAD_UUID, id.to_string())
}
