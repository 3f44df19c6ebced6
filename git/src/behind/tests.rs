use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

const fn package(package: &str) -> PackageKey<'_> {
    PackageKey { repo: 1, package }
}

#[tokio::test]
async fn it_is_done_once_and_not_again_where_it_failed() {
    let behind = Behind::new("a test");
    let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let go_on = Arc::new(Notify::new());
    let work = |fails: bool| {
        let (begun, ended, go_on) = (begun.clone(), ended.clone(), go_on.clone());
        move || async move {
            begun.fetch_add(1, Ordering::SeqCst);
            go_on.notified().await;
            ended.notify_one();
            if fails {
                return Err(Problem::internal("it cannot be done"));
            }
            Ok(())
        }
    };
    behind.begin(package("one"), work(true));
    behind.begin(package("one"), work(true));
    behind.begin(package("two"), work(false));
    for _ in 0..2 {
        go_on.notify_one();
        ended.notified().await;
    }
    assert_eq!(begun.load(Ordering::SeqCst), 2, "each repository once");
    // The work of another repository has its turn after the end of the first.
    assert!(behind.0.failed.contains_key(&(1, "one".into())));
    assert!(!behind.0.failed.contains_key(&(1, "two".into())));
    behind.begin(package("one"), work(true));
    behind.begin(package("three"), work(false));
    go_on.notify_one();
    ended.notified().await;
    assert_eq!(begun.load(Ordering::SeqCst), 3, "not the one that failed");
}
