//! The whole database at once: one state of it, rows that fill it, a copy.

use super::connection::{connect, query};
use super::counting::TRIGGERS;
use crate::whole::{Catalog, Frozen, Load};
use crate::{Error, Row, Value};
use async_trait::async_trait;
use larder_model::Clock;
use rusqlite::{Connection, params_from_iter};
use std::fs::File;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

pub(super) const CATALOG: Catalog = Catalog {
    columns: "select t.name, c.name, lower(c.type), c.pk \
        from pragma_table_list t join pragma_table_info(t.name) c \
        where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\' \
        order by t.name, c.cid",
    references: "select distinct t.name, f.\"table\" \
        from pragma_table_list t join pragma_foreign_key_list(t.name) f \
        where t.schema = 'main' and t.type = 'table'",
};

/// A connection of its own within a transaction that only reads: what it sees is one state. The log
/// cannot begin anew while it is there.
struct FrozenSqlite {
    /// `None` while a statement runs, and after one that was broken off.
    connection: Option<Connection>,
}

pub(super) async fn freeze(path: PathBuf, clock: Clock) -> Result<Box<dyn Frozen>, Error> {
    let begin = move || -> Result<Connection, Error> {
        let connection = connect(&path, false, &clock)?;
        connection.execute_batch("begin")?;
        // The state is that of the first read.
        query(&connection, "select count(*) from sqlite_schema", &[])?;
        Ok(connection)
    };
    let connection = spawn_blocking(begin).await.map_err(stopped)??;
    Ok(Box::new(FrozenSqlite {
        connection: Some(connection),
    }))
}

#[async_trait]
impl Frozen for FrozenSqlite {
    async fn rows(&mut self, text: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let ended = || Error::Unavailable("the snapshot has ended".into());
        let connection = self.connection.take().ok_or_else(ended)?;
        let text = text.to_owned();
        let read = move || {
            let rows = query(&connection, &text, &values);
            (connection, rows)
        };
        let (connection, rows) = spawn_blocking(read).await.map_err(stopped)?;
        self.connection = Some(connection);
        rows
    }
}

pub(super) async fn load(
    path: PathBuf,
    clock: Clock,
    steps: mpsc::Receiver<Load>,
) -> Result<(), Error> {
    let fill = move || fill(&path, &clock, steps);
    spawn_blocking(fill).await.map_err(stopped)?
}

/// One transaction; dropping the connection undoes what was not committed.
fn fill(path: &Path, clock: &Clock, mut steps: mpsc::Receiver<Load>) -> Result<(), Error> {
    let connection = connect(path, true, clock)?;
    // Counts are made as they are kept. A snapshot of before there were any has no tables for them.
    let counts = "select 1 from sqlite_master where name = 'quota_released'";
    if !query(&connection, counts, &[])?.is_empty() {
        connection.execute_batch(TRIGGERS)?;
    }
    // Looked at once, at the end.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.execute_batch("begin immediate")?;
    while let Some(step) = steps.blocking_recv() {
        match step {
            Load::Rows { text, rows } => {
                let mut statement = connection.prepare_cached(&text)?;
                for row in &rows {
                    statement.execute(params_from_iter(row))?;
                }
            }
            Load::Commit => {
                let wrong = query(&connection, "pragma foreign_key_check", &[])?;
                if let Some(mut row) = wrong.into_iter().next() {
                    let (from, to) = (row.text(0)?, row.text(2)?);
                    let text = format!("a row of {from} refers to one of {to} that is not there");
                    return Err(Error::Shape(text));
                }
                connection.execute_batch("commit")?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Copies the database in the file `from` to the new file `to`, durably.
pub(crate) fn copy(from: &Path, to: &Path, clock: &Clock) -> Result<(), Error> {
    let connection = connect(from, true, clock)?;
    let name = to.to_str().ok_or_else(|| {
        let text = format!("{} is no name that SQLite can take", to.display());
        Error::Shape(text)
    })?;
    connection.execute("vacuum into ?1", [name])?;
    let sync = |path: &Path| File::open(path)?.sync_all();
    let unsynced = |error: std::io::Error| Error::Unavailable(error.into());
    sync(to).map_err(unsynced)?;
    match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync(folder).map_err(unsynced),
        _ => Ok(()),
    }
}

fn stopped(error: tokio::task::JoinError) -> Error {
    Error::Unavailable(error.into())
}
