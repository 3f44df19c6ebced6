//! The database with its typed methods, which stand in the modules of this room.

use crate::announced::AnnouncedBytes;
use crate::database::Database;
use crate::lookups::Lookups;
use crate::snapshot::Snapshot;
use crate::statements::Statements;
use crate::use_marks::Uses;
use crate::{Error, Sql, ids, migrate, upgrade};
use larder_model::{Clock, Timestamp};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The database. Cheap to share.
#[derive(Clone)]
pub struct Metadata {
    pub(crate) sql: Arc<dyn Sql>,
    ids: Arc<ids::Ids>,
    clock: Clock,
    /// Microseconds by which the clock that all servers share is ahead of `clock`, as last seen.
    ahead: Arc<AtomicI64>,
    /// `None` where other servers write to the same database.
    pub(crate) lookups: Option<Arc<Lookups>>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) announced: AnnouncedBytes,
    statements: Arc<Statements>,
}

impl Metadata {
    /// A SQLite database in the file `path`, made and migrated if need be. `readers`: connections
    /// kept for reading.
    pub async fn sqlite(path: &Path, readers: usize, clock: Clock) -> Result<Self, Error> {
        Self::of(Database::sqlite(path, readers, clock)?).await
    }

    /// A PostgreSQL database at `url`, migrated if need be. `connections`: size of the pool.
    pub async fn postgres(url: &str, connections: usize, clock: Clock) -> Result<Self, Error> {
        Self::of(Database::postgres(url, connections, clock)?).await
    }

    /// A database that is open, migrated if need be.
    pub async fn of(database: Database) -> Result<Self, Error> {
        migrate::run(database.sql.as_ref()).await?;
        upgrade::run(database.sql.as_ref()).await?;
        let metadata = Self {
            sql: database.sql,
            ids: database.ids,
            clock: database.clock,
            ahead: Arc::default(),
            lookups: database.lookups,
            uses: Arc::default(),
            announced: AnnouncedBytes::default(),
            statements: database.statements,
        };
        metadata.shared_now().await?;
        Ok(metadata)
    }

    /// The present moment by the clock that all servers of the database share.
    pub async fn shared_now(&self) -> Result<Timestamp, Error> {
        let own = self.now();
        let shared = self.sql.time(own).await?;
        self.ahead.store(shared.0 - own.0, Ordering::Relaxed);
        Ok(shared)
    }

    /// The same without asking the database: as the two clocks stood to each other when it was asked
    /// last, which every server does every few seconds.
    pub fn shared_now_estimate(&self) -> Timestamp {
        Timestamp(self.now().0 + self.ahead.load(Ordering::Relaxed))
    }

    /// The state of all tables as it is now. Writers are not held up while it is read.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Snapshot::of(self.sql.as_ref()).await
    }

    /// The same database at another time: for checks of what time does.
    pub(crate) fn with_clock(&self, clock: Clock) -> Self {
        Self {
            clock,
            ids: Arc::default(), // of that time
            ahead: Arc::default(),
            ..self.clone()
        }
    }

    /// The same database as another server sees it, which remembers for itself: for checks.
    pub(crate) fn beside(&self) -> Self {
        Self {
            uses: Arc::default(),
            ..self.clone()
        }
    }

    /// What was asked of the database.
    pub fn statements(&self) -> Arc<Statements> {
        Arc::clone(&self.statements)
    }

    /// Whether the database answers and takes writes.
    pub async fn ping(&self) -> Result<(), Error> {
        self.sql.ping().await
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
