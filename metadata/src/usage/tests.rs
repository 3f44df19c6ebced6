use super::*;
use crate::Value;
use crate::plans::{empty, plan};

/// SQLite goes along a key or an index, page by page, and sorts no more than a page.
#[tokio::test]
async fn usage_is_found_by_its_keys() {
    let (metadata, _folder) = empty().await;
    for (text, count, along) in [
        (
            NAMES,
            2,
            "blobs USING INDEX sqlite_autoindex_blobs_1 (digest>?)",
        ),
        (PACKAGES, 3, "p USING PRIMARY KEY ((repo,name)>(?,?))"),
        (GONE, 3, "u USING PRIMARY KEY ((repo,package)>(?,?))"),
        (LARGEST_REPOS, 3, "usage_repos_bytes ((bytes,repo)<(?,?))"),
        (
            LARGEST_PACKAGES,
            4,
            "usage_packages_bytes ((bytes,repo,package)<(?,?,?))",
        ),
        (
            LARGEST_OF_REPO,
            4,
            "usage_packages_repo (repo=? AND (bytes,package)<(?,?))",
        ),
    ] {
        let values: Vec<Value> = (0..count).map(|_| Value::from(1_i64)).collect();
        let plan = plan(&metadata, text, &values).await;
        assert!(plan.contains(along), "{text}: {plan}");
        let scans = plan
            .lines()
            .any(|step| step.contains("SCAN") && !step.contains("SCAN b"));
        assert!(!scans, "{text}: {plan}");
    }
}
