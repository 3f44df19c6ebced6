use super::{CLOSE, OPEN};
use crate::plans::{empty, plan};

/// Every batch asks for open quotas: nearly always there is none, and that is seen at once.
#[tokio::test]
async fn open_quotas_are_found_by_their_index() {
    let (metadata, _folder) = empty().await;
    for text in [OPEN, CLOSE] {
        let plan = plan(&metadata, text, &[]).await;
        let first = plan.lines().next().expect("a step");
        assert!(first.contains("quotas_open"), "{text}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
