//! A database as it was found: of whatever version, perhaps empty.

use crate::lookups::Lookups;
use crate::snapshot::Snapshot;
use crate::statements::Statements;
use crate::{Error, Sql, ids, migrate, postgres, sqlite};
use larder_model::{Clock, Timestamp};
use std::path::Path;
use std::sync::Arc;

/// A database that is open, and not yet brought to this program's version.
pub struct Database {
    pub(crate) sql: Arc<dyn Sql>,
    pub(crate) ids: Arc<ids::Ids>,
    pub(crate) clock: Clock,
    /// `None` where other servers write to the same database.
    pub(crate) lookups: Option<Arc<Lookups>>,
    pub(crate) statements: Arc<Statements>,
}

impl Database {
    /// A SQLite database in the file `path`, made if need be. `readers`: connections kept for
    /// reading.
    pub fn sqlite(path: &Path, readers: usize, clock: Clock) -> Result<Self, Error> {
        let (lookups, statements) = (Arc::default(), Arc::default());
        let told = (Arc::clone(&lookups), Arc::clone(&statements));
        let sqlite = sqlite::Sqlite::open(path, readers, &clock, told)?;
        Ok(Self::over(
            Arc::new(sqlite),
            clock,
            Some(lookups),
            statements,
        ))
    }

    /// A PostgreSQL database at `url`. `connections`: size of the pool.
    pub fn postgres(url: &str, connections: usize, clock: Clock) -> Result<Self, Error> {
        let statements = Arc::default();
        let postgres = postgres::Postgres::open(url, connections, Arc::clone(&statements))?;
        Ok(Self::over(Arc::new(postgres), clock, None, statements))
    }

    fn over(
        sql: Arc<dyn Sql>,
        clock: Clock,
        lookups: Option<Arc<Lookups>>,
        statements: Arc<Statements>,
    ) -> Self {
        Self {
            sql,
            ids: Arc::default(),
            clock,
            lookups,
            statements,
        }
    }

    /// The version of its schema, if this program's is newer and it is not empty: it would be
    /// migrated.
    pub async fn version_before(&self) -> Result<Option<i64>, Error> {
        let found = migrate::version(self.sql.as_ref()).await?;
        Ok(Some(found).filter(|found| *found > 0 && *found < migrate::newest()))
    }

    /// The state of all tables as it is now.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Snapshot::of(self.sql.as_ref()).await
    }

    /// A new id: unique, and sorted by the time of its making.
    pub fn new_id(&self) -> i64 {
        self.ids.next(self.clock.now())
    }

    /// The present moment, by the clock that was handed in.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Copies the SQLite database in the file `from` to the file `to`, which must not be there, durably.
/// No server may have it open. Blocking.
pub fn copy_sqlite(from: &Path, to: &Path, clock: &Clock) -> Result<(), Error> {
    sqlite::copy(from, to, clock)
}
