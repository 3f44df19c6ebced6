//! What was deleted and can be restored. A deletion puts copies of the rows that it takes away here,
//! in its own commit; their digests hold the bytes. After a while they go for good.
//!
//! Hosted repositories have one: what a mirror forgets comes again from its upstream.

use crate::audit::Object;
use crate::jobs::HeldJob;
use crate::keys::{FileKey, PackageKey};
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::retention::TRASH;
use larder_model::{Action, Author, Digest, FileKind, Timestamp};
use serde_json::json;

/// How far what belongs to a manifest is followed: parts of parts, and what is about what is about it.
const DEPTH: usize = 6;

/// Begins nothing where the repository is no hosted one, or has no trash.
const BEGIN: &str = "insert into trash (id, repo, package, what, version, digest, deleted_by, reason, \
    deleted_at, expires_at, bytes, files) select ?1, r.id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
    ?9 + coalesce(t.trash_for, ?10), 0, 0 from repos r left join retention t on t.repo = r.id \
    where r.id = ?2 and r.kind = 'hosted' and coalesce(t.trash_for, ?10) > 0";

/// A copy of a file's row; `$place` and `$moved_to` say what a restore does with it.
macro_rules! copy {
    ($place:literal, $moved_to:literal, $from:literal) => {
        concat!(
            "insert into trash_files (trash, repo, package, kind, path, place, moved_to, digest, \
             content_type, metadata, created_at, created_by, version, owner, used_at) \
             select t.id, f.repo, f.package, f.kind, f.path, ",
            $place,
            ", ",
            $moved_to,
            ", f.digest, f.content_type, f.metadata, f.created_at, f.created_by, f.version, f.owner, \
             f.used_at from ",
            $from,
            " on conflict (trash, package, kind, path) do nothing"
        )
    };
}

const FILE: &str = copy!(
    "?6",
    "?7",
    "trash t join files f on f.repo = ?2 and f.package = ?3 and f.kind = ?4 and f.path = ?5 \
     where t.id = ?1"
);
const TAGS_OF: &str = copy!(
    "'gone'",
    "''",
    "trash t join files f on f.repo = ?2 and f.package = ?3 and f.kind = 'tag' and f.digest = ?4 \
     where t.id = ?1"
);
/// The manifest that a tag or a digest stands for.
const MANIFEST_AT: &str = copy!(
    "'needed'",
    "''",
    "trash t join files n on n.repo = ?2 and n.package = ?3 and n.kind = ?4 and n.path = ?5 \
     join files f on f.repo = n.repo and f.package = n.package and f.kind = 'manifest' \
     and f.path = n.digest where t.id = ?1"
);
/// What the manifests of the entry name.
const PARTS: &str = copy!(
    "'needed'",
    "''",
    "trash t join trash_files n on n.trash = t.id and n.kind = 'manifest' \
     join edges e on e.repo = n.repo and e.package = n.package and e.parent = n.path \
     and e.kind <> 'subject' join files f on f.repo = e.repo and f.package = e.package \
     and f.kind in ('manifest', 'blob') and f.path = e.child where t.id = ?1"
);
/// What is about the manifests of the entry.
const REFERRERS: &str = copy!(
    "'needed'",
    "''",
    "trash t join trash_files n on n.trash = t.id and n.kind = 'manifest' \
     join edges e on e.child = n.path and e.repo = n.repo and e.package = n.package \
     and e.kind = 'subject' join files f on f.repo = e.repo and f.package = e.package \
     and f.kind = 'manifest' and f.path = e.parent where t.id = ?1"
);
/// What moves is what was deleted, and may be another by the time of a restore; all else is what that needs.
const ALL: &str = copy!(
    "case when f.kind in ('tag', 'document') then 'gone' else 'needed' end",
    "''",
    "trash t join files f on f.repo = ?2 and f.package = ?3 \
     and f.kind in ('tag', 'manifest', 'blob', 'document', 'artifact') where t.id = ?1"
);
const EDGES: &str = "insert into trash_edges (trash, parent, child, kind) \
    select f.trash, e.parent, e.child, e.kind from trash_files f join edges e \
    on e.repo = f.repo and e.package = f.package and e.parent = f.path \
    where f.trash = ?1 and f.kind = 'manifest' \
    on conflict (trash, parent, kind, child) do nothing";
const DIGEST: &str = "update trash set digest = coalesce((select f.digest from files f \
    where f.repo = ?2 and f.package = ?3 and f.kind = ?4 and f.path = ?5), '') where id = ?1";
const OF_VERSIONS: &str = "update trash set \
    what = case when (select count(distinct f.version) from trash_files f where f.trash = ?1 \
    and f.place = 'gone' and f.kind = 'artifact' and f.version <> '') = 1 \
    then 'version' else 'package' end, \
    version = coalesce((select case when min(f.version) = max(f.version) then max(f.version) \
    else '' end from trash_files f where f.trash = ?1 and f.place = 'gone' \
    and f.kind = 'artifact' and f.version <> ''), '') where id = ?1";
const END: &str = "update trash set files = (select count(*) from trash_files f \
    where f.trash = ?1 and f.place in ('gone', 'needed')), \
    bytes = (select cast(coalesce(sum(b.size), 0) as bigint) from blobs b where b.digest in \
    (select f.digest from trash_files f where f.trash = ?1 and f.place in ('gone', 'needed'))) \
    where id = ?1";

/// An entry's row.
macro_rules! entries {
    ($where:literal) => {
        concat!(
            "select id, repo, package, what, version, digest, deleted_by, reason, deleted_at, \
             expires_at, bytes, files from trash where ",
            $where
        )
    };
}

const OF_REPO: &str = entries!("repo = ?1 and id < ?2 order by id desc limit ?3");
const ONE: &str = entries!("repo = ?1 and id = ?2");
const EXPIRED: &str =
    entries!("(expires_at, id) > (?2, ?3) and expires_at <= ?1 order by expires_at, id limit ?4");
/// Digests that only entries have whose time is over, this one first of all.
const LAST_OF: &str = "select b.digest, b.size from blobs b where b.digest in \
    (select f.digest from trash_files f where f.trash = ?1) \
    and not exists (select 1 from files f where f.digest = b.digest) \
    and not exists (select 1 from trash_files f join trash t on t.id = f.trash \
    where f.digest = b.digest and t.id <> ?1 and (t.expires_at > ?2 or t.id < ?1)) \
    order by b.digest";
/// Takes the row's lock: of two who restore or delete an entry one finds it gone.
const IS_THERE: &str = "update trash set files = files where id = ?1";
const DROP_FILES: &str = "delete from trash_files where trash = ?1";
const DROP_EDGES: &str = "delete from trash_edges where trash = ?1";
const DROP: &str = "delete from trash where id = ?1";
pub(crate) const DROP_FILES_OF_REPO: &str =
    "delete from trash_files where trash in (select id from trash where repo = ?1)";
pub(crate) const DROP_EDGES_OF_REPO: &str =
    "delete from trash_edges where trash in (select id from trash where repo = ?1)";
pub(crate) const DROP_OF_REPO: &str = "delete from trash where repo = ?1";

/// What was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrashKind {
    /// A package with all that it had.
    Package,
    /// A version of a package.
    Version,
    /// A tag.
    Tag,
    /// A manifest, with its tags.
    Manifest,
}

impl TrashKind {
    /// Its word, in the database and in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Version => "version",
            Self::Tag => "tag",
            Self::Manifest => "manifest",
        }
    }

    fn read(word: &str) -> Result<Self, Error> {
        let all = [Self::Package, Self::Version, Self::Tag, Self::Manifest];
        let found = all.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| Error::Shape(format!("the trash has a {word}")))
    }
}

/// What was deleted together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrashEntry {
    /// Its id.
    pub id: i64,
    /// The repository's id.
    pub repo: i64,
    /// The package.
    pub package: Box<str>,
    /// What it was.
    pub what: TrashKind,
    /// Its version; of an image the tag; empty: it had none, or is more than one.
    pub version: Box<str>,
    /// Of an image, the manifest that was deleted or that the tag stood for.
    pub digest: Option<Digest>,
    /// Who deleted it.
    pub deleted_by: Box<str>,
    /// Why, where a rule said so.
    pub reason: Box<str>,
    /// When.
    pub deleted_at: Timestamp,
    /// When it goes for good.
    pub expires_at: Timestamp,
    /// The bytes of all its files.
    pub bytes: u64,
    /// How many files.
    pub files: u64,
}

impl TrashEntry {
    /// The package that it was of.
    pub fn key(&self) -> PackageKey<'_> {
        PackageKey {
            repo: self.repo,
            package: &self.package,
        }
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let digest = row.text(5)?;
        let bad = |_| Error::Shape("the trash has a digest that is none".to_owned());
        Ok(Self {
            id: row.int(0)?,
            repo: row.int(1)?,
            package: row.text(2)?,
            what: TrashKind::read(&row.text(3)?)?,
            version: row.text(4)?,
            digest: (!digest.is_empty())
                .then(|| digest.parse())
                .transpose()
                .map_err(bad)?,
            deleted_by: row.text(6)?,
            reason: row.text(7)?,
            deleted_at: Timestamp(row.int(8)?),
            expires_at: Timestamp(row.int(9)?),
            bytes: row.count(10)?,
            files: row.count(11)?,
        })
    }
}

/// Something that is about to be deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deletion<'a> {
    /// What it is.
    pub(crate) what: TrashKind,
    /// Its version or tag; empty: none, or more than one.
    pub(crate) version: &'a str,
    /// The rule's sentence; empty: somebody deletes it by hand.
    pub(crate) reason: &'a str,
    /// Who deletes it.
    pub(crate) by: &'a dyn Author,
}

/// What a restore does with a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// Puts it back.
    Gone,
    /// Sets the tag back, if it is still what the deletion made of it.
    Moved(&'a Value),
    /// Takes the tombstone away.
    Reserved,
}

/// An entry of the trash to which rows are added before they go.
pub(crate) struct Trashing<'a> {
    id: i64,
    package: PackageKey<'a>,
}

impl Metadata {
    /// Begins an entry for what the batch is about to delete of a package.
    pub(crate) fn trash<'a>(
        &self,
        batch: &mut Batch,
        package: PackageKey<'a>,
        deletion: Deletion<'_>,
    ) -> Trashing<'a> {
        let id = self.new_id();
        let [repo, name] = package.value();
        let default = i64::try_from(TRASH.as_micros()).unwrap_or(i64::MAX);
        let values = [
            id.into(),
            repo,
            name,
            deletion.what.word().into(),
            deletion.version.into(),
            "".into(),
            deletion.by.label().into(),
            deletion.reason.into(),
            self.now().into(),
            default.into(),
        ];
        batch.run(BEGIN, values);
        Trashing { id, package }
    }
}

impl Trashing<'_> {
    /// A file of the package, or of the whole repository where it is its address.
    pub(crate) fn file(&self, batch: &mut Batch, key: FileKey<'_>, place: Place<'_>) {
        let [repo, package, kind, path] = key.value();
        let (place, moved_to) = match place {
            Place::Gone => ("gone", Value::from("")),
            Place::Moved(digest) => ("moved", digest.clone()),
            Place::Reserved => ("reserved", Value::from("")),
        };
        let values = [
            self.id.into(),
            repo,
            package,
            kind,
            path,
            place.into(),
            moved_to,
        ];
        batch.run(FILE, values);
    }

    /// All tags of a manifest.
    pub(crate) fn tags_of(&self, batch: &mut Batch, digest: &Digest) {
        let [repo, package] = self.package.value();
        batch.run(TAGS_OF, [self.id.into(), repo, package, digest.into()]);
    }

    /// What a tag or a digest stands for; what belongs to it comes at the [end](Self::end).
    pub(crate) fn image_at(&self, batch: &mut Batch, kind: FileKind, path: &str) {
        let [repo, package, kind, path] = self.package.file(kind, path).value();
        batch.run(MANIFEST_AT, [self.id.into(), repo, package, kind, path]);
    }

    /// The manifest that the entry is about is what a tag or a digest stands for.
    pub(crate) fn is_about(&self, batch: &mut Batch, kind: FileKind, path: &str) {
        let [repo, package, kind, path] = self.package.file(kind, path).value();
        batch.run(DIGEST, [self.id.into(), repo, package, kind, path]);
    }

    /// The entry is about the versions whose artifacts it has.
    pub(crate) fn is_of_versions(&self, batch: &mut Batch) {
        batch.run(OF_VERSIONS, [self.id.into()]);
    }

    /// The entry is all of an image.
    pub(crate) fn end_with_all(self, batch: &mut Batch) {
        let [repo, package] = self.package.value();
        batch.run(ALL, [self.id.into(), repo, package]);
        batch.run(EDGES, [self.id.into()]);
        batch.run(END, [self.id.into()]);
    }

    /// The entry is whole: all that its manifests need, what they name, its size.
    pub(crate) fn end(self, batch: &mut Batch) {
        // Nothing is read but the rows of the entry and what they name: one recursive statement would
        // be read through all edges of the image, by both databases.
        for _ in 0..DEPTH {
            batch.run(PARTS, [self.id.into()]);
            batch.run(REFERRERS, [self.id.into()]);
        }
        batch.run(EDGES, [self.id.into()]);
        batch.run(END, [self.id.into()]);
    }
}

/// Has a batch change something only while an entry is there. [`Error::Unmet`]: the
/// [`Requirement::Trash`] is gone already.
pub(crate) fn require_entry(batch: &mut Batch, id: i64) {
    batch.require(Requirement::Trash, IS_THERE, [id.into()]);
}

/// Takes an entry out of the trash.
pub(crate) fn forget_entry(batch: &mut Batch, id: i64) {
    for text in [DROP_FILES, DROP_EDGES, DROP] {
        batch.run(text, [id.into()]);
    }
}

impl Metadata {
    /// What was deleted of a repository, the newest first, older than the entry of id `before`.
    pub async fn trash_of(
        &self,
        repo: i64,
        before: Option<i64>,
        limit: u64,
    ) -> Result<Vec<TrashEntry>, Error> {
        let values = vec![repo.into(), before.unwrap_or(i64::MAX).into(), limit.into()];
        let mut rows = self.sql.scan(OF_REPO, values).await?;
        rows.iter_mut().map(TrashEntry::read).collect()
    }

    /// An entry of a repository's trash; `None`: there is none of this id.
    pub async fn trash_entry(&self, repo: i64, id: i64) -> Result<Option<TrashEntry>, Error> {
        let mut rows = self.sql.rows(ONE, &[repo.into(), id.into()]).await?;
        rows.first_mut().map(TrashEntry::read).transpose()
    }

    /// Deletes an entry for good; its bytes are collected. [`Error::Unmet`]: the
    /// [`Requirement::Trash`] is gone already.
    pub async fn drop_trash(&self, entry: &TrashEntry, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        require_entry(&mut batch, entry.id);
        self.note_trash(&mut batch, by, Action::TrashDelete, entry);
        forget_entry(&mut batch, entry.id);
        self.sql.apply(batch).await
    }

    pub(crate) fn note_trash(
        &self,
        batch: &mut Batch,
        by: &dyn Author,
        action: Action,
        entry: &TrashEntry,
    ) {
        let digest = entry.digest.map(|digest| digest.to_string());
        let details = json!({
            "id": entry.id.to_string(),
            "what": entry.what.word(),
            "version": entry.version,
            "digest": digest,
        });
        self.note(batch, by, action, Object::Package(entry.key()), &details);
    }

    /// Entries whose time is over, the oldest first, behind `after`.
    pub async fn expired_trash(
        &self,
        now: Timestamp,
        after: Option<&TrashEntry>,
        limit: u64,
    ) -> Result<Vec<TrashEntry>, Error> {
        let since = after.map_or(Timestamp(i64::MIN), |it| it.expires_at);
        let id = after.map_or(i64::MIN, |it| it.id);
        let values = vec![now.into(), since.into(), id.into(), limit.into()];
        let mut rows = self.sql.scan(EXPIRED, values).await?;
        rows.iter_mut().map(TrashEntry::read).collect()
    }

    /// Digests, with their sizes, that are nobody's once all entries are gone whose time is over at
    /// `now`, an entry of which this is: each is told of for one of them.
    pub async fn freed_with(
        &self,
        entry: &TrashEntry,
        now: Timestamp,
    ) -> Result<Vec<(Digest, u64)>, Error> {
        let values = vec![entry.id.into(), now.into()];
        let mut rows = self.sql.scan(LAST_OF, values).await?;
        rows.iter_mut()
            .map(|row| Ok((row.parsed(0)?, row.count(1)?)))
            .collect()
    }

    /// Lets an entry go whose time is over. [`Error::Unmet`]: the [`Requirement::Trash`] is gone
    /// already, or the job is another server's ([`Requirement::Job`]).
    pub async fn expire_trash(&self, held: &HeldJob, entry: &TrashEntry) -> Result<(), Error> {
        let mut batch = Batch::default();
        held.require(&mut batch);
        require_entry(&mut batch, entry.id);
        forget_entry(&mut batch, entry.id);
        self.sql.apply(batch).await
    }
}
