//! A second connection for writing, whose triggers count for quotas: made when a batch needs it first.

use super::connection::connect;
use crate::Error;
use crate::sql::Batch;
use larder_model::Clock;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

pub(super) const TRIGGERS: &str = include_str!("counting.sql");
const IS_COUNTED: &str = "select 1 from quota_repos where repo = ?1 limit 1";

pub(super) struct Counting {
    path: PathBuf,
    clock: Clock,
    connection: Option<Connection>,
}

impl Counting {
    pub(super) fn of(path: &Path, clock: &Clock) -> Self {
        Self {
            path: path.to_owned(),
            clock: clock.clone(),
            connection: None,
        }
    }

    pub(super) const fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Whether batches that are to be one transaction change what is counted, or what is to be
    /// counted; then the connection is there. `plain`: the other one.
    pub(super) fn is_for<'a>(
        &mut self,
        plain: &Connection,
        mut batches: impl Iterator<Item = &'a Batch>,
    ) -> Result<bool, Error> {
        let counts = batches.try_fold(false, |counts, batch| {
            Ok::<_, Error>(counts || is_counted(plain, batch)?)
        })?;
        if counts && self.connection.is_none() {
            let connection = connect(&self.path, true, &self.clock)?;
            connection.execute_batch(TRIGGERS)?;
            self.connection = Some(connection);
        }
        Ok(counts)
    }
}

fn is_counted(plain: &Connection, batch: &Batch) -> Result<bool, Error> {
    if batch.quotas || batch.everywhere {
        return Ok(true);
    }
    for (repo, _) in &batch.places {
        if plain.prepare_cached(IS_COUNTED)?.exists([repo])? {
            return Ok(true);
        }
    }
    Ok(false)
}
