use super::*;
use crate::plans::{empty, plan};

/// The plans of SQLite: each filter goes along an index, in the order of its pages.
#[tokio::test]
async fn every_filter_has_an_index() {
    let (metadata, _folder) = empty().await;
    let [any, enabled, disabled] = USERS;
    let by_name = "(kind=? AND name>? AND name<?)";
    let of_owner = "(owner=? AND name>? AND name<?)";
    for (texts, index, columns) in [
        (&any[..2], "users_kind", by_name),
        (&any[2..], "users_superuser", by_name),
        (&enabled[..2], "users_kind", by_name),
        (&enabled[2..], "users_superuser", by_name),
        (&disabled[..2], "users_disabled", by_name),
        (&disabled[2..], "users_", by_name),
        (&ROBOTS_OF, "users_owner", of_owner),
    ] {
        for text in texts {
            let values = ["a".into(), "b".into(), 1_i64.into(), 1_i64.into()];
            let plan = plan(&metadata, text, &values).await;
            let goes_along = plan.contains(&format!("INDEX {index}")) && plan.contains(columns);
            assert!(
                goes_along && !plan.contains("TEMP B-TREE"),
                "{text}: {plan}"
            );
        }
    }
}
