use super::*;
use crate::plans::{empty, plan};
use crate::users::NewUser;
use larder_model::{Clock, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[tokio::test]
async fn a_token_that_has_ended_is_told_apart() {
    let folder = tempfile::tempdir().expect("folder");
    let time = Arc::new(AtomicI64::new(1));
    let now = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(now.load(Ordering::Relaxed)));
    let path = folder.path().join("larder.db");
    let metadata = Metadata::sqlite(&path, 1, clock).await.expect("database");
    let by = System::Console;
    let new = NewUser {
        name: &"alice".parse().expect("name"),
        password: None,
        superuser: false,
        disabled: false,
    };
    let owner = metadata.add_user(new, &by).await.expect("user");
    for (id, expires_at) in [(1, None), (2, Some(Timestamp(5))), (3, Some(Timestamp(50)))] {
        let token = Token {
            id,
            owner,
            name: "laptop".into(),
            kind: TokenKind::Access,
            grants: None,
            created_at: Timestamp(1),
            expires_at,
            last_used_at: Timestamp(0),
            last_used_from: "".into(),
        };
        let added = metadata.add_token(&token, &id.to_string(), &by).await;
        added.expect("token");
    }
    time.store(10, Ordering::Relaxed);
    for (expired, found) in [
        (None, &[1, 2, 3][..]),
        (Some(true), &[2]),
        (Some(false), &[1, 3]),
    ] {
        let filter = TokenFilter {
            expired,
            ..TokenFilter::default()
        };
        let tokens = metadata.tokens_of(owner, filter, 0, 10).await;
        let ids: Vec<i64> = tokens
            .expect("tokens")
            .iter()
            .map(|token| token.id)
            .collect();
        assert_eq!(ids, found, "{expired:?}");
    }
}

/// The plans of SQLite: each filter goes along an owner's tokens, in the order of its pages.
#[tokio::test]
async fn every_filter_has_an_index() {
    let (metadata, _folder) = empty().await;
    for (text, more) in [
        (TOKENS_OF, 0),
        (TOKENS_LIKE, 1),
        (EXPIRED_TOKENS, 2),
        (LASTING_TOKENS, 2),
    ] {
        let mut values: Vec<crate::Value> = vec![1_i64.into(), 1_i64.into(), 1_i64.into()];
        let others = [crate::Value::from("a"), 1_i64.into()];
        values.extend(others.into_iter().take(more));
        let plan = plan(&metadata, text, &values).await;
        let along = "INDEX tokens_owner (owner=? AND id>?)";
        assert!(
            plan.contains(along) && !plan.contains("TEMP B-TREE"),
            "{text}: {plan}"
        );
    }
}
