//! Tokens and their uses.

use super::fixture::{ALICE, assert_unmet};
use super::people::{add, add_grant, subject};
use crate::shown::Shown;
use crate::tokens::{Token, TokenFilter, TokenUse};
use crate::users::NewPassword;
use crate::{Metadata, Requirement};
use larder_model::{Author, Timestamp, TokenKind};
use std::time::Duration;

checks![
    a_token_is_found_by_its_secret_and_its_id,
    tokens_come_page_by_page,
    tokens_are_sought_by_name_and_state,
    a_token_tells_its_last_use,
    of_many_logins_the_idlest_is_told,
    another_password_ends_the_logins_of_clients,
    an_address_of_a_token_is_new_once,
    a_token_is_ended_by_its_owner_only,
    logins_end_with_the_token_that_they_were_got_by,
    nothing_is_made_with_what_is_gone,
    a_new_token_clears_those_that_ended,
    a_dropped_user_takes_its_tokens_with_it,
    every_change_of_rights_tells_other_servers,
];

/// The hash of a token's secret: its id will do.
fn hash(token: &Token) -> String {
    format!("hash of {}", token.id)
}

pub(super) async fn add_token(
    metadata: &Metadata,
    owner: i64,
    expires_at: Option<Timestamp>,
) -> Token {
    add_of_kind(metadata, owner, TokenKind::Access, expires_at).await
}

async fn add_of_kind(
    metadata: &Metadata,
    owner: i64,
    kind: TokenKind,
    expires_at: Option<Timestamp>,
) -> Token {
    let token = Token {
        id: metadata.new_id(),
        owner,
        name: "laptop".into(),
        kind,
        grants: Some("[]".into()),
        created_at: metadata.now(),
        expires_at,
        last_used_at: Timestamp(0),
        last_used_from: "".into(),
    };
    let added = metadata.add_token(&token, &hash(&token), &ALICE).await;
    added.expect("token");
    token
}

async fn a_token_is_found_by_its_secret_and_its_id(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let expires_at = metadata.now().after(Duration::from_hours(1));
    let token = add_token(metadata, user.id, Some(expires_at)).await;
    let by_hash = metadata.token_by_hash(&hash(&token)).await;
    assert_eq!(by_hash.expect("token").as_ref(), Some(&token));
    let by_id = metadata.token(token.id).await;
    assert_eq!(by_id.expect("token").as_ref(), Some(&token));
    let unknown = metadata.token_by_hash("another").await;
    assert_eq!(unknown.expect("token"), None);
}

async fn a_token_tells_its_last_use(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let token = add_token(metadata, user.id, None).await;
    let at = |seconds| metadata.now().after(Duration::from_secs(seconds));
    let (early, late) = (at(1), at(2));
    let use_from = |at, address: &str| TokenUse {
        token: token.id,
        at,
        address: address.parse().expect("address"),
    };
    // What another server wrote meanwhile is not undone.
    for used in [use_from(late, "192.0.2.7"), use_from(early, "fd00::1")] {
        metadata.write_token_uses(&[used]).await.expect("uses");
    }
    let told = metadata
        .token(token.id)
        .await
        .expect("token")
        .expect("there");
    assert_eq!(
        (told.last_used_at, &*told.last_used_from),
        (late, "192.0.2.7")
    );
}

async fn an_address_of_a_token_is_new_once(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let token = add_token(metadata, user.id, None).await;
    let is_new = async |token: i64, address: &str| {
        let (at, address) = (metadata.now(), address.parse().expect("address"));
        let is_new = metadata.is_new_address(TokenUse { token, at, address });
        is_new.await.expect("address")
    };
    assert!(is_new(token.id, "192.0.2.7").await);
    assert!(!is_new(token.id, "192.0.2.7").await);
    assert!(is_new(token.id, "fd00::1").await);
    let ended = metadata.drop_token(token.id, user.id, &ALICE).await;
    ended.expect("ended");
    assert!(!is_new(token.id, "192.0.2.8").await, "it is gone");
}

async fn tokens_come_page_by_page(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let first = add_token(metadata, user.id, None).await;
    add_token(metadata, other.id, None).await;
    let second = add_token(metadata, user.id, None).await;
    let page = async |after, limit| {
        let page = metadata
            .tokens_of(user.id, TokenFilter::default(), after, limit)
            .await;
        page.expect("tokens")
    };
    assert_eq!(page(0, 1).await, std::slice::from_ref(&first));
    assert_eq!(page(first.id, 10).await, std::slice::from_ref(&second));
    assert!(page(second.id, 10).await.is_empty());
}

async fn tokens_are_sought_by_name_and_state(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let first = add_token(metadata, user.id, None).await;
    let later = metadata.now().after(Duration::from_hours(1));
    let second = add_token(metadata, user.id, Some(later)).await;
    let both = [first.id, second.id];
    for (prefix, expired, found) in [
        ("", None, &both[..]),
        ("lap", None, &both),
        ("laptop", Some(false), &both),
        ("", Some(false), &both),
        ("", Some(true), &[]),
        ("lap", Some(true), &[]),
        ("Lap", None, &[]),
        ("l%", None, &[]),
        ("laptops", Some(false), &[]),
    ] {
        let filter = TokenFilter { prefix, expired };
        let tokens = metadata.tokens_of(user.id, filter, 0, 10).await;
        let ids: Vec<i64> = tokens
            .expect("tokens")
            .iter()
            .map(|token| token.id)
            .collect();
        assert_eq!(ids, found, "{filter:?}");
        let next = metadata.tokens_of(user.id, filter, first.id, 10).await;
        let ids: Vec<i64> = next.expect("tokens").iter().map(|token| token.id).collect();
        assert_eq!(ids, found.get(1..).unwrap_or_default(), "{filter:?}");
    }
}

async fn a_token_is_ended_by_its_owner_only(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let token = add_token(metadata, user.id, None).await;
    let ended = metadata.drop_token(token.id, other.id, &ALICE).await;
    assert_unmet(ended, Requirement::Token);
    let ended = metadata.drop_token(token.id, user.id, &ALICE).await;
    ended.expect("end");
    assert_eq!(metadata.token(token.id).await.expect("token"), None);
}

async fn logins_end_with_the_token_that_they_were_got_by(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let shown = add_token(metadata, user.id, None).await;
    let login = async |with: Option<i64>| {
        let token = Token {
            id: metadata.new_id(),
            kind: TokenKind::Offline,
            ..shown.clone()
        };
        let hash = hash(&token);
        let added = metadata.add_login(
            &token,
            &hash,
            (with.map_or(Shown::Nothing, Shown::Token), true),
            &ALICE,
        );
        added.await.expect("login");
        token.id
    };
    let first = login(Some(shown.id)).await;
    let second = login(Some(first)).await;
    let other = login(None).await;
    let made = add_token(metadata, user.id, None).await;
    let ended = metadata.drop_token(shown.id, user.id, &ALICE).await;
    ended.expect("end");
    for (id, stays) in [
        (first, false),
        (second, false),
        (other, true),
        (made.id, true),
    ] {
        assert_eq!(metadata.token(id).await.expect("token").is_some(), stays);
    }
}

async fn a_new_token_clears_those_that_ended(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let past = add_token(metadata, user.id, Some(Timestamp(1))).await;
    let lasting = add_token(metadata, user.id, None).await;
    let left = metadata
        .tokens_of(user.id, TokenFilter::default(), 0, 10)
        .await
        .expect("tokens");
    assert_eq!(left, [lasting]);
    assert_eq!(metadata.token(past.id).await.expect("token"), None);
}

async fn a_dropped_user_takes_its_tokens_with_it(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let token = add_token(metadata, user.id, None).await;
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    assert_eq!(metadata.token(token.id).await.expect("token"), None);
}

async fn every_change_of_rights_tells_other_servers(metadata: &Metadata) {
    let version = async || metadata.policy_version().await.expect("version");
    let mut versions = vec![version().await];
    let user = add(metadata, false).await;
    versions.push(version().await);
    let grant = add_grant(metadata, &subject(metadata), "oci/a").await;
    versions.push(version().await);
    metadata.drop_grant(grant.id, &ALICE).await.expect("drop");
    versions.push(version().await);
    let token = add_token(metadata, user.id, None).await;
    let ended = metadata.drop_token(token.id, user.id, &ALICE).await;
    ended.expect("end");
    versions.push(version().await);
    let changed = metadata
        .change_user(&user, None, false, false, &ALICE)
        .await;
    changed.expect("change");
    versions.push(version().await);
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    versions.push(version().await);
    assert!(versions.windows(2).all(|pair| pair[0] != pair[1]));
}

async fn of_many_logins_the_idlest_is_told(metadata: &Metadata) {
    let user = add(metadata, false).await;
    add_token(metadata, user.id, None).await;
    let mut logins = Vec::new();
    for _ in 0..3 {
        logins.push(add_of_kind(metadata, user.id, TokenKind::Offline, None).await);
    }
    let now = TokenUse {
        token: logins[0].id,
        at: metadata.now().after(Duration::from_secs(1)),
        address: "192.0.2.1".parse().expect("address"),
    };
    metadata.write_token_uses(&[now]).await.expect("written");
    let surplus = async |most| {
        let found = metadata.surplus_login(user.id, most).await;
        found.expect("read").map(|token| token.id)
    };
    assert_eq!(surplus(4).await, None, "other tokens are no logins");
    assert_eq!(surplus(3).await, Some(logins[1].id));
}

async fn another_password_ends_the_logins_of_clients(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let other = add(metadata, false).await;
    let made = add_token(metadata, user.id, None).await;
    let login = add_of_kind(metadata, user.id, TokenKind::Offline, None).await;
    let own = add_of_kind(metadata, user.id, TokenKind::Offline, None).await;
    let foreign = add_of_kind(metadata, other.id, TokenKind::Offline, None).await;
    assert_eq!(user.password_changed_at, Timestamp(0));
    let by = WithToken(own.id);
    let password = NewPassword {
        hash: "another".into(),
        before: None,
    };
    let since = metadata.now();
    let changed = metadata.change_user(&user, Some(password), false, false, &by);
    changed.await.expect("changed");
    let mut left = Vec::new();
    for token in [&made, &login, &own, &foreign] {
        left.push(metadata.token(token.id).await.expect("read").is_some());
    }
    assert_eq!(left, [true, false, true, true]);
    let user = metadata.user_by_id(user.id).await.expect("read");
    let changed_at = user.expect("there").password_changed_at;
    assert!((since..=metadata.now()).contains(&changed_at));
}

/// Someone who shows a token.
#[derive(Debug)]
struct WithToken(i64);

impl Author for WithToken {
    fn label(&self) -> &'static str {
        "user:alice"
    }

    fn token(&self) -> Option<i64> {
        Some(self.0)
    }
}

async fn nothing_is_made_with_what_is_gone(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let add = async |shown: Shown| {
        let template = Token {
            id: metadata.new_id(),
            owner: user.id,
            name: "made".into(),
            kind: TokenKind::Offline,
            grants: None,
            created_at: metadata.now(),
            expires_at: None,
            last_used_at: Timestamp(0),
            last_used_from: "".into(),
        };
        let hash = hash(&template);
        let added = metadata.add_login(&template, &hash, (shown, true), &ALICE);
        added.await
    };
    let password = |changed_at| Shown::Password {
        user: user.id,
        changed_at,
    };
    let first = password(user.password_changed_at);
    add(first).await.expect("with the first password");
    let another = NewPassword {
        hash: "another".into(),
        before: None,
    };
    let set = metadata.change_user(&user, Some(another), false, false, &ALICE);
    set.await.expect("another password");
    let token = add_token(metadata, user.id, None).await;
    add(Shown::Token(token.id)).await.expect("with a token");
    let ended = metadata.drop_token(token.id, user.id, &ALICE).await;
    ended.expect("end");
    for gone in [
        first,
        Shown::Token(token.id),
        Shown::Session(metadata.new_id()),
    ] {
        assert_unmet(add(gone).await, Requirement::Shown);
    }
}
