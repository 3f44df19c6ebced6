//! What the collector asks and does: which names and bytes may go, and that they go.
//!
//! Queues say what to look at. Triggers fill them in the commit that takes a name away, so nothing
//! that goes is missed and nothing else is looked at:
//!
//! | queue | what is in it | goes when |
//! | --- | --- | --- |
//! | `gc_links`, ended `uploads` | a hosted image's row of a blob | no manifest names it, and nobody relies on it |
//! | `gc_blobs` | a digest that a file had | no file has it: condemned at the first look, gone at the second |
//! | `gc_objects` | an object without a row | at once: its generation is never used again |
//!
//! A file's row holds the bytes of its digest, by a foreign key. Whoever brings bytes that are
//! condemned takes them back (`state = 'kept'`); whoever brings them once the row is gone makes a new
//! row, with an object of another generation. Each act states what it saw and is done only while that
//! is so, so nothing here waits for a push and no push waits for it.

mod blobs;
mod links;
mod objects;

mod explain;
mod requeue;

#[cfg(test)]
mod tests;

pub(crate) use blobs::free_at_once;
pub use blobs::{BlobPlan, DueBlob};
pub use explain::{BlobHolder, BlobReport, QueueReport};
pub use links::{DueLink, LinkPlan, LinkQueue};
pub use objects::GoneObject;
pub(crate) use requeue::requeue;
