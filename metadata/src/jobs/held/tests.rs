use super::*;
use crate::plans::{empty, plan};

/// The plan of SQLite: what is asked again and again walks no jobs that have ended.
#[tokio::test]
async fn waiting_jobs_are_found_by_their_indexes() {
    let (metadata, _folder) = empty().await;
    let (kind, now) = (Value::from(JobKind::Gc), Value::from(1_i64));
    for (text, values, along) in [
        (WAITING, vec![now.clone()], "jobs_state (state=?)"),
        (
            NEXT,
            vec![kind.clone()],
            "jobs_kind_state (kind=? AND state=?)",
        ),
        (
            ABANDONED,
            vec![kind, now],
            "jobs_kind_state (kind=? AND state=?)",
        ),
    ] {
        let plan = plan(&metadata, text, &values).await;
        assert!(plan.contains(along), "{text}: {plan}");
        assert!(!plan.contains("SCAN"), "{text}: {plan}");
    }
}
