use super::*;
use crate::Value;
use crate::plans::{empty, plan};

/// SQLite finds what was counted by its key, and what is past by the index of days.
#[tokio::test]
async fn downloads_are_found_by_their_keys() {
    let (metadata, _folder) = empty().await;
    for (text, count) in [(OF_VERSIONS, 5), (OF_TAGS, 5), (OF_PACKAGE, 3), (PRUNE, 1)] {
        let values: Vec<Value> = (0..count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        assert!(!plan.contains("SCAN"), "{text}: {plan}");
    }
}
