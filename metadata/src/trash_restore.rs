//! What was deleted is put back: all of it, or nothing.

use crate::files::PackageKey;
use crate::listing::{VersionBy, VersionPage};
use crate::manifests::BEGIN_PACKAGE;
use crate::publishing::{FORGET_COMPOSED, GO_ON};
use crate::repos::RepoRecord;
use crate::trash::{TrashEntry, TrashKind, forget_entry, require_entry};
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Digest, FileKind};

/// How often a restore is made anew because the package changed meanwhile.
const TRIES: u32 = 16;

/// A name comes with the package's first file.
const ROWS: &str = "select package, kind, path, version, digest, place, moved_to from trash_files \
    where trash = ?1 and place in ('gone', 'moved') and kind <> 'name' order by package, kind, path";
const IS_IMAGE: &str = "select 1 from trash_files where trash = ?1 \
    and (kind in ('manifest', 'blob') or (kind = 'tag' and version = '')) limit 1";

/// Puts rows back; those of blobs of images begin to be told of now.
macro_rules! put_back {
    ($rest:literal, $there:literal) => {
        concat!(
            "insert into files (repo, package, kind, path, digest, content_type, metadata, \
             created_at, created_by, version, etag, modified, checked_at, integrity, derived_from, \
             owner, lifetime, retired_at, used_at) select repo, package, kind, path, digest, \
             content_type, metadata, created_at, created_by, version, '', '', \
             case kind when 'blob' then cast(?2 as bigint) else 0 end, '', '', owner, '', 0, used_at \
             from trash_files where trash = ?1 and ",
            $rest,
            " on conflict (repo, package, kind, path) do ",
            $there
        )
    };
}

const PUT_BACK: &str = put_back!("package = ?3 and kind = ?4 and path = ?5", "nothing");
/// What is there still is promised anew, so a collection that looks at it meanwhile waits, and sees it.
const PUT_BACK_NEEDED: &str = put_back!(
    "place = 'needed'",
    "update set checked_at = case when excluded.checked_at > files.checked_at \
     then excluded.checked_at else files.checked_at end"
);
const PUT_BACK_EDGES: &str = "insert into edges (repo, package, parent, child, kind) \
    select ?2, ?3, parent, child, kind from trash_edges where trash = ?1 \
    on conflict (repo, package, parent, kind, child) do nothing";
const SET_TAG_BACK: &str = "update files set \
    digest = (select t.digest from trash_files t where t.trash = ?4 and t.package = ?2 \
    and t.kind = 'tag' and t.path = ?3), \
    version = (select t.version from trash_files t where t.trash = ?4 and t.package = ?2 \
    and t.kind = 'tag' and t.path = ?3), created_at = ?5, created_by = ?6 \
    where repo = ?1 and package = ?2 and kind = 'tag' and path = ?3";
const FREE: &str = "delete from files where repo = ?1 and package = ?2 and kind = 'tombstone' \
    and path in (select t.path from trash_files t where t.trash = ?3 and t.place = 'reserved')";

/// What came of a restore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Restoration {
    /// It is back.
    Done,
    /// A name of it is taken meanwhile, and nothing was changed: which, as `the tag v1`.
    Taken(String),
}

/// A row that is put back by itself.
struct Lost {
    package: Box<str>,
    kind: FileKind,
    path: Box<str>,
    version: Box<str>,
    digest: Digest,
    /// The tag was set to this; `None`: the row was deleted.
    moved_to: Option<Digest>,
}

impl Lost {
    fn read(row: &mut Row) -> Result<Self, Error> {
        let moved = &*row.text(5)? == "moved";
        Ok(Self {
            package: row.text(0)?,
            kind: row.parsed(1)?,
            path: row.text(2)?,
            version: row.text(3)?,
            digest: row.parsed(4)?,
            moved_to: if moved { Some(row.parsed(6)?) } else { None },
        })
    }
}

/// What becomes of a row.
enum Plan {
    PutBack,
    SetBack,
    /// What is there stays.
    Leave,
}

impl Metadata {
    /// Puts what an entry of the trash has back, with the bytes that it holds. A tag of packages that
    /// points elsewhere by now stays there. [`Error::Unmet`]: the [`Requirement::Trash`] is gone,
    /// or the package's name is reserved ([`Requirement::NameFree`]).
    pub async fn restore(
        &self,
        repo: &RepoRecord,
        id: i64,
        by: &dyn Author,
    ) -> Result<Restoration, Error> {
        for _ in 1..TRIES {
            match self.try_restore(repo, id, by).await {
                Err(Error::Unmet(Requirement::Revision | Requirement::File | Requirement::Tag)) => {
                }
                outcome => return outcome,
            }
        }
        self.try_restore(repo, id, by).await
    }

    async fn try_restore(
        &self,
        repo: &RepoRecord,
        id: i64,
        by: &dyn Author,
    ) -> Result<Restoration, Error> {
        // What is to come back, and what is there.
        let entry = self.trash_entry(repo.id, id).await?;
        let entry = entry.ok_or(Error::Unmet(Requirement::Trash))?;
        let package = entry.key();
        let revision = self.revision(package).await?;
        let mut rows = self.sql.scan(ROWS, vec![id.into()]).await?;
        let lost: Vec<Lost> = rows.iter_mut().map(Lost::read).collect::<Result<_, _>>()?;
        let is_image = !self.sql.rows(IS_IMAGE, &[id.into()]).await?.is_empty();
        let mut plans = Vec::with_capacity(lost.len());
        for row in &lost {
            match self.plan(&entry, row).await? {
                Ok(plan) => plans.push(plan),
                Err(taken) => return Ok(Restoration::Taken(taken)),
            }
        }
        // All of it in one commit, at the revision that was looked at.
        let mut batch = Batch::at(package);
        require_entry(&mut batch, id);
        let full_name = format!("{}/{}", repo.full_name(), entry.package);
        self.begin_again(&mut batch, package, (revision, is_image), &full_name, by);
        for (row, plan) in lost.iter().zip(&plans) {
            self.put_back(&mut batch, &entry, row, plan, by);
        }
        let [repo_id, name] = package.value();
        let told_at = self.shared_now_estimate();
        batch.run(PUT_BACK_NEEDED, [id.into(), told_at.into()]);
        batch.run(PUT_BACK_EDGES, [id.into(), repo_id.clone(), name.clone()]);
        batch.run(FREE, [repo_id, name, id.into()]);
        batch.run(FORGET_COMPOSED, package.value());
        if lost.iter().any(|row| row.package != entry.package) {
            self.touch_index(&mut batch, repo.id, &format!("{}/", repo.full_name()));
        }
        self.note_trash(&mut batch, by, Action::TrashRestore, &entry);
        forget_entry(&mut batch, id);
        self.sql.apply(batch).await?;
        Ok(Restoration::Done)
    }

    /// The package goes on from its revision, or begins anew.
    fn begin_again(
        &self,
        batch: &mut Batch,
        package: PackageKey<'_>,
        (revision, is_image): (Option<i64>, bool),
        full_name: &str,
        by: &dyn Author,
    ) {
        let [repo, name] = package.value();
        let now = Value::from(self.now());
        match revision {
            Some(revision) => {
                let values = [repo, name, revision.into(), now];
                batch.require(Requirement::Revision, GO_ON, values);
            }
            None if is_image => {
                let values = [repo, name, full_name.into(), now, self.new_id().into()];
                batch.require(Requirement::NameFree, BEGIN_PACKAGE, values);
            }
            None => self.begin_package(batch, package, full_name, by),
        }
    }

    /// What becomes of a row; of a name that is taken, which.
    async fn plan(&self, entry: &TrashEntry, row: &Lost) -> Result<Result<Plan, String>, Error> {
        let package = PackageKey {
            repo: entry.repo,
            package: &row.package,
        };
        let there = self.find(package.file(row.kind, &row.path)).await?;
        if let Some(moved_to) = row.moved_to {
            let is_moved = there.is_some_and(|there| there.digest == moved_to);
            return Ok(Ok(if is_moved { Plan::SetBack } else { Plan::Leave }));
        }
        if row.kind == FileKind::Tag {
            let is_image = row.version.is_empty();
            return Ok(match there {
                None => Ok(Plan::PutBack),
                Some(there) if is_image && there.digest == row.digest => Ok(Plan::Leave),
                Some(_) if !is_image && entry.what != TrashKind::Tag => Ok(Plan::Leave),
                Some(_) => Err(format!("the tag {}", row.path)),
            });
        }
        if there.is_some() {
            return Ok(Err(format!("the path {}", row.path)));
        }
        if !row.version.is_empty() && self.has_version(package, &row.version).await? {
            return Ok(Err(format!("the version {}", row.version)));
        }
        Ok(Ok(Plan::PutBack))
    }

    async fn has_version(&self, package: PackageKey<'_>, version: &str) -> Result<bool, Error> {
        let page = VersionPage {
            prefix: version,
            after: "",
            limit: 1,
        };
        let found = self.versions_of(package, VersionBy::Version, page).await?;
        Ok(found.first().is_some_and(|found| &*found.name == version))
    }

    fn put_back(
        &self,
        batch: &mut Batch,
        entry: &TrashEntry,
        row: &Lost,
        plan: &Plan,
        by: &dyn Author,
    ) {
        let (id, now) = (Value::from(entry.id), self.now());
        let package = PackageKey {
            repo: entry.repo,
            package: &row.package,
        };
        let key = package.file(row.kind, &row.path);
        match plan {
            Plan::Leave => {}
            Plan::PutBack => {
                Self::state_begins_anew(batch, key, &row.digest.into(), (by, now));
                let [_, name, kind, path] = key.value();
                let required = match row.kind {
                    FileKind::Tag => Requirement::Tag,
                    _ => Requirement::File,
                };
                let told_at = self.shared_now_estimate().into();
                batch.require(required, PUT_BACK, [id, told_at, name, kind, path]);
            }
            Plan::SetBack => {
                Self::state_begins(batch, key, &row.digest.into(), (by, now));
                let [repo, name, _, path] = key.value();
                let by = by.label().into();
                batch.require(
                    Requirement::Tag,
                    SET_TAG_BACK,
                    [repo, name, path, id, now.into(), by],
                );
            }
        }
    }
}
