//! One state of all tables, whatever the schema: what a backup is made of.
//!
//! Tables and columns are asked of the database itself, so that none can be forgotten: a new table is
//! in the next snapshot, unless it stands in [`LEFT_OUT`].

use crate::whole::{Catalog, Frozen};
use crate::{Error, Row, Sql, Value};
use bytes::Bytes;
use larder_model::Digest;
use std::collections::BTreeSet;

/// Tables that no snapshot has: what they tell is over when the server that wrote it is gone, or
/// must not come back with an old state of everything else.
pub const LEFT_OUT: [&str; 18] = [
    "schema_version", // told apart from the rows
    "uploads",        // their bytes are staged on that server
    "idempotency",    // answers of a day
    "sessions",       // whoever was signed out stays so
    "jobs",           // what ran does not run here
    "job_items",
    "backup_holds",
    "gc_blobs", // a restore queues anew what nothing names
    "gc_links",
    "gc_objects", // of the store that it was
    "scrub_runs", // with its job
    "scrub_orphans",
    "usage_sums", // counted anew within the hour
    "usage_repos",
    "usage_packages",
    "quota_repos", // a restore counts anew
    "quota_items",
    "quota_released",
];

/// The table of blobs.
const BLOBS: &str = "blobs";
/// The table of files, each of which names a blob.
const FILES: &str = "files";

/// Rows that are read in one go.
const PAGE_ROWS: usize = 500;
/// The same where a row can hold a manifest or a document.
const PAGE_BODIES: usize = 16;

const VERSION: &str = "select coalesce(max(version), 0) from schema_version";

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnKind {
    /// Whole numbers.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: Box<str>,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its name.
    pub name: Box<str>,
    /// Its columns, as values stand in its rows.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in the key's order.
    key: Vec<usize>,
}

/// What the row of a blob tells of its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredBlob {
    /// Their digest.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// The generation of the object that they are in.
    pub generation: i64,
    /// The bytes, where they are in the row.
    pub body: Option<Bytes>,
    /// They are known not to be those of the digest, or not to be there.
    pub damaged: bool,
}

impl Table {
    /// A table of these columns.
    pub const fn new(name: Box<str>, columns: Vec<Column>) -> Self {
        let key = Vec::new();
        Self { name, columns, key }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The value in a column of a row.
    fn value(&self, row: &Row, name: &str) -> Result<Row, Error> {
        let value = self.column(name).and_then(|at| row.0.get(at));
        let missing = || Error::Shape(format!("the table {} has no column {name}", self.name));
        Ok(Row(vec![value.ok_or_else(missing)?.clone()]))
    }

    /// What a row tells of a blob; `None`: this is not the table of blobs.
    pub fn blob(&self, row: &Row) -> Result<Option<StoredBlob>, Error> {
        if &*self.name != BLOBS {
            return Ok(None);
        }
        Ok(Some(StoredBlob {
            digest: self.value(row, "digest")?.parsed(0)?,
            size: self.value(row, "size")?.count(0)?,
            generation: self.value(row, "generation")?.int(0)?,
            body: self.value(row, "body")?.optional_bytes(0)?,
            damaged: matches!(&*self.value(row, "state")?.text(0)?, "damaged" | "lost"),
        }))
    }

    /// The digest that a row gives a name to; `None`: this is not the table of files.
    pub fn named_digest(&self, row: &Row) -> Result<Option<Digest>, Error> {
        if &*self.name != FILES {
            return Ok(None);
        }
        self.value(row, "digest")?.parsed(0).map(Some)
    }

    /// Has the row of a blob tell that its object is of this generation.
    pub fn set_generation(&self, row: &mut Row, generation: i64) {
        let at = self.column("generation");
        if let Some(value) = at.and_then(|at| row.0.get_mut(at)) {
            *value = generation.into();
        }
    }

    /// The statement that reads the next page after a key, or the first.
    fn page(&self, follows: bool) -> String {
        let quoted = |columns: Vec<&str>| {
            let quoted = columns.iter().map(|name| format!("\"{name}\""));
            quoted.collect::<Vec<_>>().join(", ")
        };
        let columns = quoted(self.columns.iter().map(|column| &*column.name).collect());
        let key = quoted(self.key.iter().map(|at| &*self.columns[*at].name).collect());
        let values = (1..=self.key.len()).map(|number| format!("?{number}"));
        let values = values.collect::<Vec<_>>().join(", ");
        let after = if follows {
            format!("where ({key}) > ({values})")
        } else {
            String::new()
        };
        let (name, limit) = (&self.name, self.page_rows());
        format!("select {columns} from \"{name}\" {after} order by {key} limit {limit}")
    }

    fn page_rows(&self) -> usize {
        let is_bytes = |column: &Column| column.kind == ColumnKind::Bytes;
        if self.columns.iter().any(is_bytes) {
            PAGE_BODIES
        } else {
            PAGE_ROWS
        }
    }
}

/// One state of all tables. Held for long it keeps the database from forgetting what was written
/// since: SQLite's log grows meanwhile. Dropped, it is let go.
pub struct Snapshot {
    frozen: Box<dyn Frozen>,
    /// The version of the schema.
    pub schema: i64,
    /// The tables, in an order in which each refers only to tables before it.
    pub tables: Vec<Table>,
    /// The table that is being read, and the key of the last row.
    at: usize,
    after: Vec<Value>,
}

impl Snapshot {
    /// The state as it is now.
    pub(crate) async fn of(sql: &dyn Sql) -> Result<Self, Error> {
        let mut frozen = sql.freeze().await?;
        let mut version = frozen.rows(VERSION, Vec::new()).await?;
        let schema = version.first_mut().map_or(Ok(0), |row| row.int(0))?;
        let tables = tables(frozen.as_mut(), sql.catalog()).await?;
        Ok(Self {
            frozen,
            schema,
            tables,
            at: 0,
            after: Vec::new(),
        })
    }

    /// The next rows, and the place of their table in [`Self::tables`]; `None`: that was all.
    pub async fn next_page(&mut self) -> Result<Option<(usize, Vec<Row>)>, Error> {
        while let Some(table) = self.tables.get(self.at) {
            let text = table.page(!self.after.is_empty());
            let after = std::mem::take(&mut self.after);
            let rows = self.frozen.rows(&text, after).await?;
            let at = self.at;
            match rows.last() {
                Some(last) if rows.len() == table.page_rows() => {
                    self.after = table.key.iter().map(|at| last.0[*at].clone()).collect();
                }
                _ => self.at += 1,
            }
            if !rows.is_empty() {
                return Ok(Some((at, rows)));
            }
        }
        Ok(None)
    }
}

/// The tables of which a snapshot is made, in an order in which each refers only to those before it.
pub(crate) async fn tables(frozen: &mut dyn Frozen, catalog: Catalog) -> Result<Vec<Table>, Error> {
    let mut tables: Vec<Table> = Vec::new();
    let mut keys: Vec<Vec<(i64, usize)>> = Vec::new();
    for mut row in frozen.rows(catalog.columns, Vec::new()).await? {
        let (table, name, kind, place) = (row.text(0)?, row.text(1)?, row.text(2)?, row.int(3)?);
        if LEFT_OUT.contains(&&*table) {
            continue;
        }
        let kind = kind_of(&kind).ok_or_else(|| {
            Error::Shape(format!(
                "the column {table}.{name} has the strange type {kind}"
            ))
        })?;
        if tables.last().is_none_or(|last| last.name != table) {
            tables.push(Table::new(table, Vec::new()));
            keys.push(Vec::new());
        }
        if let (Some(last), Some(key)) = (tables.last_mut(), keys.last_mut()) {
            if place > 0 {
                key.push((place, last.columns.len()));
            }
            last.columns.push(Column { name, kind });
        }
    }
    for (table, mut key) in tables.iter_mut().zip(keys) {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, column)| column).collect();
        if table.key.is_empty() {
            return Err(Error::Shape(format!("the table {} has no key", table.name)));
        }
    }
    let mut references = BTreeSet::new();
    for mut row in frozen.rows(catalog.references, Vec::new()).await? {
        references.insert((row.text(0)?, row.text(1)?));
    }
    in_order(tables, &references)
}

fn kind_of(declared: &str) -> Option<ColumnKind> {
    match declared {
        "bigint" | "integer" => Some(ColumnKind::Int),
        "text" => Some(ColumnKind::Text),
        "blob" | "bytea" => Some(ColumnKind::Bytes),
        _ => None,
    }
}

/// Puts each table behind those that it refers to.
fn in_order(
    mut tables: Vec<Table>,
    references: &BTreeSet<(Box<str>, Box<str>)>,
) -> Result<Vec<Table>, Error> {
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let waits = |table: &Table| {
            let others = references
                .iter()
                .filter(|(from, to)| *from == table.name && from != to);
            others
                .map(|(_, to)| to)
                .any(|to| tables.iter().any(|other| other.name == *to))
        };
        let Some(at) = tables.iter().position(|table| !waits(table)) else {
            return Err(Error::Shape(
                "tables refer to each other in a circle".to_owned(),
            ));
        };
        ordered.push(tables.remove(at));
    }
    Ok(ordered)
}
