use super::*;
use larder_model::Clock;

/// The plan of SQLite: sealing looks at what waits, and at nothing else.
#[tokio::test]
async fn what_waits_is_found_by_its_index() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(0));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    let explain: &'static str = Box::leak(format!("explain query plan {WAITING}").into());
    let values = [1_i64.into(), 1_i64.into()];
    let mut rows = metadata.sql.rows(explain, &values).await.expect("plan");
    let steps = rows.iter_mut().map(|row| row.text(3).expect("step"));
    let plan = steps.collect::<Vec<_>>().join("\n");
    assert!(plan.contains("USING INDEX audit_waiting ("), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}
