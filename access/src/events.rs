//! Logins, refusals and uses of tokens, counted in memory until they are written into the audit
//! trail. Counting does no IO, so a flood of refusals costs no write each; a job writes the counts
//! every second.

use larder_metadata::audit::{Event, EventCount};
use larder_metadata::{Error, Metadata};
use larder_model::{Action, Outcome, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Kinds of events that are told apart in a minute; what is beyond is one kind.
const MAX_KINDS: usize = 1000;
/// Of logins that were refused, names that are told apart in a minute: whoever is nobody chooses them, and
/// must not fill the place of what others do.
const MAX_REFUSED: usize = 500;
/// What stands for all other names.
const OTHERS: &str = "others";
/// Characters of a text of an event, which clients may have chosen.
const MAX_TEXT: usize = 512;
/// In microseconds.
const MINUTE: i64 = 60_000_000;

/// Events that are not written yet, and which entries stand for those of this minute that are.
#[derive(Debug, Default)]
pub struct Events {
    counts: Mutex<Counts>,
    /// One writes at a time, so that each event has one entry.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Counts {
    kinds: HashMap<Event, Counted>,
    /// The minute in which the kinds were written last.
    minute: i64,
}

#[derive(Debug)]
struct Counted {
    count: u64,
    request_id: Box<str>,
    entry: Option<i64>,
}

/// The event that stands for all kinds that are too many.
fn overflow() -> Event {
    Event {
        actor: "larder".into(),
        action: Action::AuditOverflow,
        object: "audit".into(),
        outcome: Outcome::Failed,
        address: None,
        details: "{}".into(),
    }
}

fn is_refused_login(event: &Event) -> bool {
    event.action == Action::Login && event.outcome == Outcome::Refused
}

/// A text of an event, cut off where it is too long.
fn cut(text: &mut Box<str>) {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        *text = text[..end].into();
    }
}

impl Events {
    /// Counts an event of the request of this id. Its actor and object are cut off at 512
    /// characters; its details are whole, so they must be short.
    pub fn record(&self, mut event: Event, request_id: &str) {
        cut(&mut event.actor);
        cut(&mut event.object);
        let mut counts = self.counts();
        let is_new = |counts: &Counts, event: &Event| !counts.kinds.contains_key(event);
        if is_refused_login(&event) && is_new(&counts, &event) && counts.refused() >= MAX_REFUSED {
            (event.object, event.address) = (OTHERS.into(), None);
        }
        if is_new(&counts, &event) && counts.kinds.len() >= MAX_KINDS {
            event = overflow();
        }
        let counted = counts.kinds.entry(event).or_insert_with(|| Counted {
            count: 0,
            request_id: request_id.into(),
            entry: None,
        });
        counted.count += 1;
    }

    /// Writes down what was counted since the last time. What could not be written is written the
    /// next time.
    pub async fn flush(&self, metadata: &Metadata) -> Result<(), Error> {
        let writing = self.writing.lock().await;
        let mut events = self.counts().take(metadata.now());
        let written = metadata.write_events(&mut events).await;
        self.counts().put_back(events);
        drop(writing);
        written
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn refused(&self) -> usize {
        let kinds = self.kinds.keys();
        kinds.filter(|event| is_refused_login(event)).count()
    }

    /// What is to be written. Kinds of a minute that is past are forgotten.
    fn take(&mut self, now: Timestamp) -> Vec<EventCount> {
        let minute = now.0.div_euclid(MINUTE);
        if self.minute != minute {
            self.minute = minute;
            self.kinds.retain(|_, counted| counted.count > 0);
        }
        let waiting = self
            .kinds
            .iter_mut()
            .filter(|(_, counted)| counted.count > 0);
        let take = |(event, counted): (&Event, &mut Counted)| EventCount {
            event: event.clone(),
            request_id: counted.request_id.clone(),
            count: std::mem::take(&mut counted.count),
            entry: counted.entry,
        };
        waiting.map(take).collect()
    }

    fn put_back(&mut self, events: Vec<EventCount>) {
        for written in events {
            if let Some(counted) = self.kinds.get_mut(&written.event) {
                counted.count += written.count;
                counted.entry = written.entry;
            }
        }
    }
}

#[cfg(test)]
mod tests;
