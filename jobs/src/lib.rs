//! Jobs: work that takes a while and outlives the server that does it, and the schedules by which it
//! begins.
//!
//! Knows: which kinds of work this server can do, how a job is taken, kept alive, watched, ended and
//! given back. Must never know: what any work does, SQL, who may ask for what, HTTP.
//!
//! Whoever has work to do implements [`Work`]; `server` registers it ([`Works`]). The row of a job
//! says who holds it (`larder_metadata::jobs`): of several servers one works on a job of a kind, and
//! each write for it requires that it still does.

mod ended;
mod item;
mod pace;

mod context;
mod work;

mod watch;

mod runner;
mod scheduler;

mod jobs;

#[cfg(test)]
mod tests;

pub use context::JobContext;
pub use ended::{Ended, WorkError};
pub use item::{Item, MAX_ITEMS, Progress};
pub use jobs::Jobs;
pub use pace::Pace;
pub use watch::Watching;
pub use work::{Work, Works};
