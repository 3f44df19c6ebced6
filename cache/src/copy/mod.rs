//! Copies of versions and images in other repositories of their protocol: rows alone, in one commit.

mod graph;
mod upstream;
mod conflict;
mod planned;
mod copier;

pub(crate) use copier::Copier;
pub(crate) use graph::GraphReader;
pub(crate) use upstream::UpstreamReader;
