use super::*;
use crate::plans::{empty, plan};

/// The plan of SQLite: lists go along an index of their filter, and pruning along that of ends.
#[tokio::test]
async fn jobs_are_found_by_their_indexes() {
    let (metadata, _folder) = empty().await;
    let page = [i64::MAX, 10].map(Value::from);
    let (kind, state) = (Value::from(JobKind::Gc), Value::from(JobState::Failed));
    for (text, filter, along) in [
        (ALL, vec![], "(id<?)"),
        (BY_KIND, vec![kind.clone()], "jobs_kind (kind=? AND id<?)"),
        (
            BY_STATE,
            vec![state.clone()],
            "jobs_state (state=? AND id<?)",
        ),
        (
            BY_BOTH,
            vec![kind, state],
            "jobs_kind_state (kind=? AND state=? AND id<?)",
        ),
        (
            FINISHED,
            vec![],
            "jobs_finished (finished_at>? AND finished_at<?)",
        ),
    ] {
        let plan = plan(&metadata, text, &[&page[..], &filter].concat()).await;
        assert!(plan.contains(along), "{text}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{text}: {plan}");
    }
}
