//! Upload sessions: how far each has come, and whose it is. A session has a row from its first
//! acknowledged bytes on.

use crate::keys::Putting;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Timestamp};

const LOAD: &str = "select repo, package, principal, algorithm, received, hash_state, version, \
    finished, boot_id, digest from uploads where id = ?1";
const SAVE: &str = "insert into uploads (id, repo, package, principal, algorithm, received, \
    hash_state, version, created_at, touched_at, finished, boot_id) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, 0, ?10) on conflict (id) do update set \
    received = excluded.received, hash_state = excluded.hash_state, \
    boot_id = excluded.boot_id, version = uploads.version + 1, \
    touched_at = excluded.touched_at where uploads.version = ?9 and uploads.finished = 0";
const FINISH: &str = "insert into uploads (id, repo, package, principal, algorithm, received, \
    hash_state, version, created_at, touched_at, finished, boot_id, digest) \
    values (?1, ?2, ?3, ?4, '', 0, null, 1, ?5, ?5, 1, '', ?7) on conflict (id) do update set \
    hash_state = null, version = uploads.version + 1, touched_at = excluded.touched_at, \
    finished = 1, digest = excluded.digest where uploads.version = ?6 and uploads.finished = 0";
const UNFINISHED: &str = "select touched_at, id from uploads \
    where finished = 0 and touched_at <= ?1 and (touched_at, id) > (?2, ?3) \
    order by touched_at, id limit ?4";
const GIVE_UP: &str = "update uploads set finished = 1, hash_state = null, digest = '', \
    version = version + 1, touched_at = ?3 where id = ?1 and finished = 0 and touched_at <= ?2";
const FORGET: &str = "delete from uploads where id = ?1 and touched_at < ?2 and finished = 0";

/// A session's row.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The repo's id.
    pub repo: i64,
    /// The package in it.
    pub package: Box<str>,
    /// Who made it.
    pub principal: Box<str>,
    /// What is being computed; `None` once it is finished.
    pub algorithm: Option<Algorithm>,
    /// Bytes acknowledged.
    pub received: u64,
    /// The hash over them.
    pub hash_state: Option<Bytes>,
    /// Grows with every change: who read an older one has lost.
    pub version: i64,
    /// Ended or cancelled: it takes no more bytes.
    pub finished: bool,
    /// The blob with which it ended; `None`: it did not, or was cancelled.
    pub digest: Option<Digest>,
    /// The machine's `boot_id` under which the bytes were written.
    pub boot_id: Box<str>,
}

/// A session that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// When the last bytes of it were acknowledged.
    pub touched_at: Timestamp,
    /// Its id.
    pub id: Box<str>,
}

/// The upload that a blob's arrival ends.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// Its id.
    pub id: &'a str,
    /// The version of its row that was read; 0: it has none yet.
    pub version: i64,
    /// Who made it.
    pub principal: &'a str,
}

/// What is to be remembered of a session.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Its id.
    pub id: &'a str,
    /// The version that was read; 0: it has no row yet.
    pub version: i64,
    /// What is being computed.
    pub algorithm: Algorithm,
    /// Bytes received.
    pub received: u64,
    /// The hash over them.
    pub hash_state: &'a [u8],
    /// The machine's `boot_id` under which they were written.
    pub boot_id: &'a str,
}

impl Metadata {
    /// A session's row.
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>, Error> {
        let read = |row: &mut Row| {
            Ok(Upload {
                repo: row.int(0)?,
                package: row.text(1)?,
                principal: row.text(2)?,
                algorithm: row.text(3)?.parse().ok(),
                received: row.count(4)?,
                hash_state: row.optional_bytes(5)?,
                version: row.int(6)?,
                finished: row.int(7)? != 0,
                digest: row.text(9)?.parse().ok(),
                boot_id: row.text(8)?,
            })
        };
        self.sql
            .rows(LOAD, &[id.into()])
            .await?
            .first_mut()
            .map(read)
            .transpose()
    }

    /// Remembers how far a session has come. [`Error::Unmet`] if the
    /// [`Requirement::Upload`] went on elsewhere.
    pub async fn save_upload(
        &self,
        putting: Putting<'_>,
        progress: Progress<'_>,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let [repo, package] = putting.package.value();
        batch.require(
            Requirement::Upload,
            SAVE,
            [
                progress.id.into(),
                repo,
                package,
                putting.by.label().into(),
                progress.algorithm.name().into(),
                progress.received.into(),
                Bytes::copy_from_slice(progress.hash_state).into(),
                self.shared_now_estimate().into(),
                progress.version.into(),
                progress.boot_id.into(),
            ],
        );
        self.sql.apply(batch).await
    }

    /// Ends a session without keeping anything. [`Error::Unmet`] if the
    /// [`Requirement::Upload`] went on
    /// elsewhere.
    pub async fn cancel_upload(
        &self,
        putting: Putting<'_>,
        finish: Finish<'_>,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        self.finish_upload(&mut batch, putting, finish, None);
        self.sql.apply(batch).await
    }

    /// Marks the session as ended within a batch, so that its id is not taken up again, and notes
    /// which blob it has brought: the collector looks at that one's row after a while.
    pub(crate) fn finish_upload(
        &self,
        batch: &mut Batch,
        putting: Putting<'_>,
        finish: Finish<'_>,
        digest: Option<&Digest>,
    ) {
        let [repo, package] = putting.package.value();
        let values = [
            finish.id.into(),
            repo,
            package,
            finish.principal.into(),
            self.shared_now_estimate().into(),
            finish.version.into(),
            digest.map_or_else(|| "".into(), Value::from),
        ];
        batch.require(Requirement::Upload, FINISH, values);
    }

    /// Sessions that are not finished and untouched since `until`, the oldest first, behind `after`.
    pub async fn unfinished_uploads(
        &self,
        until: Timestamp,
        after: Option<&UnfinishedUpload>,
        limit: u64,
    ) -> Result<Vec<UnfinishedUpload>, Error> {
        let (since, id) = after.map_or((Timestamp(i64::MIN), ""), |it| (it.touched_at, &it.id));
        let values = vec![until.into(), since.into(), id.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(UnfinishedUpload {
                touched_at: Timestamp(row.int(0)?),
                id: row.text(1)?,
            })
        };
        let mut rows = self.sql.scan(UNFINISHED, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Ends a session that is still untouched since `until`, so that its id is not taken up again.
    /// [`Error::Unmet`]: the [`Requirement::Upload`] went on.
    pub async fn give_up_upload(&self, id: &str, until: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::default();
        let values = [id.into(), until.into(), self.shared_now_estimate().into()];
        batch.require(Requirement::Upload, GIVE_UP, values);
        self.sql.apply(batch).await
    }

    /// Forgets a session that is still untouched since `before`. [`Error::Unmet`]: the
    /// [`Requirement::Upload`] went on.
    pub async fn forget_upload(&self, id: &str, before: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.require(Requirement::Upload, FORGET, [id.into(), before.into()]);
        self.sql.apply(batch).await
    }
}
