//! When files were read last: noted in memory by whoever serves them, written down in batches. A
//! read never writes.

use crate::keys::FileKey;
use crate::records::FileRecord;
use crate::{Batch, Error, Metadata};

const WRITE: &str = "update files set used_at = ?5 \
    where repo = ?1 and package = ?2 and kind = ?3 and path = ?4 and used_at < ?5";

/// Uses written in one batch.
const BATCH: usize = 1000;

impl Metadata {
    /// Notes that a file is read now. Costs next to nothing; [`Self::write_uses`] writes it down.
    pub fn note_use(&self, key: FileKey<'_>, record: &FileRecord) {
        let now = self.now();
        if record.used.is_due(now) {
            self.uses.note(key, now);
        }
    }

    /// Writes down what was noted since the last time. How many uses there were.
    pub async fn write_uses(&self) -> Result<usize, Error> {
        let uses = self.uses.take();
        for part in uses.chunks(BATCH) {
            let mut batch = Batch::default();
            for (used, at) in part {
                let package = used.package.as_ref().into();
                let path = used.path.as_ref().into();
                let values = [
                    used.repo.into(),
                    package,
                    used.kind.into(),
                    path,
                    (*at).into(),
                ];
                batch.run(WRITE, values);
            }
            self.sql.apply(batch).await?;
        }
        Ok(uses.len())
    }
}
