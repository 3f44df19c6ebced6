//! All SQL: one text for two databases, behind a narrow trait.
//!
//! Knows: tables, statements, migrations, the two drivers, how a batch becomes one durable commit.
//! Must never know: HTTP, protocols' dialects, where bytes lie, who may do what.
//!
//! Reads are single statements. A write is a [`Batch`]: statements with demands on their row
//! counts, all or none. There are no interactive transactions, so SQLite's one writer and
//! PostgreSQL's pool look alike.

pub mod blobs;
mod error;
pub mod files;
pub mod hosted;
mod ids;
pub mod index;
pub mod listing;
mod lookups;
mod migrate;
pub mod mirrored;
pub mod people;
mod postgres;
pub mod repos;
pub mod settings;
mod sql;
mod sqlite;
pub mod suite;
pub mod uploads;
mod value;

pub use error::Error;
pub use sql::{Batch, Sql};
pub use value::{Row, Value};

use larder_model::{Clock, Timestamp};
use lookups::Lookups;
use std::path::Path;
use std::sync::Arc;

/// The database, with typed methods in the modules of this room. Cheap to share.
#[derive(Clone)]
pub struct Metadata {
    sql: Arc<dyn Sql>,
    ids: Arc<ids::Ids>,
    clock: Clock,
    /// `None` where other servers write to the same database.
    lookups: Option<Arc<Lookups>>,
}

impl Metadata {
    /// A SQLite database in the file `path`, made and migrated if need be. `readers`: connections
    /// kept for reading.
    pub async fn sqlite(path: &Path, readers: usize, clock: Clock) -> Result<Self, Error> {
        let lookups = Arc::default();
        let sqlite = sqlite::Sqlite::open(path, readers, Arc::clone(&lookups))?;
        Self::over(Arc::new(sqlite), clock, Some(lookups)).await
    }

    /// A PostgreSQL database at `url`, migrated if need be. `connections`: size of the pool.
    pub async fn postgres(url: &str, connections: usize, clock: Clock) -> Result<Self, Error> {
        Self::over(
            Arc::new(postgres::Postgres::open(url, connections)?),
            clock,
            None,
        )
        .await
    }

    async fn over(
        sql: Arc<dyn Sql>,
        clock: Clock,
        lookups: Option<Arc<Lookups>>,
    ) -> Result<Self, Error> {
        migrate::run(sql.as_ref()).await?;
        Ok(Self {
            sql,
            ids: Arc::default(),
            clock,
            lookups,
        })
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
