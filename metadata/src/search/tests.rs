use super::*;
use crate::plans::{empty, plan};

/// The plans of SQLite: each search goes along its own index, in the order of its pages.
#[tokio::test]
async fn every_search_has_an_index() {
    let (metadata, _folder) = empty().await;
    for (text, values, index) in STATEMENTS {
        let number = |at: usize| {
            if at == 1 || at == 3 {
                1_i64.into()
            } else {
                "a".into()
            }
        };
        let values: Vec<Value> = (0..values).map(number).collect();
        let plan = plan(&metadata, text, &values).await;
        let expected = format!("USING COVERING INDEX {index} (");
        let uncovered = format!("USING INDEX {index} (");
        assert!(
            plan.contains(&expected) || plan.contains(&uncovered),
            "{text}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
    }
}
