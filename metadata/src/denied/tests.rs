use super::*;
use crate::plans::{empty, plan};

/// The plans of SQLite: each list goes along an index of its own, and each group is found by its own.
#[tokio::test]
async fn every_list_has_an_index() {
    let (metadata, _folder) = empty().await;
    let lists = [
        (LIST, 3, "PRIMARY KEY (seq>?"),
        (LIST_OF, 5, "INDEX denied_repository (repository=? AND seq"),
        (LIST_BY, 4, "INDEX denied_rule (rule=? AND seq"),
        (GROUPS, 3, "PRIMARY KEY (seq>?"),
        (
            GROUPS_OF,
            5,
            "INDEX denied_repository (repository=? AND seq",
        ),
        (GROUPS_BY, 4, "INDEX denied_rule (rule=? AND seq"),
    ];
    for (text, count, index) in lists {
        let number = |at: usize| if at < 3 { 1_i64.into() } else { "a".into() };
        let values: Vec<Value> = (0..count).map(number).collect();
        let plan = plan(&metadata, text, &values).await;
        assert!(plan.contains(index), "{text}: {plan}");
        assert!(!plan.contains("TEMP B-TREE FOR ORDER"), "{text}: {plan}");
        let grouped = plan.matches("INDEX denied_like (repository=? AND package=? AND rule=?");
        let expected = if text.contains("exists") { 3 } else { 0 };
        assert_eq!(grouped.count(), expected, "{text}: {plan}");
    }
    let found = plan(&metadata, FIND, &["a".into()]).await;
    assert!(found.contains("(id=?)"), "{found}");
}
