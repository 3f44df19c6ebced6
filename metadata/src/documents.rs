//! Files that come from upstreams, with their validators, and what was made from them.

use crate::blobs::NewBlob;
use crate::files::{FileKey, PackageKey};
use crate::{Batch, Error, Metadata, Requirement, Value};
use larder_model::{Author as _, Digest, FileKind, System, Timestamp};

macro_rules! put {
    ($end:literal) => {
        concat!(
            "insert into files (repo, package, kind, path, digest, content_type, metadata, \
             created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, \
             owner, lifetime, retired_at, used_at) values (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8, ?9, \
             ?10, ?11, ?7, ?12, ?13, '', '', 0, ?14) on conflict (repo, package, kind, path) \
             do update set digest = excluded.digest, content_type = excluded.content_type, \
             created_at = case when files.digest = excluded.digest then files.created_at \
             else excluded.created_at end, created_by = excluded.created_by, \
             version = excluded.version, etag = excluded.etag, modified = excluded.modified, \
             checked_at = excluded.checked_at, integrity = excluded.integrity, \
             derived_from = excluded.derived_from, retired_at = 0, \
             used_at = case when excluded.used_at > files.used_at then excluded.used_at \
             else files.used_at end",
            $end
        )
    };
}

const PUT: &str = put!("");
/// An artifact of which nothing is promised: the bytes that came first stay.
const PUT_FIRST: &str =
    put!(" where files.integrity <> '' or files.digest in (excluded.digest, ?15)");
/// A document where there was none, and one that takes the place of these bytes.
const PUT_NEW: &str = put!(" where 1 = 0");
const PUT_OVER: &str = put!(" where files.digest = ?15");
/// A file without a row and without a past.
const NEW: &str = "insert into files (repo, package, kind, path, digest, content_type, metadata, \
    created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, owner, \
    lifetime, retired_at, used_at) select ?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8, ?9, ?10, ?11, ?7, \
    ?12, ?13, '', '', 0, ?14 where not exists (select 1 from history \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4) \
    on conflict (repo, package, kind, path) do nothing";
const CHECKED: &str = "update files set checked_at = ?5 where repo = ?1 and package = ?2 \
    and kind = ?3 and path = ?4 and digest = ?6 and checked_at < ?5";
const SET_CONTENT_TYPE: &str = "update files set content_type = ?5 where repo = ?1 \
    and package = ?2 and kind = ?3 and path = ?4 and digest = ?6";
const DROP: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4";
const RETIRE: &str = "update files set retired_at = ?5 where repo = ?1 and package = ?2 \
    and kind = ?3 and path = ?4 and retired_at = 0";
const TAKE_BACK: &str = "update files set retired_at = 0 where repo = ?1 and package = ?2 \
    and kind = ?3 and path = ?4 and retired_at > 0";
const NAME: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    values (?1, ?2, ?3, ?5, ?4) on conflict (repo, name) do update set \
    updated_at = excluded.updated_at, revision = packages.revision + 1";

/// What a document takes the place of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// Whatever is there.
    Anything,
    /// Nothing: it is the first.
    Nothing,
    /// These bytes, from which it was made.
    Bytes(Digest),
}

/// A file as it came from upstream, or as it was made from one.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// What it is.
    pub kind: FileKind,
    /// Path among the files of its kind.
    pub path: &'a str,
    /// Its bytes.
    pub blob: NewBlob,
    /// Media type.
    pub content_type: &'a str,
    /// The version it belongs to; empty if none.
    pub version: &'a str,
    /// The upstream's entity tag; empty if none.
    pub etag: &'a str,
    /// The upstream's `Last-Modified`, as it came; empty if none.
    pub modified: &'a str,
    /// What an index promised of its bytes; empty if nothing.
    pub integrity: &'a str,
    /// What a representation was made from; empty for all other files.
    pub derived_from: &'a str,
    /// Of an artifact of which nothing is promised: the bytes that it takes the place of, if it may.
    pub instead_of: Option<Digest>,
    /// Of a document or a tag: what it takes the place of.
    pub before: Before,
    /// Whether somebody reads it as it comes.
    pub is_used: bool,
}

impl<'a> NewFile<'a> {
    /// A file of which nothing more is known.
    pub const fn new(kind: FileKind, path: &'a str, blob: NewBlob, content_type: &'a str) -> Self {
        Self {
            kind,
            path,
            blob,
            content_type,
            version: "",
            etag: "",
            modified: "",
            integrity: "",
            derived_from: "",
            instead_of: None,
            before: Before::Anything,
            is_used: false,
        }
    }
}

/// Files of one package that are there together, from one moment on.
#[derive(Clone, Debug)]
pub struct NewFiles<'a> {
    /// The package.
    pub package: PackageKey<'a>,
    /// The package's name as `npm/main/left-pad`, if it is to be listed.
    pub full_name: Option<&'a str>,
    /// Who brought them.
    pub by: System,
    /// When they came.
    pub at: Timestamp,
    /// The files.
    pub files: Vec<NewFile<'a>>,
    /// Documents that went away at the same moment.
    pub gone: Vec<&'a str>,
    /// Artifacts that a document names which is among them.
    pub named: Vec<&'a str>,
    /// Artifacts that the state before of that document named, and this one does not.
    pub retired: Vec<&'a str>,
}

/// Whether the past of files of this kind is recorded when they come from an upstream.
pub(crate) const fn moves(kind: FileKind) -> bool {
    matches!(kind, FileKind::Document | FileKind::Tag)
}

fn with_last(values: [Value; 14], last: Value) -> [Value; 15] {
    let mut all = values.into_iter().chain([last]);
    std::array::from_fn(|_| all.next().unwrap_or_else(|| Value::from("")))
}

impl Metadata {
    /// Keeps files of one package together. [`Error::Unmet`]: of an artifact of which nothing is
    /// promised other bytes came first ([`Requirement::File`]), or a document is another than it was
    /// made from ([`Requirement::Revision`]).
    pub async fn keep_files(&self, new: NewFiles<'_>) -> Result<(), Error> {
        let mut batch = Batch::at(new.package);
        for file in new.files {
            let key = new.package.file(file.kind, file.path);
            let digest = Value::from(file.blob.digest);
            self.blob_row(&mut batch, file.blob);
            let [repo, package, kind, path] = key.value();
            // Another form of a document is made for somebody.
            let is_used = file.is_used || file.kind == FileKind::Representation;
            let used_at = if is_used {
                new.at
            } else {
                Timestamp::default()
            };
            let values = [
                repo,
                package,
                kind,
                path,
                digest.clone(),
                file.content_type.into(),
                new.at.into(),
                new.by.label().into(),
                file.version.into(),
                file.etag.into(),
                file.modified.into(),
                file.integrity.into(),
                file.derived_from.into(),
                used_at.into(),
            ];
            if let (true, Before::Nothing | Before::Bytes(_)) = (moves(file.kind), file.before) {
                Self::state_begins(&mut batch, key, &digest, (&new.by, new.at));
                match file.before {
                    Before::Bytes(before) => {
                        let values = with_last(values, before.into());
                        batch.require(Requirement::Revision, PUT_OVER, values);
                    }
                    _ => batch.require(Requirement::Revision, PUT_NEW, values),
                }
            } else if moves(file.kind) {
                batch.unless(NEW, values.clone(), |batch| {
                    Self::state_begins(batch, key, &digest, (&new.by, new.at));
                    batch.run(PUT, values);
                });
            } else if file.kind == FileKind::Artifact && file.integrity.is_empty() {
                let instead_of = file.instead_of.map_or_else(|| Value::from(""), Value::from);
                let values = with_last(values, instead_of);
                batch.require(Requirement::File, PUT_FIRST, values);
            } else {
                batch.run(PUT, values);
            }
        }
        // What is gone upstream is gone, and its past says so.
        for path in new.gone {
            let key = new.package.file(FileKind::Document, path);
            Self::state_ends(&mut batch, key, (&new.by, new.at));
            batch.run(DROP, key.value());
        }
        // Whoever began with the state before goes on with it for a while.
        for path in new.retired {
            let key = new.package.file(FileKind::Artifact, path);
            let [repo, package, kind, path] = key.value();
            batch.run(RETIRE, [repo, package, kind, path, new.at.into()]);
        }
        for path in new.named {
            let key = new.package.file(FileKind::Artifact, path);
            batch.run(TAKE_BACK, key.value());
        }
        if let Some(full_name) = new.full_name {
            let [repo, package] = new.package.value();
            let revision = self.new_id().into();
            batch.run(
                NAME,
                [repo, package, full_name.into(), new.at.into(), revision],
            );
        }
        self.sql.apply(batch).await
    }

    /// Notes that an upstream confirmed a file just now, if it is still these bytes.
    pub async fn mark_checked(&self, key: FileKey<'_>, digest: &Digest) -> Result<(), Error> {
        self.mark_checked_at(key, (digest, self.now())).await
    }

    /// The same of a time at which the upstream was asked.
    pub async fn mark_checked_at(
        &self,
        key: FileKey<'_>,
        (digest, at): (&Digest, Timestamp),
    ) -> Result<(), Error> {
        let mut batch = Batch::at(key.package);
        if moves(key.kind) {
            Self::state_returns(&mut batch, key, digest, (&System::Upstream, self.now()));
        }
        let [repo, package, kind, path] = key.value();
        batch.run(
            CHECKED,
            [repo, package, kind, path, at.into(), digest.into()],
        );
        self.sql.apply(batch).await
    }

    /// Notes the media type of a file, if it is still these bytes.
    pub async fn set_content_type(
        &self,
        key: FileKey<'_>,
        digest: &Digest,
        content_type: &str,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(key.package);
        let [repo, package, kind, path] = key.value();
        let values = [
            repo,
            package,
            kind,
            path,
            content_type.into(),
            digest.into(),
        ];
        batch.run(SET_CONTENT_TYPE, values);
        self.sql.apply(batch).await
    }
}
