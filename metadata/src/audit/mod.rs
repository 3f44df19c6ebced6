//! The audit trail: what was done, asked and refused, by whom, from where.
//!
//! A change writes its entry in its own batch (`note`), so neither is there
//! without the other. Events that change nothing (logins, refusals) are counted in memory by the
//! caller and written by [`write_events`](crate::Metadata::write_events). An entry that is written waits;
//! [`seal`](crate::Metadata::seal) gives it its place in the chain and a hash over itself and the entry
//! before it. From then on a change of it, or its absence, is found by
//! [`verify_audit`](crate::Metadata::verify_audit). Only the oldest sealed entries are deleted, and the
//! chain then begins at the hash of the last of them.
//!
//! An id tells when it was made, so the order of ids is that of time, and a span of time is a
//! range of ids.

mod entry;
mod note;
mod events;

mod chain;
mod verify;
mod prune;

mod list;

pub use entry::AuditEntry;
pub use events::{Event, EventCount};
pub use list::AuditFilter;
pub use verify::{AuditFault, AuditReport, FaultKind};

pub(crate) use note::Object;
