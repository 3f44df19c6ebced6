//! Entries of what changes nothing: logins, refusals, uses of tokens. The like of one minute are one
//! entry, for as long as it is not sealed.

use super::note::ADD;
use crate::ids::made_at;
use crate::{Batch, Error, Metadata};
use larder_model::{Action, Outcome, Timestamp};
use std::net::IpAddr;
use std::time::Duration;

const COUNT: &str = "update audit_waiting set count = count + ?2 where id = ?1";
const IS_THERE: &str = "select id from audit_waiting where id = ?1";

/// The like of events within it are one entry.
const SPAN: Duration = Duration::from_mins(1);
/// Events written in one batch.
const BATCH: usize = 500;

/// Something that happened and changed nothing. Equal ones are the like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Who: `user:alice`, `robot:ci`, `anonymous`.
    pub actor: Box<str>,
    /// What was done, or was to be done.
    pub action: Action,
    /// To what.
    pub object: Box<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// From which address.
    pub address: Option<IpAddr>,
    /// What else is told of it: a JSON object without secrets.
    pub details: Box<str>,
}

/// How often an event happened since it was written last.
#[derive(Clone, Debug)]
pub struct EventCount {
    /// The event.
    pub event: Event,
    /// The id of the first of these requests.
    pub request_id: Box<str>,
    /// How often.
    pub count: u64,
    /// The entry that stands for it; `None`: it has none. Whoever writes it again hands it in again.
    pub entry: Option<i64>,
}

/// The end of the minute of a moment.
fn end_of_span(at: Timestamp) -> Timestamp {
    let micros = i64::try_from(SPAN.as_micros()).unwrap_or(i64::MAX);
    Timestamp(at.0.saturating_sub(at.0.rem_euclid(micros))).after(SPAN)
}

impl Metadata {
    /// Writes events down, and notes in each which entry stands for it: that of the like of the same
    /// minute if it is not sealed, else a new one. What is written has the `count` 0, also after a
    /// failure.
    pub async fn write_events(&self, events: &mut [EventCount]) -> Result<(), Error> {
        for part in events.chunks_mut(BATCH) {
            self.write_batch(part).await?;
        }
        Ok(())
    }

    async fn write_batch(&self, events: &mut [EventCount]) -> Result<(), Error> {
        let mut batch = Batch::default();
        let mut made = Vec::with_capacity(events.len());
        for counted in events.iter() {
            let new = self.new_id();
            let is_open = |entry: &i64| made_at(new) < end_of_span(made_at(*entry));
            let open = counted.entry.filter(is_open);
            match open {
                Some(open) => batch.unless(COUNT, [open.into(), counted.count.into()], |batch| {
                    add(batch, new, counted);
                }),
                None => add(&mut batch, new, counted),
            }
            made.push((new, open));
        }
        self.sql.apply(batch).await?;
        for (counted, (new, open)) in events.iter_mut().zip(&made) {
            (counted.count, counted.entry) = (0, Some(open.unwrap_or(*new)));
        }
        // An entry that was open may have been sealed before it was counted up.
        for (counted, (new, open)) in events.iter_mut().zip(made) {
            if open.is_some() && self.has_entry(new).await? {
                counted.entry = Some(new);
            }
        }
        Ok(())
    }

    async fn has_entry(&self, id: i64) -> Result<bool, Error> {
        Ok(!self.sql.rows(IS_THERE, &[id.into()]).await?.is_empty())
    }
}

fn add(batch: &mut Batch, id: i64, counted: &EventCount) {
    let (event, at) = (&counted.event, made_at(id));
    let address = event.address.map(|address| address.to_string());
    let values = [
        id.into(),
        at.into(),
        event.actor.as_ref().into(),
        event.action.into(),
        event.object.as_ref().into(),
        event.outcome.into(),
        address.unwrap_or_default().into(),
        counted.request_id.as_ref().into(),
        event.details.as_ref().into(),
        counted.count.into(),
        end_of_span(at).into(),
    ];
    batch.run(ADD, values);
}
