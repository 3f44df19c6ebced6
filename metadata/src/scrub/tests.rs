use super::{blobs, marks, orphans, quarantine};
use crate::Value;
use crate::plans::{empty, plan};

/// SQLite finds each row by a key, however many there are: nothing is scanned or sorted but in the
/// order of a key.
#[tokio::test]
async fn nothing_is_looked_for_but_by_its_key() {
    let (metadata, _folder) = empty().await;
    let all = [
        blobs::STATEMENTS,
        marks::STATEMENTS,
        orphans::STATEMENTS,
        quarantine::STATEMENTS,
    ];
    for (text, count) in all.into_iter().flatten() {
        let values: Vec<_> = (0..*count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        let walks = |line: &str| {
            line.contains("SCAN") && !line.contains("SCAN CONSTANT ROW")
                || line.contains("TEMP B-TREE")
        };
        assert!(!plan.lines().any(walks), "{text}\n{plan}");
    }
}
