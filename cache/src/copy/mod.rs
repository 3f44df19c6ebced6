//! Copies of versions and images in other repositories of their protocol: rows alone, in one commit.

mod graph;
mod copier;

pub(crate) use copier::Copier;
pub(crate) use graph::GraphReader;
