use super::*;
use crate::plans::{empty, plan};

/// The plan of SQLite: sealing looks at what waits, and at nothing else.
#[tokio::test]
async fn what_waits_is_read_in_its_order() {
    let (metadata, _folder) = empty().await;
    let plan = plan(&metadata, WAITING, &[1_i64.into(), 1_i64.into()]).await;
    assert!(plan.contains("SCAN audit_waiting"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

/// What was sealed is taken away along both keys.
#[tokio::test]
async fn what_was_sealed_is_found_by_its_id() {
    let (metadata, _folder) = empty().await;
    let plan = plan(&metadata, TAKE_CHANGES, &[1_i64.into(), 1_i64.into()]).await;
    assert!(
        plan.contains("SEARCH audit_waiting USING INTEGER PRIMARY KEY"),
        "{plan}"
    );
    assert!(
        plan.contains("SEARCH audit USING INTEGER PRIMARY KEY"),
        "{plan}"
    );
}
