//! Frees what nothing names any more: looks at what the queues of the database say may go, plans, and
//! acts.
//!
//! Beside that it lets go what the rules of repositories say ([`retain`] decides, [`retention`] does), and
//! counts the bytes that names hold.
//!
//! Knows: in which order names, rows and objects go, how long each waits, how a run tells of itself.
//! Must never know: anyone's request, who may ask for what, protocols, SQL.
//!
//! ```text
//! expired trash ── its copies of rows go ─────────────────────────────┐
//! leftovers of documents ── their rows go ───────────────────────────┤
//! ended uploads, links ── a row of a blob that no manifest names goes ─┐
//!                  gc_blobs: a digest without a file is condemned ── its row goes ── its object goes
//! ```
//!
//! A dry run is the same walk without the acts. Nothing here is needed for safety: each act of
//! `larder_metadata::collection` is done only while what it was planned on is so, and an object is
//! removed only when no row can name it any more.

pub mod retain;

mod outcome;
mod waits;

mod freed;
mod traffic;
mod unfinished;

mod context;

mod leftovers;
mod trash;
mod blobs;
mod links;
mod objects;

mod collect;

mod usage;

pub mod retention;

#[cfg(test)]
mod tests;

pub use collect::Collector;
pub use freed::Freed;
pub use outcome::Outcome;
pub use traffic::Traffic;
pub use unfinished::{GivenUp, Unfinished};
pub use usage::UsageCount;
pub use waits::{RunWaits, Waits};
