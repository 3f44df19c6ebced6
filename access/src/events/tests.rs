use super::*;
use crate::standing::Standing;
use larder_metadata::audit::{AuditEntry, AuditFilter};

/// A database whose clock stands until it is moved.
struct Bed(Standing);

impl Bed {
    async fn new() -> Self {
        Self(Standing::new().await)
    }

    async fn flush(&self, events: &Events) {
        events.flush(&self.0.metadata).await.expect("flush");
    }

    /// All entries, the oldest first.
    async fn entries(&self) -> Vec<AuditEntry> {
        let filter = AuditFilter::default();
        let all = self.0.metadata.audit(&filter, None, 5000);
        let mut all = all.await.expect("audit");
        all.reverse();
        all
    }

    async fn counts(&self) -> Vec<u64> {
        self.entries()
            .await
            .iter()
            .map(|entry| entry.count)
            .collect()
    }
}

fn refused(actor: &str) -> Event {
    Event {
        actor: actor.into(),
        action: Action::Access,
        object: "npm/local".into(),
        outcome: Outcome::Refused,
        address: None,
        details: "{}".into(),
    }
}

#[tokio::test]
async fn the_like_of_a_minute_are_counted_into_one_entry() {
    let (bed, events) = (Bed::new().await, Events::default());
    for _ in 0..3 {
        events.record(refused("user:alice"), "r-1");
        events.record(refused("user:alice"), "r-2");
        events.record(refused("user:bob"), "r-3");
        bed.flush(&events).await;
    }
    let entries = bed.entries().await;
    let told = |entry: &AuditEntry| {
        (
            entry.actor.to_string(),
            entry.count,
            entry.request_id.to_string(),
        )
    };
    let mut told: Vec<_> = entries.iter().map(told).collect();
    told.sort();
    let line = |who: &str, count, id: &str| (who.to_owned(), count, id.to_owned());
    assert_eq!(
        told,
        [line("user:alice", 6, "r-1"), line("user:bob", 3, "r-3")]
    );
}

#[tokio::test]
async fn another_minute_has_another_entry() {
    let (bed, events) = (Bed::new().await, Events::default());
    for _ in 0..2 {
        events.record(refused("user:alice"), "r");
        bed.flush(&events).await;
        bed.0.pass(MINUTE);
    }
    assert_eq!(bed.counts().await, [1, 1]);
}

#[tokio::test]
async fn nothing_is_written_where_nothing_happened() {
    let (bed, events) = (Bed::new().await, Events::default());
    bed.flush(&events).await;
    events.record(refused("user:alice"), "r");
    bed.flush(&events).await;
    bed.flush(&events).await;
    assert_eq!(bed.counts().await, [1]);
}

#[tokio::test]
async fn kinds_beyond_the_limit_are_one_entry() {
    let (bed, events) = (Bed::new().await, Events::default());
    let beyond = 7;
    for number in 0..MAX_KINDS + beyond {
        events.record(refused(&format!("user:{number}")), "r");
    }
    bed.flush(&events).await;
    let entries = bed.entries().await;
    assert_eq!(entries.len(), MAX_KINDS + 1);
    let over = entries
        .iter()
        .find(|entry| &*entry.action == "audit.overflow");
    assert_eq!(over.map(|entry| entry.count), Some(beyond as u64));
    // The next minute has room again.
    bed.0.pass(MINUTE);
    bed.flush(&events).await;
    events.record(refused("user:late"), "r");
    bed.flush(&events).await;
    let last = bed.entries().await.pop().expect("an entry");
    assert_eq!((&*last.actor, last.count), ("user:late", 1));
}

#[tokio::test]
async fn long_texts_are_cut_off() {
    let (bed, events) = (Bed::new().await, Events::default());
    events.record(refused(&"\u{e4}".repeat(MAX_TEXT * 2)), "r");
    bed.flush(&events).await;
    let entry = bed.entries().await.remove(0);
    assert_eq!(entry.actor.chars().count(), MAX_TEXT);
}

/// Strangers choose the names that they log in by: what others do is told all the same.
#[tokio::test]
async fn refused_logins_do_not_fill_the_place_of_others() {
    let (bed, events) = (Bed::new().await, Events::default());
    let login = |name: &str, outcome| Event {
        action: Action::Login,
        object: name.into(),
        outcome,
        ..refused("anonymous")
    };
    for number in 0..3 * MAX_KINDS {
        events.record(login(&format!("user:{number}"), Outcome::Refused), "r-1");
    }
    events.record(refused("user:alice"), "r-2");
    events.record(login("user:alice", Outcome::Ok), "r-3");
    bed.flush(&events).await;
    let entries = bed.entries().await;
    let count = |is: &dyn Fn(&AuditEntry) -> bool| {
        let counted = entries.iter().filter(|entry| is(entry));
        counted.map(|entry| entry.count).sum::<u64>()
    };
    assert_eq!(count(&|entry| &*entry.actor == "user:alice"), 1);
    assert_eq!(count(&|entry| &*entry.action == "audit.overflow"), 0);
    let all = 3 * MAX_KINDS as u64;
    assert_eq!(count(&|entry| &*entry.action == "login"), all + 1);
    assert_eq!(
        count(&|entry| &*entry.object == OTHERS),
        all - MAX_REFUSED as u64
    );
}
