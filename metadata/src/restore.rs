//! Fills an empty database with the rows of a snapshot, all or nothing.

use crate::collection::requeue;
use crate::database::Database;
use crate::quotas::recount;
use crate::snapshot::{Table, tables};
use crate::whole::Load;
use crate::{Error, Row, migrate};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Sets of rows that wait to be written.
const WAITING: usize = 4;

/// Whether anyone has used the database.
const USED: &str = "select 1 where exists (select 1 from users) or exists (select 1 from repos) \
    or exists (select 1 from blobs)";

/// A transaction that fills a database. Dropped before [`Self::commit`] it leaves nothing behind.
pub struct Filling {
    tables: Vec<Table>,
    texts: Vec<Arc<str>>,
    /// What is done when all rows are there.
    last: Vec<Load>,
    steps: mpsc::Sender<Load>,
    loading: JoinHandle<Result<(), Error>>,
}

impl Database {
    /// Whether rows can be put into it: nobody has used it, and it is no newer than `schema`.
    pub async fn is_empty_for(&self, schema: i64) -> Result<bool, Error> {
        match migrate::version(self.sql.as_ref()).await? {
            0 => Ok(true),
            found if found > schema => Ok(false),
            _ => Ok(self.sql.rows(USED, &[]).await?.is_empty()),
        }
    }

    /// Brings an empty database to the version `schema`, and begins to fill it with the rows of
    /// `tables`. [`Error::TooNew`]: this program does not know that version. [`Error::Shape`]: the
    /// tables are not those of that version.
    pub async fn fill(&self, schema: i64, told: Vec<Table>) -> Result<Filling, Error> {
        let known = migrate::newest();
        let newest = usize::try_from(schema).unwrap_or(usize::MAX);
        if schema > known {
            return Err(Error::TooNew {
                found: schema,
                known,
            });
        }
        migrate::to(self.sql.as_ref(), newest).await?;
        let mut frozen = self.sql.freeze().await?;
        let own = tables(frozen.as_mut(), self.sql.catalog()).await?;
        drop(frozen);
        require_same(&own, &told)?;
        let now = self.sql.time(self.now()).await?;
        let (steps, waiting) = mpsc::channel(WAITING);
        let sql = Arc::clone(&self.sql);
        let loading = tokio::spawn(async move { sql.load(waiting).await });
        let filling = Filling {
            texts: told.iter().map(insert).collect(),
            tables: told,
            last: requeue(schema, now)
                .into_iter()
                .chain(recount(schema, self.sql.dialect()))
                .collect(),
            steps,
            loading,
        };
        // What migrations put there stands in the rows too.
        let mut filling = filling;
        for table in own.iter().rev() {
            let text = format!("delete from \"{}\"", table.name).into();
            let rows = vec![Vec::new()];
            filling.send(Load::Rows { text, rows }).await?;
        }
        Ok(filling)
    }
}

impl Filling {
    /// The tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Puts rows into the table at this place.
    pub async fn rows(&mut self, table: usize, rows: Vec<Row>) -> Result<(), Error> {
        let text = self.texts.get(table);
        let text = text.ok_or_else(|| Error::Shape("there is no such table".to_owned()))?;
        let (text, rows) = (
            Arc::clone(text),
            rows.into_iter().map(|row| row.0).collect(),
        );
        self.send(Load::Rows { text, rows }).await
    }

    /// Queues for the collector what nothing names, and makes all of it last. Fails, and leaves
    /// nothing behind, if a row refers to one that is not there.
    pub async fn commit(mut self) -> Result<(), Error> {
        for load in std::mem::take(&mut self.last) {
            self.send(load).await?;
        }
        self.send(Load::Commit).await?;
        self.ended().await
    }

    async fn send(&mut self, load: Load) -> Result<(), Error> {
        if self.steps.send(load).await.is_ok() {
            return Ok(());
        }
        // It has ended already, which it does only when something went wrong.
        self.ended().await?;
        Err(Error::Unavailable("the transaction has ended".into()))
    }

    async fn ended(&mut self) -> Result<(), Error> {
        let ended = (&mut self.loading).await;
        ended.map_err(|error| Error::Unavailable(error.into()))?
    }
}

fn insert(table: &Table) -> Arc<str> {
    let columns = table.columns.iter();
    let columns: Vec<_> = columns
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let values: Vec<_> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
    let (name, columns, values) = (&table.name, columns.join(", "), values.join(", "));
    format!("insert into \"{name}\" ({columns}) values ({values})").into()
}

/// Fails with what is not the same in two lists of tables; the order does not count.
fn require_same(own: &[Table], told: &[Table]) -> Result<(), Error> {
    let wrong = |text: String| Err(Error::Shape(text));
    for table in told {
        let name = &table.name;
        let Some(own) = own.iter().find(|own| own.name == *name) else {
            return wrong(format!("a database of that version has no table {name}"));
        };
        let has = |columns: &Table, column| columns.columns.contains(column);
        let strange = table.columns.iter().find(|column| !has(own, column));
        let missing = own.columns.iter().find(|column| !has(table, column));
        if let Some(column) = strange.or(missing) {
            let column = &column.name;
            return wrong(format!(
                "{name}.{column} is not as a database of that version has it"
            ));
        }
        if table.columns.len() != own.columns.len() {
            return wrong(format!("a column of {name} stands there twice"));
        }
    }
    let is_told = |own: &&Table| !told.iter().any(|table| table.name == own.name);
    if let Some(table) = own.iter().find(is_told) {
        return wrong(format!("the table {} is not there", table.name));
    }
    if told.len() != own.len() {
        return wrong("a table stands there twice".to_owned());
    }
    Ok(())
}
