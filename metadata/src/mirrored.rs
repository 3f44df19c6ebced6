//! Files of mirrors: what came from upstream with its validators, what was made from it, and the
//! history of documents.

use crate::blobs::NewBlob;
use crate::files::PackageKey;
use crate::{Batch, Error, Metadata, Row, Value};
use larder_model::{Digest, Timestamp};

const PUT: &str = "insert into files (repo, package, path, digest, content_type, metadata, created_at, created_by, version, \
    etag, modified, checked_at) values (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, ?8, ?9, ?10, ?6) \
    on conflict (repo, package, path) do update set digest = excluded.digest, content_type = excluded.content_type, \
    created_at = case when files.digest = excluded.digest then files.created_at else excluded.created_at end, \
    created_by = excluded.created_by, version = excluded.version, etag = excluded.etag, \
    modified = excluded.modified, checked_at = excluded.checked_at";
const CHECKED: &str = "update files set checked_at = ?4 \
    where repo = ?1 and package = ?2 and path = ?3 and digest = ?5 and checked_at < ?4";
const SEEN: &str = "insert into history (repo, package, path, seen_at, digest) \
    select ?1, ?2, ?3, ?4, ?5 where not exists (select 1 from files \
    where repo = ?1 and package = ?2 and path = ?3 and digest = ?5) \
    on conflict (repo, package, path, seen_at) do nothing";
const STATES: &str = "select digest, seen_at from history where repo = ?1 and package = ?2 and path = ?3 \
    and seen_at < ?4 order by seen_at desc limit ?5";
const DROP: &str = "delete from files where repo = ?1 and package = ?2 and path = ?3";
const NAME: &str = "insert into packages (repo, name, full_name, revision, updated_at) values (?1, ?2, ?3, ?5, ?4) \
    on conflict (repo, name) do update set updated_at = excluded.updated_at, revision = packages.revision + 1";

/// A file as it came from upstream, or as it was made from one.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// Path within the package.
    pub path: &'a str,
    /// Its bytes.
    pub blob: NewBlob,
    /// Media type.
    pub content_type: &'a str,
    /// The version it belongs to; empty if none.
    pub version: &'a str,
    /// The upstream's entity tag, or what the file was made from; empty if none.
    pub etag: &'a str,
    /// The upstream's `Last-Modified`, as it came; empty if none.
    pub modified: &'a str,
    /// Whether its states are remembered, as those of a document are.
    pub changes: bool,
}

impl Metadata {
    /// Keeps files of one package together: all of them are there from one moment on. `full_name`:
    /// the package's, as `npm/main/left-pad`, if it is to be listed; `by`: who brought them, and
    /// when; `gone`: paths that are no more.
    pub async fn keep_files(
        &self,
        place: PackageKey<'_>,
        full_name: Option<&str>,
        (by, now): (&str, Timestamp),
        files: Vec<NewFile<'_>>,
        gone: &[&str],
    ) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        for file in files {
            let [repo, package] = place.value();
            let digest = Value::from(file.blob.digest);
            if file.changes {
                let seen = [
                    repo.clone(),
                    package.clone(),
                    file.path.into(),
                    now.into(),
                    digest.clone(),
                ];
                batch.run(SEEN, seen);
            }
            self.blob_row(&mut batch, file.blob);
            let (path, content_type) = (file.path.into(), file.content_type.into());
            let (etag, modified) = (file.etag.into(), file.modified.into());
            let version = file.version.into();
            batch.run(
                PUT,
                [
                    repo,
                    package,
                    path,
                    digest,
                    content_type,
                    now.into(),
                    by.into(),
                    version,
                    etag,
                    modified,
                ],
            );
        }
        for path in gone {
            let [repo, package] = place.value();
            batch.run(DROP, [repo, package, (*path).into()]);
        }
        if let Some(full_name) = full_name {
            let [repo, package] = place.value();
            batch.run(
                NAME,
                [
                    repo,
                    package,
                    full_name.into(),
                    now.into(),
                    self.new_id().into(),
                ],
            );
        }
        self.sql.apply(batch).await
    }

    /// Notes that upstream `mark_checked` for a file just now, if it is still these bytes.
    pub async fn mark_checked(
        &self,
        place: PackageKey<'_>,
        path: &str,
        digest: &Digest,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(place);
        let [repo, package] = place.value();
        batch.run(
            CHECKED,
            [repo, package, path.into(), self.now().into(), digest.into()],
        );
        self.sql.apply(batch).await
    }

    /// The states of a document before `before`, the newest first, at most `limit`.
    pub async fn states(
        &self,
        place: PackageKey<'_>,
        path: &str,
        before: Timestamp,
        limit: u64,
    ) -> Result<Vec<(Digest, Timestamp)>, Error> {
        let [repo, package] = place.value();
        let values = vec![repo, package, path.into(), before.into(), limit.into()];
        let read = |row: &mut Row| Ok((row.parsed(0)?, Timestamp(row.int(1)?)));
        self.sql
            .scan(STATES, values)
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }
}
