//! Blobs come in and get names, each in one batch.

use crate::audit::Object;
use crate::keys::PackageKey;
use crate::uploads::Finish;
use crate::{Batch, Error, Metadata, Requirement, Value};
use bytes::Bytes;
use larder_model::{Action, Algorithm, Author, Digest};
use serde_json::json;
use std::time::Duration;

pub use crate::keys::Putting;

const KEEP_BLOB: &str = "insert into blobs (digest, size, generation, state, touched_at, body) \
    values (?1, ?2, ?3, 'kept', ?4, ?5) on conflict (digest) do update set \
    state = 'kept', touched_at = excluded.touched_at, \
    size = case when blobs.state in ('damaged', 'lost') then excluded.size else blobs.size end, \
    generation = case when blobs.state in ('damaged', 'lost') then excluded.generation \
    else blobs.generation end, \
    body = case when blobs.state in ('damaged', 'lost') then excluded.body else blobs.body end";
pub(crate) const TOUCH: &str = "update blobs set touched_at = ?2, \
    state = case when state in ('damaged', 'lost') then 'damaged' else 'kept' end \
    where digest = ?1 and (touched_at < ?3 or state in ('condemned', 'lost'))";
/// Damaged bytes are none: whoever has the right ones brings them.
const TAKE: &str = "update blobs set touched_at = ?2, state = 'kept' \
    where digest = ?1 and state in ('kept', 'condemned')";
const GENERATION: &str = "select generation, case when body is null then 0 else 1 end \
    from blobs where digest = ?1";
const BYTES: &str = "select generation, body from blobs where digest = ?1";
const ADD_BLOB_FILE: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    values (?1, ?2, 'blob', ?3, ?3, 'application/octet-stream', '', ?4, ?5, \
    '', '', '', ?4, '', '', '', '', 0, 0) on conflict (repo, package, kind, path) do update set \
    checked_at = excluded.checked_at";
pub(crate) const MOUNT: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    select ?1, ?2, kind, path, digest, content_type, metadata, ?6, ?7, \
    '', '', '', ?6, '', '', '', '', 0, 0 from files \
    where repo = ?3 and package = ?4 and kind = 'blob' and path = ?5 and not exists \
    (select 1 from blobs b where b.digest = files.digest and b.state in ('damaged', 'lost')) \
    on conflict (repo, package, kind, path) do update set checked_at = excluded.checked_at";
const DROP: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3";
/// Takes the row's lock: what names the blob by then is seen by the next statement.
const LOCK: &str = "update files set checked_at = checked_at \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3";
pub(crate) const DROP_UNNAMED: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3 and not exists \
    (select 1 from edges where child = ?3 and repo = ?1 and package = ?2 and kind <> 'subject')";
/// An index may name a blob too, as those of build caches do.
pub(crate) const USED_BY: &str = "select parent from edges \
    where child = ?3 and repo = ?1 and package = ?2 and kind <> 'subject' limit 1";

/// A blob touched within this time is not touched again by a mount or a copy: well within any grace of
/// the collector.
pub(crate) const FRESH: Duration = Duration::from_mins(10);

/// Where the bytes of a blob are, when its row is written.
#[derive(Clone, Debug)]
pub enum Bytestore {
    /// In the row itself.
    Inline(Bytes),
    /// An object of this generation, durable already.
    Object(i64),
}

/// A blob that has come in whole.
#[derive(Clone, Debug)]
pub struct NewBlob {
    /// Its digest, checked.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub bytes: Bytestore,
}

impl NewBlob {
    /// A blob small enough for its row.
    pub fn inline(digest: Digest, bytes: Bytes) -> Self {
        Self {
            digest,
            size: bytes.len() as u64,
            bytes: Bytestore::Inline(bytes),
        }
    }

    /// The blob without bytes, for rows whose path says all.
    pub(crate) fn empty() -> Self {
        Self::inline(Digest::of(Algorithm::Sha256, b""), Bytes::new())
    }
}

impl Metadata {
    /// Writes a blob's row. Bytes that are kept already stay where they are, unless they are damaged.
    pub(crate) fn blob_row(&self, batch: &mut Batch, blob: NewBlob) {
        let (generation, body) = match blob.bytes {
            Bytestore::Inline(body) => (0, Value::Bytes(body)),
            Bytestore::Object(generation) => (generation, Value::Null),
        };
        let (digest, size) = (blob.digest.into(), blob.size.into());
        batch.run(
            KEEP_BLOB,
            [digest, size, generation.into(), self.now().into(), body],
        );
    }

    /// Gives a blob a row in the package, and has the collector look at it after a while.
    fn blob_came(
        &self,
        batch: &mut Batch,
        putting: Putting<'_>,
        digest: &Digest,
        upload: Option<Finish<'_>>,
    ) {
        let [repo, package] = putting.package.value();
        let now = self.shared_now_estimate();
        let by = putting.by.label().into();
        batch.run(
            ADD_BLOB_FILE,
            [repo, package, digest.into(), now.into(), by],
        );
        match upload {
            Some(upload) => self.finish_upload(batch, putting, upload, Some(digest)),
            None => Self::queue_link(batch, putting.package, digest, now),
        }
    }

    /// Gives a blob that is kept already a name in the package and ends the upload `upload`.
    /// [`Error::Unmet`]: the [`Requirement::Blob`] is not kept any more, or damaged, or the
    /// [`Requirement::Upload`] went on elsewhere.
    pub async fn take_blob(
        &self,
        putting: Putting<'_>,
        digest: &Digest,
        upload: Option<Finish<'_>>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.package);
        let touched = [digest.into(), self.now().into()];
        batch.require(Requirement::Blob, TAKE, touched);
        self.blob_came(&mut batch, putting, digest, upload);
        self.sql.apply(batch).await
    }

    /// Keeps a blob under a name in the package and ends the upload `upload`, durably.
    /// [`Error::Unmet`]: the [`Requirement::Upload`] went on elsewhere.
    pub async fn keep_blob(
        &self,
        putting: Putting<'_>,
        blob: NewBlob,
        upload: Option<Finish<'_>>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.package);
        let digest = blob.digest;
        self.blob_row(&mut batch, blob);
        self.blob_came(&mut batch, putting, &digest, upload);
        self.sql.apply(batch).await
    }

    /// The generation under which a blob's object is kept; `None` if its bytes are in the row or it
    /// is not there.
    pub async fn generation(&self, digest: &Digest) -> Result<Option<i64>, Error> {
        let mut rows = self.sql.rows(GENERATION, &[digest.into()]).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let generation = row.int(0)?;
        Ok((row.int(1)? == 0).then_some(generation))
    }

    /// Where a blob's bytes are now, whatever was read before; `None`: it is not there.
    pub async fn bytes_of(&self, digest: &Digest) -> Result<Option<Bytestore>, Error> {
        let mut rows = self.sql.rows(BYTES, &[digest.into()]).await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let generation = row.int(0)?;
        let body = row.optional_bytes(1)?;
        Ok(Some(
            body.map_or(Bytestore::Object(generation), Bytestore::Inline),
        ))
    }

    /// Gives a blob of another package a name in this one. [`Error::Unmet`] if the
    /// [`Requirement::Source`] is not there, or damaged.
    pub async fn mount(
        &self,
        putting: Putting<'_>,
        from: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.package);
        let [repo, package] = putting.package.value();
        let [from_repo, from_package] = from.value();
        let now = self.shared_now_estimate();
        let values = [
            repo,
            package,
            from_repo,
            from_package,
            digest.into(),
            now.into(),
            putting.by.label().into(),
        ];
        batch.require(Requirement::Source, MOUNT, values);
        batch.run(TOUCH, [digest.into(), now.into(), now.before(FRESH).into()]);
        Self::queue_link(&mut batch, putting.package, digest, now);
        self.sql.apply(batch).await
    }

    /// A manifest of the package that needs the blob, if there is one.
    pub async fn used_by(
        &self,
        package: PackageKey<'_>,
        blob: &Digest,
    ) -> Result<Option<Digest>, Error> {
        let [repo, package] = package.value();
        let values = [repo, package, blob.into()];
        let mut rows = self.sql.rows(USED_BY, &values).await?;
        rows.first_mut().map(|row| row.parsed(0)).transpose()
    }

    /// Removes a blob's name from the package; if `forced` also while a manifest names it, which then
    /// lacks it. [`Error::Unmet`]: the [`Requirement::Blob`] is not there, or a manifest of the
    /// package names it ([`Requirement::Unreferenced`]).
    pub async fn drop_blob(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
        forced: bool,
        by: &dyn Author,
    ) -> Result<(), Error> {
        tracing::debug!(by = by.label(), repo = package.repo, package = package.package, %digest, "blob removed");
        let mut batch = Batch::at(package);
        let object = Object::Package(package);
        let details = if forced {
            json!({"digest": digest.to_string(), "force": true})
        } else {
            json!({"digest": digest.to_string()})
        };
        self.note(&mut batch, by, Action::BlobDelete, object, &details);
        let [repo, package] = package.value();
        let key = [repo, package, digest.into()];
        if forced {
            batch.require(Requirement::Blob, DROP, key);
        } else {
            batch.require(Requirement::Blob, LOCK, key.clone());
            batch.require(Requirement::Unreferenced, DROP_UNNAMED, key);
        }
        self.sql.apply(batch).await
    }
}
