use super::*;
use crate::Value;
use crate::plans::{empty, plan};

/// SQLite finds values by their key.
#[tokio::test]
async fn values_are_found_by_their_keys() {
    let (metadata, _folder) = empty().await;
    for (text, count) in [(READ, 3), (SUMS, 3), (PRUNE, 2)] {
        let values: Vec<Value> = (0..count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        assert!(
            plan.contains("PRIMARY KEY (name=? AND at"),
            "{text}: {plan}"
        );
    }
}

#[test]
fn an_hour_begins_at_its_beginning() {
    let hour = 3_600_000_000;
    for (at, begins) in [(0, 0), (1, 0), (hour - 1, 0), (hour, hour), (-1, -hour)] {
        assert_eq!(hour_of(Timestamp(at)), Timestamp(begins));
    }
}
