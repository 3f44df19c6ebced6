use super::*;
use larder_model::Clock;

/// The plans of SQLite: each filter goes along an index, in the order of its pages.
#[tokio::test]
async fn every_filter_has_an_index() {
    let folder = tempfile::tempdir().expect("folder");
    let clock = Clock::new(|| Timestamp(0));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
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
            let plan = plan(&metadata, text).await;
            let goes_along = plan.contains(&format!("INDEX {index}")) && plan.contains(columns);
            assert!(
                goes_along && !plan.contains("TEMP B-TREE"),
                "{text}: {plan}"
            );
        }
    }
}

async fn plan(metadata: &Metadata, text: &str) -> String {
    let explain: &'static str = Box::leak(format!("explain query plan {text}").into());
    let values: [Value; 4] = ["a".into(), "b".into(), 1_i64.into(), 1_i64.into()];
    let mut rows = metadata.sql.rows(explain, &values).await.expect(explain);
    let told = rows.iter_mut().map(|row| row.text(3).expect("step"));
    told.collect::<Vec<_>>().join("\n")
}
