//! The past of every name that moves: documents, tags, published files. Each state has the moment
//! at which it was seen first and, once another took its place, the moment at which it was confirmed
//! last. A name that went away has a state without a digest. The only state of a name that never
//! changed is its file's row: a push of something new writes no past.
//!
//! What happens to a name, what its file's row says then, and the rows of its past, the newest last
//! (`checked_at` 0: until now):
//!
//! | what | file | past |
//! | --- | --- | --- |
//! | put as A | A | |
//! | put as B | B | A until then, B |
//! | gone | | A, B until then, gone |
//! | put as C | C | A, B, gone, C |
//!
//! It is recorded for views of the past; so far only tests read it ([`Metadata::states`]).

use crate::files::FileKey;
use crate::{Batch, Error, Metadata, Row, Value};
use larder_model::{Author, Digest, System, Timestamp};

/// The newest state of a name.
macro_rules! newest {
    () => {
        "seen_at = (select max(seen_at) from history \
         where repo = ?1 and package = ?2 and kind = ?3 and path = ?4)"
    };
}

/// Of a file that was there before its past was recorded, the present state is the first.
const FIRST: &str = "insert into history (repo, package, kind, path, seen_at, digest, checked_at, \
    metadata, created_by) select repo, package, kind, path, created_at, digest, 0, '', created_by \
    from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and not exists \
    (select 1 from history where repo = ?1 and package = ?2 and kind = ?3 and path = ?4) \
    on conflict (repo, package, kind, path, seen_at) do nothing";
/// The state before ends, if it has another digest. What an upstream confirms was confirmed last
/// when its file was; what is published here held until now. The file's row has its metadata for as
/// long as it is the present one.
const END: &str = concat!(
    "update history set checked_at = coalesce((select case when f.checked_at = 0 then ?6 \
     when f.checked_at > history.seen_at then f.checked_at else history.seen_at end from files f \
     where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4), history.seen_at), \
     metadata = coalesce((select f.metadata from files f \
     where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4), '') \
     where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and checked_at = 0 \
     and digest <> '' and digest <> ?5 and ",
    newest!()
);
/// The next state begins, if it is another one. The first is told by its file, until that changes.
const BEGIN: &str = concat!(
    "insert into history (repo, package, kind, path, seen_at, digest, checked_at, metadata, \
     created_by) select ?1, ?2, ?3, ?4, ?6, ?5, 0, '', ?7 where exists (select 1 from history \
     where repo = ?1 and package = ?2 and kind = ?3 and path = ?4) and not exists \
     (select 1 from history where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 \
     and digest = ?5 and checked_at = 0 and ",
    newest!(),
    ") on conflict (repo, package, kind, path, seen_at) do update set \
     digest = excluded.digest, metadata = '', checked_at = 0, created_by = excluded.created_by"
);
/// The same bytes with other metadata.
const BEGIN_SAME: &str = "insert into history (repo, package, kind, path, seen_at, digest, \
    checked_at, metadata, created_by) select repo, package, kind, path, ?5, digest, 0, '', ?6 \
    from files \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 \
    on conflict (repo, package, kind, path, seen_at) do update set checked_at = 0, metadata = '', \
    created_by = excluded.created_by";
/// A name that was gone is back, if its file still has the bytes.
const BACK: &str = concat!(
    "insert into history (repo, package, kind, path, seen_at, digest, checked_at, metadata, \
     created_by) select f.repo, f.package, f.kind, f.path, ?6, f.digest, 0, '', ?7 from files f \
     where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4 and f.digest = ?5 \
     and exists (select 1 from history \
     where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and digest = '' and ",
    newest!(),
    ") on conflict (repo, package, kind, path, seen_at) do update set \
     digest = excluded.digest, metadata = '', checked_at = 0, created_by = excluded.created_by"
);
const GONE: &str = concat!(
    "insert into history (repo, package, kind, path, seen_at, digest, checked_at, metadata, \
     created_by) select ?1, ?2, ?3, ?4, ?5, '', 0, '', ?6 where exists (select 1 from history \
     where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and digest <> '' and ",
    newest!(),
    ") on conflict (repo, package, kind, path, seen_at) do update set \
     digest = '', metadata = '', checked_at = 0, created_by = excluded.created_by"
);
/// A file of which nothing was promised: what it had is told by its past alone once it is let go. That is
/// not the upstream's past, which is forgotten after a time.
const REMEMBER: &str = "insert into history (repo, package, kind, path, seen_at, digest, checked_at, \
    metadata, created_by) select repo, package, kind, path, created_at, digest, ?5, '', 'larder' \
    from files f where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and integrity = '' \
    and not exists (select 1 from history h where h.repo = f.repo and h.package = f.package \
    and h.kind = f.kind and h.path = f.path and h.digest = f.digest) \
    on conflict (repo, package, kind, path, seen_at) do nothing";
const FIRST_BYTES: &str = "select digest from history where repo = ?1 and package = ?2 and kind = ?3 \
    and path = ?4 and digest <> '' order by seen_at limit 1";
/// Where a name never changed its file tells its only state.
const STATES: &str = "select * from (select h.digest as digest, h.seen_at as seen_at, \
    case when h.checked_at > 0 or h.digest = '' or f.digest is null then h.checked_at \
    when f.checked_at = 0 then ?7 when f.checked_at > h.seen_at then f.checked_at \
    else h.seen_at end as checked_at, \
    case when h.checked_at > 0 or f.digest is null then h.metadata else f.metadata end as metadata, \
    h.created_by as created_by \
    from history h left join files f on f.repo = h.repo and f.package = h.package \
    and f.kind = h.kind and f.path = h.path and f.digest = h.digest \
    where h.repo = ?1 and h.package = ?2 and h.kind = ?3 and h.path = ?4 and h.seen_at < ?5 \
    union all select f.digest, f.created_at, \
    case when f.checked_at = 0 then ?7 when f.checked_at > f.created_at then f.checked_at \
    else f.created_at end, f.metadata, f.created_by from files f join repos r on r.id = f.repo \
    where f.repo = ?1 and f.package = ?2 and f.kind = ?3 and f.path = ?4 and f.created_at < ?5 \
    and (f.kind = 'tag' or (f.kind = 'document' and f.lifetime = '') \
    or (f.kind = 'artifact' and r.kind = 'hosted')) \
    and not exists (select 1 from history \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4)) states \
    order by seen_at desc limit ?6";

/// What a movable name stood for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastState {
    /// The bytes; `None`: the name was gone.
    pub digest: Option<Digest>,
    /// When it was seen first.
    pub seen_at: Timestamp,
    /// When it was confirmed last. Of the present state this grows.
    pub checked_at: Timestamp,
    /// What was noted of it, as JSON; empty if nothing.
    pub metadata: Box<str>,
    /// Who made it so.
    pub created_by: Box<str>,
}

impl Metadata {
    /// A name stands for other bytes, or for the first. Goes into the batch before the file's row is
    /// changed; does nothing where the bytes stay the same.
    pub(crate) fn state_begins(
        batch: &mut Batch,
        key: FileKey<'_>,
        digest: &Value,
        (by, now): (&dyn Author, Timestamp),
    ) {
        let [repo, package, kind, path] = key.value();
        let ends = [repo, package, kind, path, digest.clone(), now.into()];
        batch.run(FIRST, key.value());
        batch.run(END, ends);
        Self::state_begins_anew(batch, key, digest, (by, now));
    }

    /// The same for a name without a file: no state before it can end.
    pub(crate) fn state_begins_anew(
        batch: &mut Batch,
        key: FileKey<'_>,
        digest: &Value,
        (by, now): (&dyn Author, Timestamp),
    ) {
        let [repo, package, kind, path] = key.value();
        let by = by.label().into();
        let values = [repo, package, kind, path, digest.clone(), now.into(), by];
        batch.run(BEGIN, values);
    }

    /// A name that was gone stands for these bytes again. Does nothing where it was not gone, or
    /// where its file has other bytes by now.
    pub(crate) fn state_returns(
        batch: &mut Batch,
        key: FileKey<'_>,
        digest: &Digest,
        (by, now): (&dyn Author, Timestamp),
    ) {
        let [repo, package, kind, path] = key.value();
        let (digest, now, by) = (digest.into(), now.into(), by.label().into());
        batch.run(BACK, [repo, package, kind, path, digest, now, by]);
    }

    /// A file gets other metadata. Goes into the batch before its row is changed.
    pub(crate) fn metadata_changes(
        batch: &mut Batch,
        key: FileKey<'_>,
        (by, now): (&dyn Author, Timestamp),
    ) {
        Self::present_ends(batch, key, now);
        let [repo, package, kind, path] = key.value();
        let by = by.label().into();
        batch.run(BEGIN_SAME, [repo, package, kind, path, now.into(), by]);
    }

    /// A name goes away. Goes into the batch before the file's row is removed; does nothing where
    /// it is gone already.
    pub(crate) fn state_ends(
        batch: &mut Batch,
        key: FileKey<'_>,
        (by, now): (&dyn Author, Timestamp),
    ) {
        Self::present_ends(batch, key, now);
        let [repo, package, kind, path] = key.value();
        let by = by.label().into();
        batch.run(GONE, [repo, package, kind, path, now.into(), by]);
    }

    fn present_ends(batch: &mut Batch, key: FileKey<'_>, now: Timestamp) {
        batch.run(FIRST, key.value());
        Self::state_is_let_go(batch, key, now);
    }

    /// A file of an upstream goes from here, not from there: of a name that has a past the present
    /// state was confirmed last when its file was. Goes into the batch before the row is removed.
    pub(crate) fn state_is_let_go(batch: &mut Batch, key: FileKey<'_>, now: Timestamp) {
        let [repo, package, kind, path] = key.value();
        let no_digest = Value::from("-"); // every state has another one than this
        batch.run(END, [repo, package, kind, path, no_digest, now.into()]);
    }

    /// An artifact of a mirror goes, which can come again: where nothing but its first bytes tells what
    /// it is, their digest stays. Goes into the batch before the row is removed.
    pub(crate) fn artifact_is_let_go(batch: &mut Batch, key: FileKey<'_>, now: Timestamp) {
        let [repo, package, kind, path] = key.value();
        batch.run(REMEMBER, [repo, package, kind, path, now.into()]);
    }

    /// The digest of the first bytes that an artifact had which was let go, if nothing else told what
    /// they were.
    pub async fn first_bytes(&self, key: FileKey<'_>) -> Result<Option<Digest>, Error> {
        let mut rows = self.sql.scan(FIRST_BYTES, key.value().to_vec()).await?;
        rows.first_mut().map(|row| row.parsed(0)).transpose()
    }

    /// Notes that an upstream does not have a name any more; its file stays. Does nothing where
    /// that is known.
    pub async fn name_is_gone(&self, key: FileKey<'_>) -> Result<(), Error> {
        let mut batch = Batch::default();
        Self::state_ends(&mut batch, key, (&System::Upstream, self.now()));
        self.sql.apply(batch).await
    }

    /// The states of a name before `before`, the newest first, at most `limit`.
    pub async fn states(
        &self,
        key: FileKey<'_>,
        before: Timestamp,
        limit: u64,
    ) -> Result<Vec<PastState>, Error> {
        let [repo, package, kind, path] = key.value();
        let now = self.now().into();
        let values = vec![repo, package, kind, path, before.into(), limit.into(), now];
        let read = |row: &mut Row| {
            let digest = row.text(0)?;
            Ok(PastState {
                digest: Some(digest)
                    .filter(|digest| !digest.is_empty())
                    .map(|digest| digest.parse())
                    .transpose()
                    .map_err(|_| Error::Shape("a state's digest cannot be read".to_owned()))?,
                seen_at: Timestamp(row.int(1)?),
                checked_at: Timestamp(row.int(2)?),
                metadata: row.text(3)?,
                created_by: row.text(4)?,
            })
        };
        let mut rows = self.sql.scan(STATES, values).await?;
        rows.iter_mut().map(read).collect()
    }
}
