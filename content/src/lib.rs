//! The one way in which bytes get a name: stage, digest, make durable, write the rows, remove what
//! turned out to be a duplicate. And how they are read, while what nothing names is freed.
//!
//! Knows: the order of these steps and what may be left behind where one of them fails.
//! Must never know: HTTP, protocols, who may do what, where the bytes come from.
//!
//! ```text
//! stage ── bytes ── digest ── Prepared ── rows in one commit ── duplicate removed ── staging gone
//!    a crash here leaves staged bytes ┘         └ a crash here leaves an object that no row names
//! ```
//!
//! Bytes are durable before a row names them, so a crash leaves garbage and never a hole. An object
//! has a generation of its own: where two bring the same bytes at once, the row that was written first
//! counts, and the other object is removed by whoever brought it.

mod keep;
mod read;
mod restored;
mod spool;

pub use keep::{ContentStore, INLINE_BYTES, Prepared};
pub use restored::ObjectWriter;
pub use spool::Spool;
