//! What is kept: blobs come in, are mounted, and manifests bind them together, each in one batch.

use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Value};
use bytes::Bytes;
use larder_model::Digest;
use std::time::Duration;

const KEEP_BLOB: &str = "insert into blobs (digest, size, generation, state, touched_at, body) \
    values (?1, ?2, ?3, 'kept', ?4, ?5) on conflict (digest) do update set \
    generation = case when blobs.state = 'kept' then blobs.generation else excluded.generation end, \
    state = 'kept', touched_at = excluded.touched_at";
const TOUCH: &str = "update blobs set touched_at = ?2, state = 'kept' where digest = ?1 and (touched_at < ?3 or state <> 'kept')";
const TAKE: &str = "update blobs set touched_at = ?2 where digest = ?1 and state = 'kept'";
const GENERATION: &str =
    "select generation, case when body is null then 0 else 1 end from blobs where digest = ?1";
const PUT_FILE: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (repo, package, path) do update set \
    digest = excluded.digest, content_type = excluded.content_type, metadata = excluded.metadata, \
    created_at = excluded.created_at, created_by = excluded.created_by";
const ADD_FILE: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict (repo, package, path) do nothing";
const REPLACE_FILE: &str = "update files set digest = ?4, content_type = ?5, created_at = ?6, created_by = ?7 \
    where repo = ?1 and package = ?2 and path = ?3 and digest = ?8";
const MOUNT: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by) \
    select ?1, ?2, path, digest, content_type, metadata, ?6, ?7 from files where repo = ?3 and package = ?4 and path = ?5 \
    on conflict (repo, package, path) do update set digest = excluded.digest";
const BIND: &str = "insert into edges (repo, package, parent, child, kind) \
    select repo, package, ?4, digest, 'blob' from files where repo = ?1 and package = ?2 and path = ?3 \
    on conflict (repo, package, parent, kind, child) do update set child = excluded.child";
const EDGE: &str = "insert into edges (repo, package, parent, child, kind) values (?1, ?2, ?3, ?4, ?5) \
    on conflict (repo, package, parent, kind, child) do nothing";
const KEEP_PACKAGE: &str = "insert into packages (repo, name, full_name, revision, updated_at) values (?1, ?2, ?3, ?5, ?4) \
    on conflict (repo, name) do update set revision = packages.revision + 1, updated_at = excluded.updated_at";

/// A blob touched within this time is not touched again by a manifest: well within any grace of the
/// collector.
const FRESH: Duration = Duration::from_mins(10);

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

/// Who puts something where.
#[derive(Clone, Copy, Debug)]
pub struct Putting<'a> {
    /// Where.
    pub place: PackageKey<'a>,
    /// Who, as `user:name`.
    pub by: &'a str,
}

/// What a tag, or a manifest by digest, must be before it is put (RFC 9110 13.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Any,
    /// Not there.
    Absent,
    /// Exactly this.
    Is(Digest),
}

/// A manifest with all that one commit makes of it.
#[derive(Clone, Debug)]
pub struct NewManifest<'a> {
    /// Where and by whom.
    pub putting: Putting<'a>,
    /// `oci/<repo>/<image>`.
    pub full_name: &'a str,
    /// Its bytes.
    pub blob: NewBlob,
    /// Its media type, exactly as it was given.
    pub content_type: &'a str,
    /// What lists of referrers tell of it, as JSON.
    pub metadata: &'a str,
    /// Blobs that must be there.
    pub blobs: &'a [Digest],
    /// Blobs that are not there; the manifest holds them should they come.
    pub absent: &'a [Digest],
    /// Manifests that it names; they may come later.
    pub manifests: &'a [Digest],
    /// The manifest that it is about; it may come later.
    pub subject: Option<Digest>,
    /// Tags that it gets.
    pub tags: &'a [&'a str],
    /// What each of the tags must be before.
    pub expect: Expect,
}

impl Metadata {
    pub(crate) fn blob_row(&self, batch: &mut Batch, blob: NewBlob) {
        let (generation, body) = match blob.bytes {
            Bytestore::Inline(body) => (0, Value::Bytes(body)),
            Bytestore::Object(generation) => (generation, Value::Null),
        };
        let values = [
            blob.digest.into(),
            blob.size.into(),
            generation.into(),
            self.now().into(),
            body,
        ];
        batch.run(KEEP_BLOB, values);
    }

    fn blob_file(&self, batch: &mut Batch, putting: Putting<'_>, digest: &Digest) {
        let [repo, package] = putting.place.value();
        let path = format!("blobs/{digest}");
        let content_type = "application/octet-stream";
        let (now, by) = (self.now().into(), putting.by.into());
        batch.run(
            ADD_FILE,
            [
                repo,
                package,
                path.into(),
                digest.into(),
                content_type.into(),
                "".into(),
                now,
                by,
            ],
        );
    }

    /// Gives a blob that is there already a name in the package and ends the upload `upload`.
    /// [`Error::Unmet`]: the `blob` is not kept any more, or the `upload` went on elsewhere.
    pub async fn take_blob(
        &self,
        putting: Putting<'_>,
        digest: &Digest,
        upload: Option<Finish<'_>>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.place);
        batch.must("blob", 1, TAKE, [digest.into(), self.now().into()]);
        self.blob_file(&mut batch, putting, digest);
        self.finish_upload(&mut batch, putting, upload);
        self.sql.apply(batch).await
    }

    /// Keeps a blob under a name in the package and ends the upload `upload`, durably.
    /// [`Error::Unmet`]`("upload")`: the upload went on elsewhere.
    pub async fn keep_blob(
        &self,
        putting: Putting<'_>,
        blob: NewBlob,
        upload: Option<Finish<'_>>,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.place);
        let digest = blob.digest;
        self.blob_row(&mut batch, blob);
        self.blob_file(&mut batch, putting, &digest);
        self.finish_upload(&mut batch, putting, upload);
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

    /// Gives a blob of another package a name in this one. [`Error::Unmet`]`("source")` if it is
    /// not there.
    pub async fn mount(
        &self,
        putting: Putting<'_>,
        from: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(putting.place);
        let [repo, package] = putting.place.value();
        let [from_repo, from_package] = from.value();
        let path = format!("blobs/{digest}");
        let now = self.now();
        batch.must(
            "source",
            1,
            MOUNT,
            [
                repo,
                package,
                from_repo,
                from_package,
                path.into(),
                now.into(),
                putting.by.into(),
            ],
        );
        batch.run(TOUCH, [digest.into(), now.into(), now.before(FRESH).into()]);
        self.sql.apply(batch).await
    }

    /// Keeps a manifest: its bytes, its edges, its tags, its place among referrers, in one commit.
    /// [`Error::Unmet`]: a `blob` of it is not in the package, or a `tag` is not as expected.
    pub async fn keep_manifest(&self, new: NewManifest<'_>) -> Result<(), Error> {
        let Putting { place, by } = new.putting;
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        let (digest, now) = (new.blob.digest, self.now());
        let digest_value = Value::from(digest);
        let mut blobs = new.blobs.to_vec();
        blobs.sort_unstable(); // rows are locked in one order everywhere
        blobs.dedup();
        for blob in &blobs {
            batch.run(TOUCH, [blob.into(), now.into(), now.before(FRESH).into()]);
            let path = format!("blobs/{blob}");
            batch.must(
                "blob",
                1,
                BIND,
                [
                    repo.clone(),
                    package.clone(),
                    path.into(),
                    digest_value.clone(),
                ],
            );
        }
        let manifests = new.manifests.iter().map(|child| (child, "manifest"));
        let absent = new.absent.iter().map(|child| (child, "blob"));
        for (child, kind) in manifests
            .chain(absent)
            .chain(new.subject.iter().map(|subject| (subject, "subject")))
        {
            batch.run(
                EDGE,
                [
                    repo.clone(),
                    package.clone(),
                    digest_value.clone(),
                    child.into(),
                    kind.into(),
                ],
            );
        }
        self.blob_row(&mut batch, new.blob);
        let file = |path: String, metadata: &str| -> [Value; 8] {
            let [repo, package] = place.value();
            let (content_type, metadata) = (new.content_type.into(), metadata.into());
            [
                repo,
                package,
                path.into(),
                digest_value.clone(),
                content_type,
                metadata,
                now.into(),
                by.into(),
            ]
        };
        batch.run(PUT_FILE, file(format!("manifests/{digest}"), new.metadata));
        for tag in new.tags {
            let path = format!("tags/{tag}");
            match new.expect {
                Expect::Any => batch.run(PUT_FILE, file(path, "")),
                Expect::Absent => batch.must("tag", 1, ADD_FILE, file(path, "")),
                Expect::Is(before) => {
                    let [repo, package, path, digest, content_type, _, now, by] = file(path, "");
                    let values = [
                        repo,
                        package,
                        path,
                        digest,
                        content_type,
                        now,
                        by,
                        before.into(),
                    ];
                    batch.must("tag", 1, REPLACE_FILE, values);
                }
            }
        }
        // A revision begins at a number never used before, so that one who remembers a removed
        // package is not misled.
        let revision = self.new_id();
        batch.run(
            KEEP_PACKAGE,
            [
                repo,
                package,
                new.full_name.into(),
                now.into(),
                revision.into(),
            ],
        );
        self.sql.apply(batch).await
    }
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
