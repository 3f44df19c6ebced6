//! Git repositories. They are no files at addresses, so a door of their own serves them; here is what
//! all protocols tell of themselves.

mod connect;

use crate::connect::Client;
use crate::protocol::{Call, Protocol, VersionKind};
use crate::request::{RepoRequest, RepoUrl};
use crate::resource::{Artifact, Document, Plan, Source, Table};
use bytes::Bytes;
use larder_model::{Problem, ProtocolName, Reply};
use std::sync::Arc;

/// The protocol's name.
pub const NAME: ProtocolName = ProtocolName("git");

/// The protocol of git repositories.
#[derive(Debug)]
pub struct Git;

fn has_own_door() -> Problem {
    Problem::not_found("path", "no such path in git's protocol")
}

impl Protocol for Git {
    fn name(&self) -> ProtocolName {
        NAME
    }

    fn parse(&self, _: &RepoRequest<'_>) -> Result<Call, Problem> {
        Err(has_own_door())
    }

    /// Servers of repositories have no address that tells what they are; whatever they answer at their
    /// root, they are there.
    fn probes(&self) -> &'static [&'static str] {
        &[""]
    }

    fn source(&self, _: &Document, _: &[Option<Bytes>]) -> Result<Source, Problem> {
        Err(has_own_door())
    }

    fn check(&self, _: &Document, _: &[u8]) -> Result<usize, Problem> {
        Err(has_own_door())
    }

    fn plan(
        &self,
        _: &Artifact,
        _: &[Option<Bytes>],
        _: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem> {
        Err(has_own_door())
    }

    fn content_type(&self, _: &Artifact) -> &'static str {
        "application/octet-stream"
    }

    fn refuse(&self, problem: &Problem, _: &RepoUrl<'_>) -> Reply {
        Reply::new(problem.status()).with_body("text/plain", format!("{}\n", problem.detail))
    }

    fn has_refs(&self) -> bool {
        true
    }

    fn version_kind(&self) -> VersionKind {
        VersionKind::Tag
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

#[cfg(test)]
mod tests;
