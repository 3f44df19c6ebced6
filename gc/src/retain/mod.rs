//! Which versions of a repository go, and which stay: rows in, decisions with their reasons out.
//!
//! Knows: rules, the order of pushes, series of versions, how the manifests of an image need one
//! another. Must never know: databases, clocks, who asks. What is decided here is decided once more,
//! on the rows of that moment, in the commit that deletes.

mod decision;
mod rules;
mod graph;
mod images;
mod mirror;

pub use decision::{Action, Decision};
pub(crate) use graph::Graph;
pub use graph::{Image, Link, LinkKind, Manifest, TaggedDigest};
pub use images::{ImageOutcome, ImageRemoval, decide_image};
pub use mirror::{Budget, IN_USE, MirrorOutcome, Part, Unit, UnitKind, decide_mirror, freed_by};
pub use rules::{Candidate, decide};

#[cfg(test)]
mod tests;
