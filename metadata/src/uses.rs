//! When files were read last and how often they were downloaded: noted in memory by whoever serves
//! them, written down in batches. A read never writes.

use crate::keys::FileKey;
use crate::records::FileRecord;
use crate::use_marks::Waiting;
use crate::{Batch, Error, Metadata, Value};
use larder_model::{FileKind, Timestamp};

const WRITE: &str = "update files set used_at = ?5 \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and used_at < ?5";
/// The file itself, where what was read is an address of it in the whole repository.
const WRITE_OWNER: &str = "update files set used_at = ?3 \
    where repo = ?1 and kind = 'artifact' and used_at < ?3 and (package, digest) in \
    (select owner, digest from files where repo = ?1 and package = '' and kind = 'artifact' \
    and path = ?2 and owner <> '')";
/// The manifest that a tag stands for.
const WRITE_TAGGED: &str = "update files set used_at = ?4 \
    where repo = ?1 and package = ?2 and kind = 'manifest' and used_at < ?4 and path = \
    (select digest from files where repo = ?1 and package = ?2 and kind = 'tag' and path = ?3)";
const COUNT: &str = "insert into downloads (repo, package, version, day, count) \
    select repo, package, case when kind = 'artifact' then version else path end, ?5, ?6 \
    from files where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 \
    and (kind in ('tag', 'manifest') or version <> '') \
    on conflict (repo, package, version, day) do update set count = downloads.count + excluded.count";
const COUNT_OWNER: &str = "insert into downloads (repo, package, version, day, count) \
    select f.repo, f.package, f.version, ?3, ?4 from files a \
    join files f on f.repo = a.repo and f.package = a.owner and f.kind = 'artifact' \
    and f.digest = a.digest and f.version <> '' \
    where a.repo = ?1 and a.package = '' and a.kind = 'artifact' and a.path = ?2 \
    and a.owner <> '' group by f.repo, f.package, f.version \
    on conflict (repo, package, version, day) do update set count = downloads.count + excluded.count";

/// The day under which downloads of all days are counted together.
pub(crate) const ALL_DAYS: i64 = 0;

/// Files written in one batch.
const BATCH: usize = 500;

impl Metadata {
    /// Notes that a file is read now. Costs next to nothing; [`Self::write_uses`] writes it down.
    pub fn note_use(&self, key: FileKey<'_>, record: &FileRecord) {
        let now = self.now();
        if record.used.is_due(now) {
            self.uses.note(key, now);
        }
    }

    /// Notes that a file is downloaded now. Costs little more; [`Self::write_uses`] counts it for
    /// the version that the file belongs to.
    pub fn note_download(&self, key: FileKey<'_>) {
        self.uses.note_download(key, self.now());
    }

    /// The same for a file that was found: where its record stays in memory it costs next to nothing.
    pub fn note_download_of(&self, key: FileKey<'_>, record: &FileRecord) {
        let now = self.now();
        if self.lookups.is_some() {
            self.uses.note_download_in(&record.downloads, key, now);
        } else {
            self.uses.note_download(key, now);
        }
    }

    /// Writes down what was noted since the last time. Of how many files that was. What cannot be
    /// written waits for the next time.
    pub async fn write_uses(&self) -> Result<usize, Error> {
        let uses = self.uses.take(self.now());
        for (at, part) in uses.chunks(BATCH).enumerate() {
            let mut batch = Batch::default();
            for waiting in part {
                write(&mut batch, waiting);
            }
            if let Err(error) = self.sql.apply(batch).await {
                self.uses.put_back(&uses[at * BATCH..]);
                return Err(error);
            }
        }
        Ok(uses.len())
    }
}

fn write(batch: &mut Batch, waiting: &Waiting) {
    let file = &waiting.file;
    let [repo, package, kind, path] = file.key().value();
    let is_address = file.package.is_empty() && file.kind == FileKind::Artifact;
    if waiting.used_at > Timestamp(0) {
        let at: Value = waiting.used_at.into();
        let (repo, package, path) = (repo.clone(), package.clone(), path.clone());
        if is_address {
            batch.run(WRITE_OWNER, [repo.clone(), path.clone(), at.clone()]);
        }
        if file.kind == FileKind::Tag {
            let tag = [repo.clone(), package.clone(), path.clone(), at.clone()];
            batch.run(WRITE_TAGGED, tag);
        }
        batch.run(WRITE, [repo, package, kind.clone(), path, at]);
    }
    for (day, count) in &waiting.downloads {
        for day in [*day, ALL_DAYS] {
            let (day, count): (Value, Value) = (day.into(), (*count).into());
            let (repo, package, path) = (repo.clone(), package.clone(), path.clone());
            if is_address {
                let address = [repo.clone(), path.clone(), day.clone(), count.clone()];
                batch.run(COUNT_OWNER, address);
            }
            batch.run(COUNT, [repo, package, kind.clone(), path, day, count]);
        }
    }
}

#[cfg(test)]
mod tests;
