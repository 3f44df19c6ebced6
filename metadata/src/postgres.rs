//! PostgreSQL: a pool; each batch is a transaction of its own, tried again when it meets another.

mod judged;
mod rows;

mod whole;

use rows::{parameters, read};

use crate::sql::{Batch, Progress};
use crate::statements::Statements;
use crate::whole::{Catalog, Frozen, Load};
use crate::{Error, Row, Sql, Value};
use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use larder_model::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;

/// How often a transaction that met another is tried.
const TRIES: u32 = 8;
/// Only one server migrates at a time: the key of the advisory lock.
const MIGRATION_LOCK: &str = "select pg_advisory_xact_lock(70707070)";

/// What is wrong with a standby, and with a database that somebody closed.
const READ_ONLY: &str = "the database takes no writes: it is a standby, or read-only";

/// In microseconds.
const CLOCK: &str = "select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";

pub(crate) struct Postgres {
    pool: Pool,
    /// Statement texts with `$1` for `?1`, made once each.
    texts: Mutex<HashMap<&'static str, Arc<str>>>,
    statements: Arc<Statements>,
}

impl Postgres {
    pub(crate) fn open(
        url: &str,
        connections: usize,
        statements: Arc<Statements>,
    ) -> Result<Self, Error> {
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|error| Error::Database(Box::new(error)))?;
        config
            .application_name("larder")
            .connect_timeout(Duration::from_secs(5));
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = if config.get_ssl_mode() == tokio_postgres::config::SslMode::Disable {
            Manager::from_config(config, tokio_postgres::NoTls, recycling)
        } else {
            Manager::from_config(config, tls()?, recycling)
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .build()
            .map_err(|error| Error::Database(error.into()))?;
        Ok(Self {
            pool,
            texts: Mutex::default(),
            statements,
        })
    }

    fn translated(&self, text: &'static str) -> Arc<str> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(texts.entry(text).or_insert_with(|| {
            text.replace('?', "$")
                .replace("/*share*/", "for share")
                .replace("/*alone*/", "for update of r")
                // Which index SQLite is to take; PostgreSQL chooses by itself.
                .replace("indexed by files_forms_of", "")
                .into()
        }))
    }

    async fn connection(&self) -> Result<Object, Error> {
        self.pool
            .get()
            .await
            .map_err(|error| Error::Unavailable(error.into()))
    }

    async fn attempt(&self, connection: &mut Object, batch: &Batch) -> Result<(), Error> {
        let transaction = connection.transaction().await?;
        let mut progress = Progress::default();
        for statement in &batch.statements {
            if !progress.takes_next() {
                continue;
            }
            let prepared = transaction
                .prepare_cached(&self.translated(statement.text))
                .await?;
            let changed = transaction
                .execute(&prepared, &parameters(&statement.values))
                .await?;
            progress.ran(statement, changed)?; // dropping the transaction undoes it
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, Error> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        if let Err(error) = roots.add(certificate) {
            tracing::debug!(%error, "a certificate of the system's trust store is not usable");
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Database(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}

/// What triggers of ours refuse statements with that would change an immutable version.
const IMMUTABLE: &str = "LR001";
/// The same for commits that do not fit into a quota.
const QUOTA: &str = "LR002";

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::UNIQUE_VIOLATION) => Self::Exists(error.into()),
            Some(&SqlState::FOREIGN_KEY_VIOLATION) => Self::Referenced(error.into()),
            Some(code) if code.code() == IMMUTABLE => Self::Immutable(error.into()),
            Some(code) if code.code() == QUOTA => shortage(&error),
            Some(&SqlState::DISK_FULL) => Self::Full(error.into()),
            Some(code) if code.code().starts_with("08") || code.code().starts_with("57") => {
                Self::Unavailable(error.into())
            }
            None => Self::Unavailable(error.into()),
            Some(_) => Self::Database(error.into()),
        }
    }
}

/// What does not fit, as the trigger tells it.
fn shortage(error: &tokio_postgres::Error) -> Error {
    let told = error.as_db_error().map_or("", |told| told.message());
    let read = judged::read(told);
    read.map_or_else(
        || Error::Shape(format!("a quota refuses: {told}")),
        |shortage| Error::Quota(shortage.into()),
    )
}

fn met_another(error: &Error) -> bool {
    let Error::Database(source) = error else {
        return false;
    };
    let code = source
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(tokio_postgres::Error::code);
    matches!(
        code,
        Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE)
    )
}

#[async_trait]
impl Sql for Postgres {
    async fn rows(&self, text: &'static str, values: &[Value]) -> Result<Vec<Row>, Error> {
        self.statements.read();
        let connection = self.connection().await?;
        let prepared = connection.prepare_cached(&self.translated(text)).await?;
        read(&connection.query(&prepared, &parameters(values)).await?)
    }

    async fn scan(&self, text: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.rows(text, &values).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), Error> {
        self.statements.wrote();
        let mut connection = self.connection().await?;
        for _ in 1..TRIES {
            match self.attempt(&mut connection, &batch).await {
                Err(error) if met_another(&error) => {
                    tracing::debug!(%error, "a batch met another and is tried again");
                }
                outcome => return outcome,
            }
        }
        self.attempt(&mut connection, &batch).await
    }

    async fn script(&self, text: String) -> Result<(), Error> {
        let mut connection = self.connection().await?;
        let transaction = connection.transaction().await?;
        transaction.batch_execute(MIGRATION_LOCK).await?;
        transaction.batch_execute(&text).await?;
        transaction.commit().await?;
        Ok(())
    }

    fn dialect(&self) -> &'static str {
        "postgres"
    }

    async fn freeze(&self) -> Result<Box<dyn Frozen>, Error> {
        whole::freeze(self.connection().await?).await
    }

    async fn load(&self, steps: mpsc::Receiver<Load>) -> Result<(), Error> {
        whole::load(self.connection().await?, steps).await
    }

    fn catalog(&self) -> Catalog {
        whole::CATALOG
    }

    fn spelling(&self) -> [(&'static str, &'static str); 4] {
        [
            ("{text}", "text collate \"C\""),
            ("{bytes}", "bytea"),
            ("{clustered}", ""),
            ("{rowid}", "bigint"),
        ]
    }

    fn matcher(&self, pattern: &str) -> String {
        let literal = pattern
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        literal.replace('*', "%")
    }

    async fn time(&self, _: Timestamp) -> Result<Timestamp, Error> {
        let mut rows = self.rows(CLOCK, &[]).await?;
        let row = rows
            .first_mut()
            .ok_or_else(|| Error::Shape("there is no time".to_owned()))?;
        Ok(Timestamp(row.int(0)?))
    }

    async fn ping(&self) -> Result<(), Error> {
        let writable = "select 1 where not pg_is_in_recovery() \
                        and current_setting('transaction_read_only') = 'off'";
        let found = self.rows(writable, &[]).await?;
        if found.is_empty() {
            return Err(Error::Unavailable(READ_ONLY.into()));
        }
        Ok(())
    }
}
