//! Artifacts that are published or that a mirror keeps, copied as published ones: rows alone, for
//! bytes are kept once.

use crate::blobs::{FRESH, TOUCH};
use crate::files::{FileKey, PackageKey};
use crate::{Batch, Metadata, Requirement};
use larder_model::{Author, Digest, FileKind};

const COPY: &str = "insert into files (repo, package, kind, path, digest, content_type, metadata, \
    created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, owner, \
    lifetime, retired_at, used_at) select ?1, ?2, kind, path, digest, content_type, metadata, ?6, \
    ?7, version, '', '', 0, '', '', '', '', 0, 0 from files \
    where repo = ?3 and package = ?4 and kind = 'artifact' and path = ?5 \
    and digest = ?8 on conflict (repo, package, kind, path) do nothing";
const COPY_MIRRORED: &str = "insert into files (repo, package, kind, path, digest, content_type, metadata, \
    created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, owner, \
    lifetime, retired_at, used_at) select ?1, ?2, kind, ?3, digest, ?4, ?5, ?6, ?7, ?8, \
    '', '', 0, '', '', '', '', 0, 0 from files \
    where repo = ?9 and package = ?10 and kind = 'artifact' and path = ?11 and digest = ?12 \
    on conflict (repo, package, kind, path) do nothing";

/// A mirror's artifact, and what it is where it is copied to.
#[derive(Clone, Debug)]
pub struct MirroredCopy {
    /// The id of the mirror.
    pub from: i64,
    /// The package of the artifact's row there; empty where nothing tells it.
    pub from_package: Box<str>,
    /// The artifact's path there.
    pub from_path: Box<str>,
    /// Its bytes.
    pub digest: Digest,
    /// Its package, here as there.
    pub package: Box<str>,
    /// Its path here.
    pub path: String,
    /// The version it belongs to.
    pub version: String,
    /// Media type.
    pub content_type: &'static str,
    /// What its protocol notes of it, as JSON.
    pub metadata: String,
}

impl Metadata {
    /// `from`: the repository that publishes the artifact at the same path, its package there, and
    /// the bytes that it must have.
    pub(crate) fn copy_published(
        &self,
        batch: &mut Batch,
        to: FileKey<'_>,
        by: &dyn Author,
        (from, source, digest): (i64, &str, Digest),
    ) {
        let now = self.now();
        Self::state_begins_anew(batch, to, &digest.into(), (by, now));
        let [repo, name, _, path] = to.value();
        let values = [
            repo,
            name,
            from.into(),
            source.into(),
            path,
            now.into(),
            by.label().into(),
            digest.into(),
        ];
        batch.require(Requirement::File, COPY, values);
    }

    /// The artifact must be there with these bytes, and its path must be free here.
    pub(crate) fn copy_mirrored(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        by: &dyn Author,
        copy: MirroredCopy,
    ) {
        let now = self.now();
        let key = package.file(FileKind::Artifact, &copy.path);
        Self::state_begins_anew(batch, key, &copy.digest.into(), (by, now));
        let touched = [copy.digest.into(), now.into(), now.before(FRESH).into()];
        batch.run(TOUCH, touched);
        let [repo, name] = package.value();
        let values = [
            repo,
            name,
            copy.path.into(),
            copy.content_type.into(),
            copy.metadata.into(),
            now.into(),
            by.label().into(),
            copy.version.into(),
            copy.from.into(),
            (&*copy.from_package).into(),
            (&*copy.from_path).into(),
            copy.digest.into(),
        ];
        batch.require(Requirement::File, COPY_MIRRORED, values);
    }
}
