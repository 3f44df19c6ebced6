//! Packages that are published here: files with their metadata, changed one batch at a time, and
//! documents composed of them.
//!
//! A change requires the revision that it was made for, so of two at once one is made anew. A
//! composed document lasts until the next change, which drops it in the same batch.

mod notes;
mod removals;

use crate::blobs::NewBlob;
use crate::file_copies::MirroredCopy;
use crate::files::{FileKey, PackageKey};
use crate::jobs::HeldJob;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Author, Digest, FileKind, StoredFile, Timestamp};

/// The columns that [`read`] reads.
macro_rules! columns {
    () => {
        "f.kind, f.path, f.version, f.digest, b.size, f.content_type, f.metadata, f.created_at, \
         f.created_by, f.used_at"
    };
}
pub(crate) use columns;

const ALL: &str = concat!(
    "select ",
    columns!(),
    " from files f join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
     and f.kind in ('artifact', 'tag', 'tombstone') and f.owner = '' and f.lifetime = '' \
     order by f.kind, f.path"
);
const BEGIN: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    values (?1, ?2, ?3, ?4, ?5) on conflict (repo, name) do nothing";
pub(crate) const GO_ON: &str = "update packages set revision = revision + 1, updated_at = ?4 \
    where repo = ?1 and name = ?2 and revision = ?3";
/// Changes one row if no deleted repository of this name left the package's name reserved.
const NAME_IS_FREE: &str = "update repos set kind = kind where id = ?1 and not exists \
    (select 1 from reservations v where v.protocol = repos.protocol \
    and v.repository = repos.name and v.package = ?2)";
const ADD: &str = "insert into files (repo, package, kind, path, digest, content_type, metadata, \
    created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, owner, \
    lifetime, retired_at, used_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, '', '', 0, \
    '', '', '', '', 0, 0) on conflict (repo, package, kind, path) do nothing";
const SET_TAG: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) values (?1, ?2, 'tag', ?3, ?4, '', '', \
    ?5, ?6, ?7, '', '', 0, '', '', '', '', 0, 0) on conflict (repo, package, kind, path) \
    do update set digest = excluded.digest, version = excluded.version, \
    created_at = excluded.created_at, created_by = excluded.created_by";
const NEW_DOCUMENT: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) values (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, \
    ?8, '', '', '', ?9, '', '', '', '', 0, 0) on conflict (repo, package, kind, path) do nothing";
const SET_DOCUMENT: &str = "update files set digest = ?5, content_type = ?6, created_at = ?7, \
    created_by = ?8, checked_at = ?9 \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and digest = ?10";
const SET_UNCHECKED: &str = "update files set digest = ?5, content_type = ?6, created_at = ?7, \
    created_by = ?8 where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and digest = ?9";
const SET_METADATA: &str = "update files set metadata = ?5 \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4";
const REMOVE: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4";
pub(crate) const FORGET_COMPOSED: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'document' and lifetime = 'until_change'";
const COMPOSED: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) select ?1, ?2, 'document', ?3, ?4, ?5, \
    '', ?6, 'larder', '', '', '', 0, '', '', '', 'until_change', 0, 0 \
    where exists (select 1 from packages where repo = ?1 and name = ?2 and revision = ?7) \
    on conflict (repo, package, kind, path) do update set digest = excluded.digest, \
    created_at = excluded.created_at";
const ADD_ADDRESS: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) values (?1, '', 'artifact', ?2, ?3, '', \
    '', ?4, ?5, '', '', '', 0, '', '', ?6, '', 0, 0) \
    on conflict (repo, package, kind, path) do nothing";
const REMOVE_ADDRESS: &str = "delete from files \
    where repo = ?1 and package = '' and kind = 'artifact' and path = ?2 and owner = ?3";
const TOUCH_INDEX: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    values (?1, '', ?2, ?3, ?4) on conflict (repo, name) do update set \
    revision = packages.revision + 1, updated_at = excluded.updated_at";
/// Parts of an index that is past stay for those who began to read it.
const RETIRE: &str = "update files set retired_at = ?2 \
    where repo = ?1 and package = '' and lifetime = 'immutable' and retired_at = 0";

/// One step of a change.
#[derive(Clone, Debug)]
pub enum Step {
    /// A file that was not there.
    Add {
        /// An artifact, or a tombstone.
        kind: FileKind,
        /// Path among the files of its kind.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Its bytes, durable.
        blob: NewBlob,
        /// Media type.
        content_type: &'static str,
        /// What its protocol notes of it, as JSON.
        metadata: String,
    },
    /// An artifact of another package, with its metadata, that was not here.
    Copy {
        /// The id of the repo that has it.
        from: i64,
        /// Its package there.
        package: Box<str>,
        /// Its path, here as there.
        path: Box<str>,
        /// Its bytes.
        digest: Digest,
    },
    /// An artifact of a mirror, or of this package at another path, as one that is published and was not
    /// here.
    CopyMirrored(MirroredCopy),
    /// A tag stands for the bytes of a file that is there.
    SetTag {
        /// The tag.
        tag: String,
        /// The version that it means.
        version: String,
        /// The bytes.
        digest: Digest,
    },
    /// Other metadata of an artifact.
    SetMetadata {
        /// Path among the artifacts.
        path: String,
        /// The metadata.
        metadata: String,
    },
    /// A document that tells of the package as it is now, and stands until it is set again.
    SetDocument {
        /// Path among the documents.
        path: String,
        /// What it was made from, which it takes the place of; `None`: there was none.
        before: Option<Digest>,
        /// Its bytes, durable.
        blob: NewBlob,
        /// Media type.
        content_type: &'static str,
        /// When what it tells was confirmed; `None`: when that of the one before was.
        checked_at: Option<Timestamp>,
        /// The refs that it changes.
        refs: Vec<RefChange>,
    },
    /// A file is no more.
    Remove {
        /// What it is.
        kind: FileKind,
        /// Path among the files of its kind.
        path: String,
    },
    /// An address in the whole repository for a file of the package. It must be free.
    AddAddress {
        /// The address.
        path: String,
        /// The file's bytes.
        digest: Digest,
    },
    /// Such an address is no more.
    RemoveAddress {
        /// The address.
        path: String,
    },
}

/// A name for an object that is made, moved or deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefChange {
    /// The name.
    pub name: String,
    /// What it stood for; empty: it is new.
    pub old: String,
    /// What it stands for; empty: it is no more.
    pub new: String,
}

/// A change of a package.
#[derive(Clone, Debug)]
pub struct PackageChange<'a> {
    /// The package.
    pub package: PackageKey<'a>,
    /// Its name as `npm/main/left-pad`; of what belongs to no package it ends in a slash.
    pub full_name: &'a str,
    /// The revision that was read; `None`: there was no such package.
    pub revision: Option<i64>,
    /// Who changes it.
    pub by: &'a dyn Author,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Why a rule has it done; empty: somebody asked for it.
    pub reason: &'a str,
    /// The job that it is done for.
    pub held: Option<&'a HeldJob>,
    /// What it removes is replaced by what it adds: nobody deleted it.
    pub replaces: bool,
}

/// Reads a file whose row begins with [`columns`].
pub(crate) fn read(row: &mut Row) -> Result<StoredFile, Error> {
    Ok(StoredFile {
        kind: row.parsed(0)?,
        path: row.text(1)?,
        version: row.text(2)?,
        digest: row.parsed(3)?,
        size: row.count(4)?,
        content_type: row.text(5)?,
        metadata: row.text(6)?,
        created_at: Timestamp(row.int(7)?),
        created_by: row.text(8)?,
        used_at: Timestamp(row.int(9)?),
    })
}

impl Metadata {
    /// All published files of a package: artifacts, tags and tombstones, each by path.
    pub async fn published(&self, package: PackageKey<'_>) -> Result<Vec<StoredFile>, Error> {
        let [repo, package] = package.value();
        let mut rows = self.sql.scan(ALL, vec![repo, package]).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Changes a package in one commit. [`Error::Unmet`]: someone else changed it meanwhile, or a document of
    /// it ([`Requirement::Revision`]), an added file is there already ([`Requirement::File`]), its name is
    /// reserved ([`Requirement::NameFree`]), or the job is another server's ([`Requirement::Job`]).
    /// [`Error::Immutable`]: it would remove a version that stays.
    pub async fn change_package(&self, change: PackageChange<'_>) -> Result<(), Error> {
        let PackageChange {
            package,
            full_name,
            revision,
            by,
            steps,
            reason,
            held,
            replaces,
        } = change;
        let mut batch = Batch::at(package);
        if let Some(held) = held {
            held.require(&mut batch);
        }
        let moves_addresses =
            |step: &Step| matches!(step, Step::AddAddress { .. } | Step::RemoveAddress { .. });
        let index_changes = package.package.is_empty() || steps.iter().any(moves_addresses);
        match revision {
            None if package.package.is_empty() => {}
            None => self.begin_package(&mut batch, package, full_name, by),
            Some(revision) => {
                let [repo, name] = package.value();
                let values = [repo, name, revision.into(), self.now().into()];
                batch.require(Requirement::Revision, GO_ON, values);
            }
        }
        self.note_steps(&mut batch, package, (by, full_name), &steps, reason);
        let deleted: &[Step] = if replaces { &[] } else { &steps };
        let removal = self.trash_removed(&mut batch, package, deleted, (reason, by));
        for step in steps {
            self.step(&mut batch, package, by, step);
        }
        if let Some(removal) = removal {
            removal.end(&mut batch);
        }
        batch.run(FORGET_COMPOSED, package.value());
        if index_changes {
            let repo_name = full_name.strip_suffix(package.package);
            self.touch_index(&mut batch, package.repo, repo_name.unwrap_or(full_name));
        }
        self.sql.apply(batch).await
    }

    /// A package's first file takes its name, for as long as the repo exists.
    pub(crate) fn begin_package(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        full_name: &str,
        by: &dyn Author,
    ) {
        let now = self.now();
        let [repo, name] = package.value();
        batch.require(Requirement::NameFree, NAME_IS_FREE, [repo, name]);
        let [repo, name] = package.value();
        let begin = [
            repo,
            name,
            full_name.into(),
            self.new_id().into(),
            now.into(),
        ];
        batch.require(Requirement::Revision, BEGIN, begin);
        let empty = NewBlob::empty();
        let digest = Value::from(empty.digest);
        self.blob_row(batch, empty);
        let [repo, name, kind, path] = package.file(FileKind::Name, "").value();
        let none = || Value::from("");
        let (now, by) = (now.into(), by.label().into());
        batch.run(
            ADD,
            [
                repo,
                name,
                kind,
                path,
                digest,
                none(),
                none(),
                now,
                by,
                none(),
            ],
        );
    }

    /// What tells of all packages of a repo is composed anew. `name`: of no package, `rpm/local/`.
    pub(crate) fn touch_index(&self, batch: &mut Batch, repo: i64, name: &str) {
        let package = PackageKey { repo, package: "" };
        let now = self.now();
        batch.touch(package);
        let values = [repo.into(), name.into(), self.new_id().into(), now.into()];
        batch.run(TOUCH_INDEX, values);
        batch.run(FORGET_COMPOSED, package.value());
        batch.run(RETIRE, [repo.into(), now.into()]);
    }

    fn step(&self, batch: &mut Batch, package: PackageKey<'_>, by: &dyn Author, step: Step) {
        let [repo, name] = package.value();
        let now = self.now();
        match step {
            Step::Add {
                kind,
                path,
                version,
                blob,
                content_type,
                metadata,
            } => {
                let digest = blob.digest.into();
                if kind == FileKind::Artifact {
                    // The file must be new, so only a state that ended long ago can be before it.
                    let key = package.file(kind, &path);
                    Self::state_begins_anew(batch, key, &digest, (by, now));
                }
                self.blob_row(batch, blob);
                let values = [
                    repo,
                    name,
                    kind.into(),
                    path.into(),
                    digest,
                    content_type.into(),
                    metadata.into(),
                    now.into(),
                    by.label().into(),
                    version.into(),
                ];
                batch.require(Requirement::File, ADD, values);
            }
            Step::Copy {
                from,
                package: source,
                path,
                digest,
            } => {
                let key = package.file(FileKind::Artifact, &path);
                self.copy_published(batch, key, by, (from, &source, digest));
            }
            Step::CopyMirrored(copy) => self.copy_mirrored(batch, package, by, copy),
            Step::SetTag {
                tag,
                version,
                digest,
            } => {
                let key = package.file(FileKind::Tag, &tag);
                Self::state_begins(batch, key, &digest.into(), (by, now));
                let (digest, version) = (digest.into(), version.into());
                let values = [
                    repo,
                    name,
                    tag.into(),
                    digest,
                    now.into(),
                    by.label().into(),
                    version,
                ];
                batch.run(SET_TAG, values);
            }
            Step::SetMetadata { path, metadata } => {
                let key = package.file(FileKind::Artifact, &path);
                Self::metadata_changes(batch, key, (by, now));
                let [repo, name, kind, path] = key.value();
                let values = [repo, name, kind, path, metadata.into()];
                batch.require(Requirement::File, SET_METADATA, values);
            }
            Step::SetDocument {
                path,
                before,
                blob,
                content_type,
                checked_at,
                refs: _, // told of in the audit trail
            } => {
                let key = package.file(FileKind::Document, &path);
                let set = (blob, content_type, checked_at);
                self.set_document(batch, key, by, (before, set));
            }
            Step::Remove { kind, path } => {
                let key = package.file(kind, &path);
                if kind != FileKind::Tombstone {
                    Self::state_ends(batch, key, (by, now));
                }
                batch.require(Requirement::File, REMOVE, key.value());
            }
            Step::AddAddress { path, digest } => {
                let (path, digest) = (path.into(), digest.into());
                let values = [repo, path, digest, now.into(), by.label().into(), name];
                batch.require(Requirement::File, ADD_ADDRESS, values);
            }
            Step::RemoveAddress { path } => {
                batch.require(Requirement::File, REMOVE_ADDRESS, [repo, path.into(), name]);
            }
        }
    }

    fn set_document(
        &self,
        batch: &mut Batch,
        key: FileKey<'_>,
        by: &dyn Author,
        (before, set): (Option<Digest>, (NewBlob, &'static str, Option<Timestamp>)),
    ) {
        let (blob, content_type, checked_at) = set;
        let (digest, now) = (Value::from(blob.digest), self.now());
        Self::state_begins(batch, key, &digest, (by, now));
        self.blob_row(batch, blob);
        let [repo, name, kind, path] = key.value();
        let (at, by, told) = (now.into(), by.label().into(), content_type.into());
        let new = [repo, name, kind, path, digest, told, at, by];
        let (text, more) = match (before, checked_at) {
            (None, checked) => (NEW_DOCUMENT, vec![checked.unwrap_or(now).into()]),
            (Some(before), None) => (SET_UNCHECKED, vec![before.into()]),
            (Some(before), Some(checked)) => (SET_DOCUMENT, vec![checked.into(), before.into()]),
        };
        // The revision and what was read of a document may be of two moments.
        let values = new.into_iter().chain(more).collect();
        batch.require_with(Requirement::Revision, text, values);
    }

    /// Keeps a document composed of what was there at `revision`. [`Error::Unmet`] if that
    /// [`Requirement::Revision`] is past.
    pub async fn keep_composed(
        &self,
        package: PackageKey<'_>,
        revision: i64,
        path: &str,
        content_type: &str,
        blob: NewBlob,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        let [repo, name] = package.value();
        let digest = blob.digest.into();
        self.blob_row(&mut batch, blob);
        let (path, content_type) = (path.into(), content_type.into());
        let values = [
            repo,
            name,
            path,
            digest,
            content_type,
            self.now().into(),
            revision.into(),
        ];
        batch.require(Requirement::Revision, COMPOSED, values);
        self.sql.apply(batch).await
    }
}
