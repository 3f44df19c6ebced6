use super::*;
use crate::plans::{empty, plan};

/// SQLite finds each file by its key or its digest.
#[tokio::test]
async fn uses_are_written_by_their_keys() {
    let (metadata, _folder) = empty().await;
    for (text, count) in [
        (WRITE, 5),
        (WRITE_OWNER, 3),
        (WRITE_TAGGED, 4),
        (COUNT, 6),
        (COUNT_OWNER, 4),
    ] {
        let values: Vec<Value> = (0..count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        assert!(!plan.contains("SCAN"), "{text}: {plan}");
    }
}
