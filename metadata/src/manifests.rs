//! Manifests bind blobs together, tags name them: each change is one batch.

use crate::audit::Object;
use crate::blobs::{NewBlob, Putting};
use crate::files::PackageKey;
use crate::trash::{Deletion, Place, TrashKind};
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Digest, FileKind};
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) const PUT_FILE: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', '', 0, '', '', '', '', 0, 0) \
    on conflict (repo, package, kind, path) do update set digest = excluded.digest, \
    content_type = excluded.content_type, metadata = excluded.metadata, \
    created_at = excluded.created_at, created_by = excluded.created_by";
const ADD_FILE: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', '', 0, '', '', '', '', 0, 0) \
    on conflict (repo, package, kind, path) do nothing";
/// A tag without a file and without a past.
pub(crate) const NEW_TAG: &str = "insert into files (repo, package, kind, path, digest, content_type, \
    metadata, created_at, created_by, version, etag, modified, checked_at, integrity, \
    derived_from, owner, lifetime, retired_at, used_at) \
    select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', '', 0, '', '', '', '', 0, 0 \
    where not exists (select 1 from history \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4) \
    on conflict (repo, package, kind, path) do nothing";
const REPLACE_TAG: &str = "update files set digest = ?4, content_type = ?5, created_at = ?6, \
    created_by = ?7 where repo = ?1 and package = ?2 and kind = 'tag' and path = ?3 \
    and digest = ?8";
const BIND: &str = "insert into edges (repo, package, parent, child, kind) \
    select repo, package, ?4, digest, 'blob' from files \
    where repo = ?1 and package = ?2 and kind = 'blob' and path = ?3 and not exists \
    (select 1 from blobs b where b.digest = ?3 and b.state in ('damaged', 'lost')) /*share*/ \
    on conflict (repo, package, parent, kind, child) do update set child = excluded.child";
pub(crate) const EDGE: &str = "insert into edges (repo, package, parent, child, kind) \
    values (?1, ?2, ?3, ?4, ?5) on conflict (repo, package, parent, kind, child) do nothing";
/// Changes a row unless a deleted repository of this name left the image's name reserved.
pub(crate) const BEGIN_PACKAGE: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    select ?1, ?2, ?3, ?5, ?4 where not exists (select 1 from reservations v \
    join repos r on r.protocol = v.protocol and r.name = v.repository \
    where r.id = ?1 and v.package = ?2) on conflict (repo, name) do update set \
    revision = packages.revision + 1, updated_at = excluded.updated_at";
/// How many manifests an image has, and the bytes of all its blobs, each once.
const IMAGE_SUMS: &str = "select t.digest, (select count(*) from edges where repo = ?1 and package = ?2 \
    and parent = t.digest and kind = 'manifest'), (select cast(coalesce(sum(b.size), 0) as bigint) \
    from blobs b where b.digest in (select e.child from edges e where e.repo = ?1 \
    and e.package = ?2 and e.kind = 'blob' and e.parent in (select t.digest union all select m.child \
    from edges m where m.repo = ?1 and m.package = ?2 and m.parent = t.digest and m.kind = 'manifest'))) \
    from (select distinct digest from files where repo = ?1 and package = ?2 and kind = 'tag' \
    and path >= ?3 and path <= ?4) t";
const REFERRERS: &str = "select e.parent, b.size, f.content_type, f.metadata from edges e \
    join files f on f.repo = e.repo and f.package = e.package and f.kind = 'manifest' \
    and f.path = e.parent join blobs b on b.digest = e.parent \
    where e.child = ?3 and e.repo = ?1 and e.package = ?2 and e.kind = 'subject' \
    and e.parent > ?4 order by e.parent limit ?5";
const TAGS_OF: &str = "select path from files \
    where repo = ?1 and package = ?2 and kind = 'tag' and digest = ?3";
pub(crate) const DROP_FILE: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4";
const DROP_TAG_IF: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'tag' and path = ?3 and digest = ?4";
const DROP_TAGS_OF: &str = "delete from files \
    where repo = ?1 and package = ?2 and kind = 'tag' and digest = ?3";
pub(crate) const DROP_EDGES_OF: &str =
    "delete from edges where repo = ?1 and package = ?2 and parent = ?3";
pub(crate) const TOUCH_PACKAGE: &str = "update packages set revision = revision + 1, updated_at = ?3 \
    where repo = ?1 and name = ?2";
pub(crate) const DROP_PACKAGE: &str = "delete from packages where repo = ?1 and name = ?2 and not exists \
    (select 1 from files where repo = ?1 and package = ?2 and kind = 'manifest')";
/// All tags of a manifest go away: their history says so.
const FIRST_OF_TAGS: &str = "insert into history (repo, package, kind, path, seen_at, digest, \
    checked_at, metadata, created_by) select repo, package, kind, path, created_at, digest, 0, '', \
    created_by from files f \
    where repo = ?1 and package = ?2 and kind = 'tag' and digest = ?3 and not exists \
    (select 1 from history h where h.repo = f.repo and h.package = f.package and h.kind = f.kind \
    and h.path = f.path) on conflict (repo, package, kind, path, seen_at) do nothing";
const END_TAGS_OF: &str = "update history set checked_at = ?4 where repo = ?1 and package = ?2 \
    and kind = 'tag' and checked_at = 0 and digest <> '' and path in \
    (select path from files where repo = ?1 and package = ?2 and kind = 'tag' and digest = ?3)";
const TAGS_OF_GONE: &str = "insert into history (repo, package, kind, path, seen_at, digest, \
    checked_at, metadata, created_by) select repo, package, kind, path, ?4, '', 0, '', ?5 from files \
    where repo = ?1 and package = ?2 and kind = 'tag' and digest = ?3 \
    on conflict (repo, package, kind, path, seen_at) do update set digest = '', checked_at = 0, \
    created_by = excluded.created_by";

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

/// What an image is made of, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ImageSum {
    /// Manifests of an index, most often one for each platform.
    pub manifests: u64,
    /// The bytes of configs and layers, each once.
    pub bytes: u64,
}

/// A manifest that names another as its subject.
#[derive(Clone, Debug)]
pub struct Referrer {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub content_type: Box<str>,
    /// What was noted when it was pushed, as JSON.
    pub metadata: Box<str>,
}

impl Metadata {
    /// Keeps a manifest: its bytes, its edges, its tags, its place among referrers, in one commit.
    /// [`Error::Unmet`]: a [`Requirement::Blob`] of it is not in the package or damaged, a
    /// [`Requirement::Tag`] is not as expected, or the image's name is reserved
    /// ([`Requirement::NameFree`]).
    pub async fn keep_manifest(&self, new: NewManifest<'_>) -> Result<(), Error> {
        let package = new.putting.package;
        let mut batch = Batch::at(package);
        let (digest, now) = (new.blob.digest, self.now());
        Self::bind(&mut batch, &new);
        self.blob_row(&mut batch, new.blob.clone());
        let file = |kind: FileKind, path: &str, metadata: &str| -> [Value; 9] {
            let [repo, package] = package.value();
            let (kind, path, content_type) = (kind.into(), path.into(), new.content_type.into());
            let (metadata, by) = (metadata.into(), new.putting.by.label().into());
            [
                repo,
                package,
                kind,
                path,
                digest.into(),
                content_type,
                metadata,
                now.into(),
                by,
            ]
        };
        let path = digest.to_string();
        batch.run(PUT_FILE, file(FileKind::Manifest, &path, new.metadata));
        for tag in new.tags {
            let key = package.file(FileKind::Tag, tag);
            let put = file(FileKind::Tag, tag, "");
            let begins = |batch: &mut Batch| {
                Self::state_begins(batch, key, &digest.into(), (new.putting.by, now));
            };
            match new.expect {
                Expect::Any => batch.unless(NEW_TAG, put.clone(), |batch| {
                    begins(batch);
                    batch.run(PUT_FILE, put);
                }),
                Expect::Absent => {
                    begins(&mut batch);
                    batch.require(Requirement::Tag, ADD_FILE, put);
                }
                Expect::Is(before) => {
                    begins(&mut batch);
                    let [repo, package, _, path, digest, content_type, _, now, by] = put;
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
                    batch.require(Requirement::Tag, REPLACE_TAG, values);
                }
            }
        }
        // A revision begins at a number never used before, so that one who remembers a removed
        // package is not misled.
        let revision = self.new_id();
        let [repo, name] = package.value();
        batch.unless(TOUCH_PACKAGE, [repo, name, now.into()], |batch| {
            let [repo, name] = package.value();
            let (full_name, revision) = (new.full_name.into(), revision.into());
            let values = [repo, name, full_name, now.into(), revision];
            batch.require(Requirement::NameFree, BEGIN_PACKAGE, values);
        });
        self.note_push(&mut batch, &new);
        self.sql.apply(batch).await
    }

    fn note_push(&self, batch: &mut Batch, new: &NewManifest<'_>) {
        let (by, object) = (new.putting.by, Object::Named(new.full_name));
        let digest = new.blob.digest.to_string();
        let pushed = match new.tags {
            [] => json!({"digest": digest}),
            tags => json!({"digest": digest, "tags": tags}),
        };
        self.note(batch, by, Action::ManifestPush, object, &pushed);
    }

    /// Edges from a manifest to all that it names.
    fn bind(batch: &mut Batch, new: &NewManifest<'_>) {
        let [repo, package] = new.putting.package.value();
        let digest = Value::from(new.blob.digest);
        let mut blobs = new.blobs.to_vec();
        blobs.sort_unstable(); // rows are locked in one order everywhere
        blobs.dedup();
        for blob in &blobs {
            // The package's row of the blob, which must be there, is what holds its bytes.
            let values = [repo.clone(), package.clone(), blob.into(), digest.clone()];
            batch.require(Requirement::Blob, BIND, values);
        }
        let manifests = new.manifests.iter().map(|child| (child, "manifest"));
        let absent = new.absent.iter().map(|child| (child, "blob"));
        let subject = new.subject.iter().map(|subject| (subject, "subject"));
        for (child, kind) in manifests.chain(absent).chain(subject) {
            let values = [
                repo.clone(),
                package.clone(),
                digest.clone(),
                child.into(),
                kind.into(),
            ];
            batch.run(EDGE, values);
        }
    }

    /// What the images are made of that tags from `first` to `last` name, by the digest of their
    /// manifest or index: as far as it is kept.
    pub async fn image_sums(
        &self,
        package: PackageKey<'_>,
        (first, last): (&str, &str),
    ) -> Result<BTreeMap<Digest, ImageSum>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, first.into(), last.into()];
        let read = |row: &mut Row| {
            let sum = ImageSum {
                manifests: row.count(1)?,
                bytes: row.count(2)?,
            };
            Ok((row.parsed(0)?, sum))
        };
        let mut rows = self.sql.scan(IMAGE_SUMS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// Manifests whose subject is `subject`, by digest after `after`, at most `limit`.
    pub async fn referrers(
        &self,
        package: PackageKey<'_>,
        subject: &Digest,
        after: &str,
        limit: u64,
    ) -> Result<Vec<Referrer>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, subject.into(), after.into(), limit.into()];
        let read = |row: &mut Row| {
            Ok(Referrer {
                digest: row.parsed(0)?,
                size: row.count(1)?,
                content_type: row.text(2)?,
                metadata: row.text(3)?,
            })
        };
        let mut rows = self.sql.scan(REFERRERS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// The tags of a manifest.
    pub async fn tags_of(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
    ) -> Result<Vec<Box<str>>, Error> {
        let [repo, package] = package.value();
        let values = vec![repo, package, digest.into()];
        let mut rows = self.sql.scan(TAGS_OF, values).await?;
        rows.iter_mut().map(|row| row.text(0)).collect()
    }

    /// Removes a tag, if it is `only` where that is given. [`Error::Unmet`] if the
    /// [`Requirement::Tag`] is not so.
    pub async fn drop_tag(
        &self,
        package: PackageKey<'_>,
        tag: &str,
        only: Option<&Digest>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        let key = package.file(FileKind::Tag, tag);
        let trash = self.trash(&mut batch, package, by_hand(TrashKind::Tag, tag, by));
        trash.is_about(&mut batch, FileKind::Tag, tag);
        trash.file(&mut batch, key, Place::Gone);
        trash.image_at(&mut batch, FileKind::Tag, tag);
        trash.end(&mut batch);
        Self::state_ends(&mut batch, key, (by, self.now()));
        match only {
            Some(digest) => {
                let [repo, package] = package.value();
                let values = [repo, package, tag.into(), digest.into()];
                batch.require(Requirement::Tag, DROP_TAG_IF, values);
            }
            None => batch.require(Requirement::Tag, DROP_FILE, key.value()),
        }
        let object = Object::Package(package);
        let details = json!({"tag": tag});
        self.note(&mut batch, by, Action::TagDelete, object, &details);
        self.package_changed(&mut batch, package);
        self.sql.apply(batch).await
    }

    /// Removes a manifest with all tags of it. [`Error::Unmet`] if the [`Requirement::Manifest`] is
    /// not there.
    pub async fn drop_manifest(
        &self,
        package: PackageKey<'_>,
        digest: &Digest,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        let path = digest.to_string();
        let key = package.file(FileKind::Manifest, &path);
        let trash = self.trash(&mut batch, package, by_hand(TrashKind::Manifest, "", by));
        trash.is_about(&mut batch, FileKind::Manifest, &path);
        trash.tags_of(&mut batch, digest);
        trash.image_at(&mut batch, FileKind::Manifest, &path);
        trash.end(&mut batch);
        batch.require(Requirement::Manifest, DROP_FILE, key.value());
        let object = Object::Package(package);
        let details = json!({"digest": path});
        self.note(&mut batch, by, Action::ManifestDelete, object, &details);
        let [repo, name] = package.value();
        let of = [repo, name, digest.into()];
        let [repo, name, digest] = of.clone();
        let at = [repo, name, digest, self.now().into()];
        batch.run(FIRST_OF_TAGS, of.clone());
        batch.run(END_TAGS_OF, at.clone());
        let [repo, name, digest, now] = at;
        batch.run(TAGS_OF_GONE, [repo, name, digest, now, by.label().into()]);
        batch.run(DROP_TAGS_OF, of.clone());
        batch.run(DROP_EDGES_OF, of);
        self.package_changed(&mut batch, package);
        self.sql.apply(batch).await
    }

    fn package_changed(&self, batch: &mut Batch, package: PackageKey<'_>) {
        let [repo, package] = package.value();
        batch.run(
            TOUCH_PACKAGE,
            [repo.clone(), package.clone(), self.now().into()],
        );
        batch.run(DROP_PACKAGE, [repo, package]);
    }
}

/// Something of an image that somebody deletes by hand.
fn by_hand<'a>(what: TrashKind, version: &'a str, by: &'a dyn Author) -> Deletion<'a> {
    Deletion {
        what,
        version,
        reason: "",
        by,
    }
}
