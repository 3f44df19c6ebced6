//! The format of a backup: one file of parts, written and read from front to end.
//!
//! Knows: which parts there are, their order, how each is named, framed, packed and summed.
//! Must never know: where the bytes come from or go to, SQL, stores, HTTP. No IO of its own: a reader
//! is over any `Read`, a writer makes bytes.
//!
//! A backup is a tar (POSIX.1-1988 `ustar`), so that its parts can be looked at with any tar:
//!
//! ```text
//! manifest.json                       what is inside
//! keys/<name>                         the server's secrets that are files
//! tables/<table>/<number>.ndjson.zst  rows, a JSON array on each line
//! blobs/sha256/<hex>                  bytes under their digest, in its order
//! sums.json                           the digest of every part before it
//! ```
//!
//! Every bit counts: a header is as this crate writes it or it is refused, padding is zero, and what
//! the header does not hold a digest does. `docs/backup.md` describes it for people.

mod fault;
mod manifest;
mod part;

mod header;
mod rows;
mod sums;

mod writer;

mod reader;
mod verify;

#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use manifest::{Column, ColumnKind, FORMAT, Manifest, Objects, Table};
pub use part::PartName;
pub use reader::{Part, Reader};
pub use rows::{RowPacker, Rows};
pub use verify::{Verified, verify};
pub use writer::{Writer, padding};
