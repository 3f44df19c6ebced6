//! Copies of images in other packages: rows alone, for bytes are kept once.

use crate::audit::Object;
use crate::blobs::{FRESH, MOUNT, Putting, TOUCH};
use crate::files::PackageKey;
use crate::manifests::{BEGIN_PACKAGE, EDGE, NEW_TAG, PUT_FILE, TOUCH_PACKAGE};
use crate::repos::RepoRecord;
use crate::{Batch, Error, Metadata, Requirement, Value};
use larder_model::{Action, Digest, FileKind, Timestamp};
use serde_json::json;
use std::sync::Arc;

const COPY_MANIFEST: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    select ?1, ?2, kind, path, digest, content_type, ?8, ?6, ?7, \
    '', '', '', 0, '', '', '', '', 0, 0 from files \
    where repo = ?3 and package = ?4 and kind = 'manifest' and path = ?5 \
    on conflict (repo, package, kind, path) do update set metadata = excluded.metadata";

/// A version that is to be copied, and to where.
#[derive(Clone, Copy, Debug)]
pub struct VersionCopy<'a> {
    /// The repo that is asked for it: the one that has it, or a group of that one.
    pub asked: &'a Arc<RepoRecord>,
    /// The repo that has it.
    pub from: &'a Arc<RepoRecord>,
    /// Its package there.
    pub package: &'a str,
    /// The version; of an image a tag, or the digest of a manifest.
    pub version: &'a str,
    /// The repo that is to have it.
    pub to: &'a Arc<RepoRecord>,
    /// Its package there.
    pub to_package: &'a str,
    /// The version there.
    pub to_version: &'a str,
}

/// What was copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// Of an image, the digest of what the tag stands for.
    pub digest: Option<Digest>,
    /// How many files: of an image, manifests and blobs.
    pub files: u64,
    /// All of them together, in bytes.
    pub bytes: u64,
}

/// A manifest that is copied with its edges.
#[derive(Clone, Debug)]
pub struct CopiedManifest {
    /// Its digest.
    pub digest: Digest,
    /// What lists of referrers tell of it, as JSON.
    pub metadata: String,
    /// Blobs that it needs, also those that are not there.
    pub blobs: Vec<Digest>,
    /// Manifests that it names.
    pub manifests: Vec<Digest>,
    /// The manifest that it is about.
    pub subject: Option<Digest>,
}

/// An image that is copied with all that it names.
#[derive(Clone, Debug)]
pub struct ImageCopy<'a> {
    /// Where to and by whom.
    pub putting: Putting<'a>,
    /// `oci/<repo>/<image>` there.
    pub full_name: &'a str,
    /// The package that has it.
    pub from: PackageKey<'a>,
    /// Its manifests.
    pub manifests: &'a [CopiedManifest],
    /// Its blobs, all of which are in `from`.
    pub blobs: &'a [Digest],
    /// The tag that it gets, the manifest that the tag stands for, and that one's media type.
    pub tag: Option<(&'a str, Digest, &'a str)>,
}

impl Metadata {
    /// Copies an image in one commit: all of it is there afterwards, or nothing. A tag moves as by a
    /// push. [`Error::Unmet`]: a [`Requirement::Source`] is not in `from` any more, or the image's
    /// name is reserved ([`Requirement::NameFree`]).
    pub async fn copy_image(&self, copy: ImageCopy<'_>) -> Result<(), Error> {
        let (package, now) = (copy.putting.package, self.now());
        let mut batch = Batch::at(package);
        let [repo, name] = package.value();
        let [from_repo, from_name] = copy.from.value();
        let by = Value::from(copy.putting.by.label());
        let mut blobs = copy.blobs.to_vec();
        blobs.sort_unstable(); // rows are locked in one order everywhere
        blobs.dedup();
        for blob in &blobs {
            batch.run(TOUCH, [blob.into(), now.into(), now.before(FRESH).into()]);
            let values = [
                repo.clone(),
                name.clone(),
                from_repo.clone(),
                from_name.clone(),
                blob.into(),
                now.into(),
                by.clone(),
            ];
            batch.require(Requirement::Source, MOUNT, values);
        }
        for manifest in copy.manifests {
            let digest = Value::from(manifest.digest);
            let touched = [digest.clone(), now.into(), now.before(FRESH).into()];
            batch.run(TOUCH, touched);
            let values = [
                repo.clone(),
                name.clone(),
                from_repo.clone(),
                from_name.clone(),
                digest,
                now.into(),
                by.clone(),
                (&manifest.metadata).into(),
            ];
            batch.require(Requirement::Source, COPY_MANIFEST, values);
            Self::copy_edges(&mut batch, package, manifest);
        }
        if let Some(tag) = copy.tag {
            Self::copy_tag(&mut batch, copy.putting, tag, now);
        }
        let (tag, digest) = match copy.tag {
            Some((tag, digest, _)) => (Some(tag), Some(digest)),
            None => (None, copy.manifests.first().map(|manifest| manifest.digest)),
        };
        let details = json!({
            "from_repository_id": copy.from.repo.to_string(),
            "from_package": copy.from.package,
            "tag": tag,
            "digest": digest.map(|digest| digest.to_string()),
        });
        let object = Object::Named(copy.full_name);
        let author = copy.putting.by;
        self.note(&mut batch, author, Action::PackageCopy, object, &details);
        let touched = [repo.clone(), name.clone(), now.into()];
        batch.unless(TOUCH_PACKAGE, touched, |batch| {
            let (full_name, revision) = (copy.full_name.into(), self.new_id().into());
            let values = [repo, name, full_name, now.into(), revision];
            batch.require(Requirement::NameFree, BEGIN_PACKAGE, values);
        });
        self.sql.apply(batch).await
    }

    fn copy_edges(batch: &mut Batch, package: PackageKey<'_>, manifest: &CopiedManifest) {
        let blobs = manifest.blobs.iter().map(|child| (child, "blob"));
        let manifests = manifest.manifests.iter().map(|child| (child, "manifest"));
        let subject = manifest.subject.iter().map(|child| (child, "subject"));
        for (child, kind) in blobs.chain(manifests).chain(subject) {
            let [repo, name] = package.value();
            let parent = manifest.digest.into();
            batch.run(EDGE, [repo, name, parent, child.into(), kind.into()]);
        }
    }

    fn copy_tag(
        batch: &mut Batch,
        putting: Putting<'_>,
        (tag, digest, content_type): (&str, Digest, &str),
        now: Timestamp,
    ) {
        let key = putting.package.file(FileKind::Tag, tag);
        let [repo, package, kind, path] = key.value();
        let put = [
            repo,
            package,
            kind,
            path,
            digest.into(),
            content_type.into(),
            "".into(),
            now.into(),
            putting.by.label().into(),
        ];
        batch.unless(NEW_TAG, put.clone(), |batch| {
            Self::state_begins(batch, key, &digest.into(), (putting.by, now));
            batch.run(PUT_FILE, put);
        });
    }
}
