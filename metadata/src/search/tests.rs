use super::*;
use larder_model::{Clock, Timestamp};

/// The plans of SQLite: each search goes along its own index, in the order of its pages.
#[tokio::test]
async fn every_search_has_an_index() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(0));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    for (text, values, index) in STATEMENTS {
        let explain: &'static str = Box::leak(format!("explain query plan {text}").into());
        let number = |at: usize| {
            if at == 1 || at == 3 {
                1_i64.into()
            } else {
                "a".into()
            }
        };
        let values: Vec<Value> = (0..values).map(number).collect();
        let mut rows = metadata.sql.rows(explain, &values).await.expect(text);
        let steps = rows.iter_mut().map(|row| row.text(3).expect("step"));
        let plan = steps.collect::<Vec<_>>().join("\n");
        let expected = format!("USING COVERING INDEX {index} (");
        let uncovered = format!("USING INDEX {index} (");
        assert!(
            plan.contains(&expected) || plan.contains(&uncovered),
            "{text}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
    }
}
