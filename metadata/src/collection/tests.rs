use super::{blobs, explain, links, objects};
use crate::plans::{empty, plan};
use crate::{Metadata, Value, leftovers, listed_files, mirrored};

fn values(count: usize) -> Vec<Value> {
    (0..count).map(|_| Value::from(1_i64)).collect()
}

/// SQLite finds each row by a key, however many there are: but for the queues, which it walks in
/// their order, nothing is scanned or sorted.
async fn assert_by_keys(metadata: &Metadata, text: &'static str, count: usize) {
    let plan = plan(metadata, text, &values(count)).await;
    // A page of a queue that was cut before is walked, and a row without a table.
    let is_small = |line: &str| line.ends_with("SCAN q") || line.contains("SCAN CONSTANT ROW");
    let walks = |line: &str| {
        line.contains("SCAN") && !is_small(line)
            || line.contains("TEMP B-TREE")
            || line.contains("AUTOMATIC")
    };
    assert!(!plan.lines().any(walks), "{text}\n{plan}");
}

#[tokio::test]
async fn nothing_is_looked_for_but_by_its_key() {
    let (metadata, _folder) = empty().await;
    for (text, count) in links::STATEMENTS
        .iter()
        .chain(blobs::STATEMENTS)
        .chain(explain::STATEMENTS)
        .chain(objects::STATEMENTS)
        .chain(leftovers::STATEMENTS)
        .chain(mirrored::STATEMENTS)
        .chain(listed_files::STATEMENTS)
    {
        assert_by_keys(&metadata, text, *count).await;
    }
}
