//! Connections to a database file, and rows out of one.

use crate::{Error, Row, Value};
use larder_model::Clock;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::path::Path;
use std::time::Duration;

/// Bytes of a page.
const PAGE_BYTES: i64 = 4096;
/// SQLite's file system layer for files that one process has to itself: locks and the log's index
/// are in memory, so a read makes no system call for them.
const VFS: &std::ffi::CStr = c"unix-excl";
/// Page cache of each connection in KiB.
const CACHE_KIB: i64 = 16 * 1024;
/// Statements kept prepared on each connection.
const PREPARED: usize = 128;

/// A connection to the database file `path`, whose triggers take the time from `clock`.
pub(super) fn connect(path: &Path, write: bool, clock: &Clock) -> Result<Connection, Error> {
    let access = if write {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let connection =
        Connection::open_with_flags_and_vfs(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX, VFS)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    tell_time(&connection, clock)?;
    // A plan must not depend on bound values: where a partial index names a kind, SQLite would
    // otherwise plan each statement that binds a kind anew, each time it is run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if write {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    }
    Ok(connection)
}

/// Triggers take the time from here, so that it is that of all other rows.
fn tell_time(connection: &Connection, clock: &Clock) -> Result<(), Error> {
    let clock = clock.clone();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let now = move |_: &Context<'_>| Ok(clock.now().0);
    Ok(connection.create_scalar_function(c"larder_now", 0, flags, now)?)
}

/// The rows of a statement.
pub(super) fn query(
    connection: &Connection,
    text: &str,
    values: &[Value],
) -> Result<Vec<Row>, Error> {
    let mut statement = connection.prepare_cached(text)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(it) => Value::Int(it),
                ValueRef::Text(it) => Value::Text(String::from_utf8_lossy(it).into_owned().into()),
                ValueRef::Blob(it) => Value::Bytes(it.to_vec().into()),
                ValueRef::Real(_) => {
                    return Err(Error::Shape(
                        "a real number, which no column has".to_owned(),
                    ));
                }
            });
        }
        rows.push(Row(values));
    }
    Ok(rows)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(it) => ValueRef::Integer(*it),
            Self::Text(it) => ValueRef::Text(it.as_bytes()),
            Self::Bytes(it) => ValueRef::Blob(it),
        }))
    }
}
