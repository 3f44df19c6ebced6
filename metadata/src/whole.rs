//! The whole database at once, as the drivers give it: one state of it to be read for a while, and
//! rows that fill an empty one.

use crate::{Error, Row, Value};
use async_trait::async_trait;
use std::sync::Arc;

/// One state of the whole database: whatever is written meanwhile is not in it. It is let go when it
/// is dropped.
#[async_trait]
pub trait Frozen: Send {
    /// The rows of one statement. Parameters are written `?1`, `?2` …
    async fn rows(&mut self, text: &str, values: Vec<Value>) -> Result<Vec<Row>, Error>;
}

/// The statements by which a database tells what tables it has.
#[derive(Clone, Copy)]
pub struct Catalog {
    /// Table, column, its type, its place in the primary key (0: it is not in it); in the order of
    /// the columns.
    pub columns: &'static str,
    /// A table, and one that it refers to.
    pub references: &'static str,
}

/// What is done next in the transaction that fills a database.
pub enum Load {
    /// A statement is run with each of these rows.
    Rows {
        /// The statement.
        text: Arc<str>,
        /// Its values, one set after the other.
        rows: Vec<Vec<Value>>,
    },
    /// All of it is made to last. Without it nothing does.
    Commit,
}
