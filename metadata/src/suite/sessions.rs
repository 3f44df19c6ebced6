//! Sessions, their uses and their ends.

use super::fixture::{ALICE, assert_unmet};
use super::people::add;
use super::tokens::add_token;
use crate::sessions::{Session, SessionUse};
use crate::shown::Shown;
use crate::tokens::TokenUse;
use crate::users::{NewPassword, User};
use crate::{Metadata, Requirement};
use larder_model::{Author, Clock, System, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

checks![
    a_session_is_found_by_its_secret_and_its_id,
    sessions_come_page_by_page,
    a_use_moves_the_end_on,
    a_use_never_moves_the_end_past_the_last_one,
    a_session_ends_with_its_time,
    a_session_is_ended_of_its_owner_only,
    another_password_ends_all_sessions_but_the_authors,
    disabling_ends_all_sessions,
    other_changes_end_no_session,
    a_dropped_user_takes_its_sessions_with_it,
    an_address_is_known_by_sessions_and_tokens,
];

const IDLE: Duration = Duration::from_hours(1);
const LIFE: Duration = Duration::from_hours(3);

/// Someone who asks in a session.
#[derive(Debug)]
struct InSession(i64);

impl Author for InSession {
    fn label(&self) -> &'static str {
        "user:alice"
    }

    fn session(&self) -> Option<i64> {
        Some(self.0)
    }
}

/// The hash of a session's secret: its id will do.
fn hash(session: &Session) -> String {
    format!("hash of {}", session.id)
}

async fn add_session(metadata: &Metadata, owner: &User) -> Session {
    add_session_by(metadata, owner, &ALICE).await
}

async fn add_session_by(metadata: &Metadata, owner: &User, by: &dyn Author) -> Session {
    let now = metadata.now();
    let session = Session {
        id: metadata.new_id(),
        owner: owner.id,
        owner_name: owner.name.clone(),
        created_at: now,
        last_used_at: now,
        expires_at: now.after(IDLE),
        ends_at: now.after(LIFE),
        address: "192.0.2.7".into(),
        agent: "a browser".into(),
    };
    let added = metadata
        .add_session(&session, (&hash(&session), Shown::Nothing), by)
        .await;
    added.expect("session");
    session
}

async fn is_there(metadata: &Metadata, session: &Session) -> bool {
    let found = metadata.session(session.id).await.expect("session");
    let by_hash = metadata.session_by_hash(&hash(session)).await;
    assert_eq!(found, by_hash.expect("session"));
    found.is_some()
}

/// The same database at a time that stands still until it is moved.
fn at_a_time(metadata: &Metadata) -> (Metadata, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(metadata.now().0));
    let told = Arc::clone(&time);
    let clock = Clock::new(move || Timestamp(told.load(Ordering::SeqCst)));
    (metadata.with_clock(clock), time)
}

fn pass(time: &AtomicI64, passed: Duration) {
    let moved = i64::try_from(passed.as_micros()).expect("time");
    time.fetch_add(moved, Ordering::SeqCst);
}

async fn a_session_is_found_by_its_secret_and_its_id(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    let by_hash = metadata.session_by_hash(&hash(&session)).await;
    assert_eq!(by_hash.expect("session").as_ref(), Some(&session));
    let by_id = metadata.session(session.id).await;
    assert_eq!(by_id.expect("session"), Some(session));
    let unknown = metadata.session_by_hash("another").await;
    assert_eq!(unknown.expect("session"), None);
}

async fn sessions_come_page_by_page(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let first = add_session(metadata, &user).await;
    let others = add_session(metadata, &other).await;
    let second = add_session(metadata, &user).await;
    let page = async |owner, after, limit| {
        let page = metadata.sessions(owner, after, limit).await;
        page.expect("sessions")
    };
    let own = Some(user.id);
    assert_eq!(page(own, 0, 1).await, std::slice::from_ref(&first));
    assert_eq!(page(own, first.id, 10).await, std::slice::from_ref(&second));
    assert!(page(own, second.id, 10).await.is_empty());
    assert_eq!(page(None, first.id - 1, 3).await, [first, others, second]);
}

async fn a_use_moves_the_end_on(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    let use_at = |after: Duration, address: &str| {
        let at = session.created_at.after(after);
        SessionUse {
            session: session.id,
            at,
            address: address.parse().expect("address"),
            expires_at: at.after(IDLE),
        }
    };
    let (early, late) = (Duration::from_mins(1), Duration::from_mins(2));
    // What another server wrote meanwhile is not undone.
    for use_at in [use_at(late, "fd00::1"), use_at(early, "192.0.2.8")] {
        let written = metadata.write_session_uses(&[use_at]).await;
        written.expect("uses");
    }
    let told = metadata.session(session.id).await;
    let expected = Session {
        last_used_at: session.created_at.after(late),
        expires_at: session.created_at.after(late).after(IDLE),
        address: "fd00::1".into(),
        ..session
    };
    assert_eq!(told.expect("session"), Some(expected));
}

async fn a_use_never_moves_the_end_past_the_last_one(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    let at = session.ends_at.before(Duration::from_mins(1));
    let last = SessionUse {
        session: session.id,
        at,
        address: "192.0.2.7".parse().expect("address"),
        expires_at: at.after(IDLE),
    };
    let written = metadata.write_session_uses(&[last]).await;
    written.expect("uses");
    let told = metadata.session(session.id).await.expect("session");
    assert_eq!(told.expect("there").expires_at, session.ends_at);
}

async fn a_session_ends_with_its_time(metadata: &Metadata) {
    let (metadata, time) = at_a_time(metadata);
    let user = add(&metadata, false).await;
    let session = add_session(&metadata, &user).await;
    pass(&time, IDLE);
    time.fetch_sub(1, Ordering::SeqCst);
    assert!(is_there(&metadata, &session).await);
    time.fetch_add(1, Ordering::SeqCst);
    assert!(!is_there(&metadata, &session).await);
    let listed = metadata.sessions(Some(user.id), 0, 10).await;
    assert_eq!(listed.expect("sessions"), []);
    // The next one that is added takes it away. The audit trail is not told of what is to come.
    let next = add_session_by(&metadata, &user, &System::Larder).await;
    time.fetch_sub(1, Ordering::SeqCst);
    assert!(is_there(&metadata, &next).await);
    assert!(!is_there(&metadata, &session).await);
}

async fn a_session_is_ended_of_its_owner_only(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let session = add_session(metadata, &user).await;
    let before = metadata.policy_version().await.expect("version");
    let ended = metadata.drop_session(session.id, other.id, &ALICE).await;
    assert_unmet(ended, Requirement::Session);
    let ended = metadata.drop_session(session.id, user.id, &ALICE).await;
    ended.expect("end");
    assert!(!is_there(metadata, &session).await);
    let after = metadata.policy_version().await.expect("version");
    assert_ne!(before, after, "other servers are told");
    let ended = metadata.drop_session(session.id, user.id, &ALICE).await;
    assert_unmet(ended, Requirement::Session);
}

async fn another_password_ends_all_sessions_but_the_authors(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let (first, second) = (
        add_session(metadata, &user).await,
        add_session(metadata, &user).await,
    );
    let others = add_session(metadata, &other).await;
    let change = async |by: &dyn Author| {
        let password = Some(NewPassword::set("new hash".to_owned()));
        let changed = metadata
            .change_user(&user, password, false, false, by)
            .await;
        changed.expect("change");
    };
    change(&InSession(second.id)).await;
    assert!(!is_there(metadata, &first).await);
    assert!(is_there(metadata, &second).await);
    // Someone else, in a session of their own.
    change(&InSession(others.id)).await;
    assert!(!is_there(metadata, &second).await);
    assert!(is_there(metadata, &others).await);
}

async fn disabling_ends_all_sessions(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    let by = InSession(session.id);
    let changed = metadata.change_user(&user, None, false, true, &by).await;
    changed.expect("change");
    assert!(!is_there(metadata, &session).await);
}

async fn other_changes_end_no_session(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    let changed = metadata.change_user(&user, None, true, false, &ALICE).await;
    changed.expect("change");
    assert!(is_there(metadata, &session).await);
}

async fn a_dropped_user_takes_its_sessions_with_it(metadata: &Metadata) {
    let user = add(metadata, false).await;
    let session = add_session(metadata, &user).await;
    metadata.drop_user(&user, &ALICE).await.expect("drop");
    assert!(!is_there(metadata, &session).await);
}

async fn an_address_is_known_by_sessions_and_tokens(metadata: &Metadata) {
    let (user, other) = (add(metadata, false).await, add(metadata, false).await);
    let is_known = async |user: &User, address: &str| {
        let address = address.parse().expect("address");
        let known = metadata.is_known_address(user.name.as_str(), address).await;
        known.expect("address")
    };
    assert!(!is_known(&user, "192.0.2.7").await);
    add_session(metadata, &user).await;
    assert!(is_known(&user, "192.0.2.7").await);
    assert!(!is_known(&user, "192.0.2.8").await);
    assert!(!is_known(&other, "192.0.2.7").await);
    let token = add_token(metadata, user.id, None).await;
    let first = TokenUse {
        token: token.id,
        at: metadata.now(),
        address: "fd00::1".parse().expect("address"),
    };
    assert!(metadata.is_new_address(first).await.expect("address"));
    assert!(is_known(&user, "fd00::1").await);
    assert!(!is_known(&other, "fd00::1").await);
}
