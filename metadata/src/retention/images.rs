//! An image's rows as rules decide on them, and what rules let go of it.

use crate::audit::Object;
use crate::files::PackageKey;
use crate::jobs::HeldJob;
use crate::manifests::{DROP_EDGES_OF, DROP_FILE, DROP_PACKAGE};
use crate::publishing::GO_ON;
use crate::trash::{Deletion, Place, TrashKind};
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Digest, FileKind, Timestamp};
use serde_json::json;
use std::collections::HashMap;

const FILES: &str = "select f.kind, f.path, f.digest, f.created_at, f.used_at, b.size from files f \
    join blobs b on b.digest = f.digest where f.repo = ?1 and f.package = ?2 \
    and f.kind in ('tag', 'manifest', 'blob') order by f.kind, f.path";
const EDGES: &str = "select parent, child, kind from edges where repo = ?1 and package = ?2";
/// When a tag of a manifest last went, or was moved.
const TAGS_ENDED: &str = "select digest, max(checked_at) from history \
    where repo = ?1 and package = ?2 and kind = 'tag' and digest <> '' and checked_at > 0 \
    group by digest";

/// A tag, a manifest or a blob of an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageFile {
    /// What it is.
    pub kind: FileKind,
    /// Its path: a tag, or the digest.
    pub path: Box<str>,
    /// What it is or stands for.
    pub digest: Digest,
    /// When it was pushed last.
    pub created_at: Timestamp,
    /// When it was read last; zero: never, as far as is known.
    pub used_at: Timestamp,
    /// Of a manifest, when a tag of it last went; zero: none did.
    pub untagged_at: Timestamp,
    /// The size of the bytes.
    pub size: u64,
}

/// A manifest names something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageEdge {
    /// The manifest.
    pub parent: Digest,
    /// What it names.
    pub child: Digest,
    /// As what: `blob`, `manifest`, `subject`.
    pub kind: Box<str>,
}

/// An image's rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImageRows {
    /// The revision at which they were read: what is decided on them is done at that alone.
    pub revision: i64,
    /// Its tags, manifests and blobs.
    pub files: Vec<ImageFile>,
    /// What its manifests name.
    pub edges: Vec<ImageEdge>,
}

/// A tag, or a manifest without one, that a rule lets go, with all that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct RuledOut<'a> {
    /// The tag; `None`: the manifest has none.
    pub tag: Option<&'a str>,
    /// What it stands for.
    pub digest: Digest,
    /// Further tags that go with it.
    pub attached: &'a [Box<str>],
    /// Manifests that go with it.
    pub manifests: &'a [Digest],
    /// Why: a sentence.
    pub reason: &'a str,
}

impl ImageFile {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            kind: row.parsed(0)?,
            path: row.text(1)?,
            digest: row.parsed(2)?,
            created_at: Timestamp(row.int(3)?),
            used_at: Timestamp(row.int(4)?),
            untagged_at: Timestamp::default(),
            size: row.count(5)?,
        })
    }
}

impl Metadata {
    /// The rows of an image; `None`: it is not there.
    pub async fn image_rows(&self, package: PackageKey<'_>) -> Result<Option<ImageRows>, Error> {
        // The revision is first, so that what changes meanwhile is noticed.
        let Some(revision) = self.revision(package).await? else {
            return Ok(None);
        };
        let key = || package.value().to_vec();
        let mut rows = self.sql.scan(FILES, key()).await?;
        let mut files: Vec<ImageFile> = rows
            .iter_mut()
            .map(ImageFile::read)
            .collect::<Result<_, _>>()?;
        let mut ended: HashMap<Digest, Timestamp> = HashMap::new();
        for row in &mut self.sql.scan(TAGS_ENDED, key()).await? {
            ended.insert(row.parsed(0)?, Timestamp(row.int(1)?));
        }
        for file in files
            .iter_mut()
            .filter(|file| file.kind == FileKind::Manifest)
        {
            file.untagged_at = ended.get(&file.digest).copied().unwrap_or_default();
        }
        let read = |row: &mut Row| {
            Ok(ImageEdge {
                parent: row.parsed(0)?,
                child: row.parsed(1)?,
                kind: row.text(2)?,
            })
        };
        let mut rows = self.sql.scan(EDGES, key()).await?;
        let edges = rows.iter_mut().map(read).collect::<Result<_, Error>>()?;
        Ok(Some(ImageRows {
            revision,
            files,
            edges,
        }))
    }

    /// Removes what rules let go of an image, at the revision at which that was decided; all of it
    /// can be restored. [`Error::Unmet`]: the image has changed ([`Requirement::Revision`]), or the
    /// job is another server's ([`Requirement::Job`]). [`Error::Immutable`]: something of it stays.
    pub async fn remove_from_image(
        &self,
        package: PackageKey<'_>,
        revision: i64,
        removals: &[RuledOut<'_>],
        (held, by): (&HeldJob, &dyn Author),
    ) -> Result<(), Error> {
        let mut batch = Batch::at(package);
        held.require(&mut batch);
        let [repo, name] = package.value();
        let values = [repo, name, revision.into(), self.now().into()];
        batch.require(Requirement::Revision, GO_ON, values);
        for removal in removals {
            self.trash_ruled_out(&mut batch, package, removal, by);
            self.remove_ruled_out(&mut batch, package, removal, by);
        }
        batch.run(DROP_PACKAGE, package.value());
        self.sql.apply(batch).await
    }

    fn trash_ruled_out(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        removal: &RuledOut<'_>,
        by: &dyn Author,
    ) {
        let (what, version) = match removal.tag {
            Some(tag) => (TrashKind::Tag, tag),
            None => (TrashKind::Manifest, ""),
        };
        let deletion = Deletion {
            what,
            version,
            reason: removal.reason,
            by,
        };
        let path = removal.digest.to_string();
        let trash = self.trash(batch, package, deletion);
        match removal.tag {
            Some(tag) => trash.is_about(batch, FileKind::Tag, tag),
            None => trash.is_about(batch, FileKind::Manifest, &path),
        }
        trash.image_at(batch, FileKind::Manifest, &path);
        let attached = removal.attached.iter().map(|tag| &**tag);
        for tag in removal.tag.into_iter().chain(attached) {
            trash.file(batch, package.file(FileKind::Tag, tag), Place::Gone);
            trash.image_at(batch, FileKind::Tag, tag);
        }
        trash.end(batch);
    }

    fn remove_ruled_out(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        removal: &RuledOut<'_>,
        by: &dyn Author,
    ) {
        let object = Object::Package(package);
        let attached = removal.attached.iter().map(|tag| &**tag);
        for tag in removal.tag.into_iter().chain(attached) {
            let key = package.file(FileKind::Tag, tag);
            Self::state_ends(batch, key, (by, self.now()));
            batch.require(Requirement::Tag, DROP_FILE, key.value());
            let details = json!({"tag": tag, "reason": removal.reason});
            self.note(batch, by, Action::TagDelete, object, &details);
        }
        for digest in removal.manifests {
            let path = digest.to_string();
            let key = package.file(FileKind::Manifest, &path);
            batch.require(Requirement::Manifest, DROP_FILE, key.value());
            let [repo, name] = package.value();
            batch.run(DROP_EDGES_OF, [repo, name, Value::from(*digest)]);
            let details = json!({"digest": path, "reason": removal.reason});
            self.note(batch, by, Action::ManifestDelete, object, &details);
        }
    }
}
