//! How SQLite carries a statement out: for tests that hold it to an index.

use crate::{Metadata, Value};
use larder_model::{Clock, Timestamp};

/// An empty database, and the folder that it is in.
pub(crate) async fn empty() -> (Metadata, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(0));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    (metadata, folder)
}

/// The steps of a statement's plan, a line each.
pub(crate) async fn plan(metadata: &Metadata, text: &str, values: &[Value]) -> String {
    let explain: &'static str = Box::leak(format!("explain query plan {text}").into());
    let mut rows = metadata.sql.rows(explain, values).await.expect(explain);
    let steps = rows.iter_mut().map(|row| row.text(3).expect("step"));
    steps.collect::<Vec<_>>().join("\n")
}
