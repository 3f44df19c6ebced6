//! What a scrub asks and does: which bytes there are, what is wrong with them, and which objects nobody
//! names.
//!
//! A blob whose bytes are not those of its digest is damaged: it has a row in the quarantine, whoever
//! reads it is told so, and whoever has its bytes is asked to bring them, as if there were none. The
//! row that is written then (`blobs`) makes it right, in whatever way they come: a push, a fetch from
//! an upstream, or a second copy that a scrub has found ([`heal_blob`](crate::Metadata::heal_blob)).
//!
//! | `blobs.state` | its bytes | a file has it |
//! | --- | --- | --- |
//! | `kept` | right, as far as is known | yes, or the collector has not looked |
//! | `condemned` | right, as far as is known | not when the collector looked |
//! | `damaged` | wrong, or not there | yes, or the collector has not looked |
//! | `lost` | wrong, or not there | not when the collector looked |

mod blobs;
mod marks;
mod orphans;
mod quarantine;
mod runs;

#[cfg(test)]
mod tests;

pub use blobs::{Damage, MirrorFile, ScrubBlob};
pub use marks::{HeldBlob, ManifestRow};
pub use orphans::Orphan;
pub use quarantine::Quarantined;
