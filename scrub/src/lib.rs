//! Reads all that is kept, looks whether it is what it should be, and mends what it can.
//!
//! Knows: in which order blobs, objects and rows are looked at, how fast, and what becomes of what is
//! wrong. Must never know: anyone's request, who may ask for what, protocols, SQL.
//!
//! ```text
//! blobs ── each is read and hashed ── right
//!                                  └─ wrong ── quarantined ── a second copy ┐
//!                                                          ── an upstream   ├─ healed
//!                                                          ── made anew     ┘
//!                                                          └─ stays so, and is told
//! orphans ── objects that no row names ── seen twice, a grace apart ── the collector removes them
//! mark ── what manifests name, read from their bytes ── compared with the rows, and told
//! ```
//!
//! A blob is quarantined before anything is tried, so that nobody gets damaged bytes meanwhile; it is
//! healed by the row that is written when its bytes come again, whoever brings them. Nothing that is
//! right is ever removed by what is done here.

mod found;
mod outcome;
mod rate;
mod seam;

mod state;

mod run;

mod verify;
mod heal;
mod blobs;
mod orphans;
mod mark;

mod scrub;

#[cfg(test)]
mod tests;

pub use found::Found;
pub use outcome::{Mark, Outcome};
pub use rate::{Rate, UNLIMITED};
pub use scrub::{Parts, Scrub};
pub use seam::{Manifests, Named, Upstreams};
