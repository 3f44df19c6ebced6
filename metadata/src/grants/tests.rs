use super::*;
use crate::plans::{empty, plan};

/// The plans of SQLite: each filter goes along an index, in the order of its pages.
#[tokio::test]
async fn every_filter_has_an_index() {
    let (metadata, _folder) = empty().await;
    for (text, meant, index) in [
        (GRANTS, 0, "grants_repository"),
        (BY_SUBJECT, 1, "grants_subject"),
    ] {
        let mut values: Vec<Value> = vec!["a".into(), 1_i64.into(), "b".into(), 1_i64.into()];
        values.extend((0..meant).map(|_| Value::from("a")));
        let plan = plan(&metadata, text, &values).await;
        let along = format!("USING INDEX {index} (");
        assert!(plan.contains(&along), "{text}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
    }
}
