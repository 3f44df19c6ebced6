use super::{CHANGE_OWN, IS_WARNED, counts, room, warnings};
use crate::Value;
use crate::plans::{empty, plan};

/// What requests ask for goes by keys, however many files and repositories there are. Quotas that
/// repositories share are walked for a new repository; they are few.
#[tokio::test]
async fn nothing_is_looked_for_but_by_its_key() {
    let (metadata, _folder) = empty().await;
    for (text, count) in [
        (room::ROOM, 3),
        (warnings::DUE, 1),
        (counts::IS_COUNTED, 1),
        (counts::UNIQUE, 1),
        (CHANGE_OWN, 3),
        (IS_WARNED, 1),
    ] {
        let values: Vec<Value> = (0..count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        let walks = |line: &&str| line.contains("SCAN") || line.contains("TEMP B-TREE");
        // Unfinished uploads and quotas to be told of are walked by partial indexes.
        let fits = |line: &&str| line.contains("uploads_") || line.contains("quotas_warning");
        let wrong: Vec<&str> = plan.lines().filter(walks).filter(|it| !fits(it)).collect();
        assert!(wrong.is_empty(), "{text}\n{plan}");
    }
}
