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
