//! Databases of older versions: everything that they have is found under its new name, also where
//! the program was stopped while it brought them up to date.

mod rows;

mod files;
mod past;
mod server;
mod trail;

use super::clock;
use crate::lookups::Lookups;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::whole::{Catalog, Frozen, Load};
use crate::{Batch, Error, Metadata, Row, Sql, Value, migrate, upgrade};
use async_trait::async_trait;
use larder_model::Timestamp;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

/// The last schema whose rows had no kinds.
const UNTYPED: usize = 3;
/// The first schema whose rows have kinds.
const TYPED: usize = 4;

/// Where empty databases come from.
pub enum Databases {
    /// Files in a folder.
    Sqlite(PathBuf),
    /// A server: makes a database of that name, and tells its URL.
    Postgres(Box<dyn Fn(&str) -> String + Send + Sync>),
}

/// A database of a scenario.
enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Databases {
    fn make(&self, name: &str) -> Database {
        match self {
            Self::Sqlite(folder) => Database::Sqlite(folder.join(name)),
            Self::Postgres(make) => Database::Postgres(make(name)),
        }
    }
}

impl Database {
    /// The database as it is.
    fn sql(&self) -> Arc<dyn Sql> {
        match self {
            Self::Sqlite(path) => {
                let lookups: Arc<Lookups> = Arc::default();
                Arc::new(Sqlite::open(path, 2, &clock(), (lookups, Arc::default())).expect("open"))
            }
            Self::Postgres(url) => Arc::new(Postgres::open(url, 2, Arc::default()).expect("open")),
        }
    }

    /// The database as this version opens it.
    async fn open(&self) -> Metadata {
        let opened = match self {
            Self::Sqlite(path) => Metadata::sqlite(path, 2, clock()).await,
            Self::Postgres(url) => Metadata::postgres(url, 2, clock()).await,
        };
        opened.expect("open")
    }

    /// Fills it as an older version did.
    async fn fill(&self, schema: usize) -> Arc<dyn Sql> {
        let sql = self.sql();
        migrate::to(sql.as_ref(), schema).await.expect("migrate");
        sql.apply(rows::all()).await.expect("fill");
        sql
    }
}

/// A database that cannot be reached any more after so many batches.
struct StopsAfter {
    sql: Arc<dyn Sql>,
    batches: AtomicUsize,
}

#[async_trait]
impl Sql for StopsAfter {
    async fn rows(&self, text: &'static str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.sql.rows(text, values).await
    }

    async fn scan(&self, text: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.sql.scan(text, values).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), Error> {
        let one_less = |left: usize| left.checked_sub(1);
        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
        match self.batches.fetch_update(set, get, one_less) {
            Ok(_) => self.sql.apply(batch).await,
            Err(_) => Err(Error::Unavailable("stopped".into())),
        }
    }

    async fn script(&self, text: String) -> Result<(), Error> {
        self.sql.script(text).await
    }

    fn matcher(&self, pattern: &str) -> String {
        self.sql.matcher(pattern)
    }

    fn dialect(&self) -> &'static str {
        self.sql.dialect()
    }

    async fn freeze(&self) -> Result<Box<dyn Frozen>, Error> {
        self.sql.freeze().await
    }

    async fn load(&self, steps: Receiver<Load>) -> Result<(), Error> {
        self.sql.load(steps).await
    }

    fn catalog(&self) -> Catalog {
        self.sql.catalog()
    }

    fn spelling(&self) -> [(&'static str, &'static str); 4] {
        self.sql.spelling()
    }

    async fn time(&self, own: Timestamp) -> Result<Timestamp, Error> {
        self.sql.time(own).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.sql.ping().await
    }
}

async fn assert_everything_is_there(metadata: &Metadata) {
    // Those of files change settings.
    for check in [server::CHECKS, past::CHECKS, files::CHECKS].concat() {
        (check.run)(metadata).await;
    }
}

async fn the_schema_before_is_brought_up_to_date(databases: Arc<Databases>) {
    let database = databases.make("untyped");
    drop(database.fill(UNTYPED).await);
    assert_everything_is_there(&database.open().await).await;
}

async fn the_schema_before_that_is_brought_up_to_date(databases: Arc<Databases>) {
    let database = databases.make("unlisted");
    drop(database.fill(UNTYPED - 1).await);
    assert_everything_is_there(&database.open().await).await;
}

async fn a_database_that_is_up_to_date_stays_as_it_is(databases: Arc<Databases>) {
    let database = databases.make("twice");
    drop(database.fill(UNTYPED).await);
    drop(database.open().await);
    assert_everything_is_there(&database.open().await).await;
}

async fn a_migration_that_fails_changes_nothing(databases: Arc<Databases>) {
    let database = databases.make("failed");
    let sql = database.fill(UNTYPED).await;
    // In the way of the last table that it makes.
    let script = "create table reservations (id bigint)".to_owned();
    sql.script(script).await.expect("script");
    assert!(migrate::run(sql.as_ref()).await.is_err());
    let script = "drop table reservations".to_owned();
    sql.script(script).await.expect("script");
    drop(sql);
    assert_everything_is_there(&database.open().await).await;
}

async fn a_start_that_stops_after_the_migration_goes_on(databases: Arc<Databases>) {
    let database = databases.make("migrated");
    let sql = database.fill(UNTYPED).await;
    migrate::to(sql.as_ref(), TYPED).await.expect("migrate");
    drop(sql);
    assert_everything_is_there(&database.open().await).await;
}

async fn a_start_that_stops_after_any_row_goes_on(databases: Arc<Databases>) {
    for rows in 0.. {
        let database = databases.make(&format!("stopped-{rows}"));
        let sql = database.fill(UNTYPED).await;
        migrate::to(sql.as_ref(), TYPED).await.expect("migrate");
        let stops = StopsAfter {
            sql,
            batches: rows.into(),
        };
        let finished = upgrade::run(&stops).await.is_ok();
        drop(stops);
        assert_everything_is_there(&database.open().await).await;
        if finished {
            assert_eq!(rows, rows::JSON_ROWS);
            return;
        }
    }
}

async fn many_that_start_at_once_bring_it_up_to_date_once(databases: Arc<Databases>) {
    let Databases::Postgres(_) = *databases else {
        return; // a file has one server
    };
    let database = Arc::new(databases.make("many"));
    drop(database.fill(UNTYPED).await);
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let database = Arc::clone(&database);
        starting.spawn(async move { drop(database.open().await) });
    }
    while let Some(started) = starting.join_next().await {
        started.expect("open");
    }
    assert_everything_is_there(&database.open().await).await;
}

async fn an_audit_trail_of_one_table_stays_whole(databases: Arc<Databases>) {
    let database = databases.make("trail");
    let sql = database.sql();
    migrate::to(sql.as_ref(), trail::ONE_TABLE)
        .await
        .expect("migrate");
    trail::fill(sql.as_ref()).await;
    drop(sql);
    trail::assert_whole(&database.open().await).await;
}

type Run = fn(Arc<Databases>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! scenarios {
    ($($scenario:ident),* $(,)?) => {
        const SCENARIOS: &[(&str, Run)] = &[$((
            stringify!($scenario),
            |databases| Box::pin($scenario(databases)),
        ),)*];

        #[cfg(test)]
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let folder = tempfile::tempdir().expect("folder");
                let databases = super::Databases::Sqlite(folder.path().to_owned());
                super::$scenario(databases.into()).await;
            })*
        }
    };
}

scenarios![
    the_schema_before_is_brought_up_to_date,
    the_schema_before_that_is_brought_up_to_date,
    a_database_that_is_up_to_date_stays_as_it_is,
    a_migration_that_fails_changes_nothing,
    a_start_that_stops_after_the_migration_goes_on,
    a_start_that_stops_after_any_row_goes_on,
    many_that_start_at_once_bring_it_up_to_date_once,
    an_audit_trail_of_one_table_stays_whole,
];

/// Runs all scenarios, each on databases of its own. Fails with the names of those that failed.
pub async fn all(databases: Databases) {
    let databases = Arc::new(databases);
    let mut failed = Vec::new();
    for (name, run) in SCENARIOS {
        if tokio::spawn(run(Arc::clone(&databases))).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "these scenarios failed: {failed:#?}");
}

#[cfg(test)]
mod tests;
