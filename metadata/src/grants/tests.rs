use super::*;
use larder_model::Clock;

/// The plans of SQLite: each filter goes along an index, in the order of its pages.
#[tokio::test]
async fn every_filter_has_an_index() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(0));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    for (text, meant, index) in [
        (GRANTS, 0, "grants_repository"),
        (BY_SUBJECT, 1, "grants_subject"),
    ] {
        let explain: &'static str = Box::leak(format!("explain query plan {text}").into());
        let mut values: Vec<Value> = vec!["a".into(), 1_i64.into(), "b".into(), 1_i64.into()];
        values.extend((0..meant).map(|_| Value::from("a")));
        let mut rows = metadata.sql.rows(explain, &values).await.expect(text);
        let steps = rows.iter_mut().map(|row| row.text(3).expect("step"));
        let plan = steps.collect::<Vec<_>>().join("\n");
        let along = format!("USING INDEX {index} (");
        assert!(plan.contains(&along), "{text}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
    }
}
