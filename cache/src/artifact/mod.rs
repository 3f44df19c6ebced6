//! Artifacts: what never changes. Found by reading the documents and lists that name them.

mod unpacked;
mod leads;
mod plans;
mod listed;
mod artifacts;
mod members;

pub(crate) use artifacts::{ArtifactSource, Artifacts, Wanted};
pub(crate) use leads::ListLeads;
pub(crate) use members::SetMembers;
pub(crate) use plans::Plans;
pub(crate) use unpacked::Unpacked;
