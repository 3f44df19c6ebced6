//! The whole database at once: one state of it, and rows that fill it.

use super::rows::{parameters, read};
use crate::whole::{Catalog, Frozen, Load};
use crate::{Error, Row, Value};
use async_trait::async_trait;
use deadpool_postgres::{ClientWrapper, Object};
use futures_util::future::try_join_all;
use tokio::sync::mpsc;

/// Statements that are sent before the first is answered.
const SENT_AT_ONCE: usize = 100;

pub(super) const CATALOG: Catalog = Catalog {
    columns: "select c.relname::text, a.attname::text, format_type(a.atttypid, null)::text, \
        coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint \
        from pg_class c join pg_namespace n on n.oid = c.relnamespace \
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
        left join pg_index i on i.indrelid = c.oid and i.indisprimary \
        where c.relkind = 'r' and n.nspname = current_schema() order by c.relname, a.attnum",
    references: "select distinct c.relname::text, f.relname::text from pg_constraint k \
        join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid \
        join pg_namespace n on n.oid = c.relnamespace \
        where k.contype = 'f' and n.nspname = current_schema()",
};

/// A connection of its own, taken out of the pool, within a transaction that only reads.
struct FrozenPostgres(ClientWrapper);

pub(super) async fn freeze(connection: Object) -> Result<Box<dyn Frozen>, Error> {
    let connection = Object::take(connection);
    connection
        .batch_execute(
            "begin isolation level repeatable read read only; \
             set local idle_in_transaction_session_timeout = 0; select 1",
        )
        .await?;
    Ok(Box::new(FrozenPostgres(connection)))
}

#[async_trait]
impl Frozen for FrozenPostgres {
    async fn rows(&mut self, text: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let text = text.replace('?', "$");
        read(&self.0.query(&text, &parameters(&values)).await?)
    }
}

/// One transaction; dropping the connection undoes what was not committed.
pub(super) async fn load(connection: Object, mut steps: mpsc::Receiver<Load>) -> Result<(), Error> {
    let mut connection = Object::take(connection);
    let transaction = connection.transaction().await?;
    transaction
        .batch_execute("set local idle_in_transaction_session_timeout = 0")
        .await?;
    while let Some(step) = steps.recv().await {
        match step {
            Load::Rows { text, rows } => {
                let prepared = transaction.prepare_cached(&text.replace('?', "$")).await?;
                for rows in rows.chunks(SENT_AT_ONCE) {
                    let parameters: Vec<_> = rows.iter().map(|row| parameters(row)).collect();
                    let executed = parameters
                        .iter()
                        .map(|row| transaction.execute(&prepared, row));
                    try_join_all(executed).await?;
                }
            }
            Load::Commit => {
                transaction.commit().await?;
                return Ok(());
            }
        }
    }
    Ok(())
}
