//! Git repositories. They are no files at addresses, so a door of their own serves them; here is what
//! all protocols tell of themselves.

mod connect;

use crate::connect::Client;
use crate::describing::{About, DescribedFile, Describing, Marks};
use crate::protocol::{Call, Protocol, VersionKind};
use crate::publishing::{Body, StoredFile};
use crate::request::{RepoRequest, RepoUrl};
use crate::resource::{Artifact, Document, Plan, Source, Table};
use bytes::Bytes;
use larder_model::{Problem, ProtocolName, Reply, RepoKind};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The path of the document that tells of a repository's refs.
pub const STATE: &str = "state";
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

    fn package_document(&self, package: &str) -> Option<Document> {
        Some(Document::new(package, STATE))
    }

    fn describing(&self) -> Option<&'static dyn Describing> {
        Some(&Git)
    }

    fn has_refs(&self) -> bool {
        true
    }

    /// All: what is pushed is taken by its own door.
    fn repo_kinds(&self) -> &'static [RepoKind] {
        &[RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group]
    }

    fn version_kind(&self) -> VersionKind {
        VersionKind::Tag
    }

    fn connect(&self) -> &'static [Client] {
        connect::CLIENTS
    }
}

/// What is read of the state of a repository.
#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    refs: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Describing for Git {
    /// Refs are what other protocols call tags: names for what is there, which move.
    fn marks(&self, _: &Document, body: &[u8]) -> Result<Marks, Problem> {
        let state: State<'_> = serde_json::from_slice(body).map_err(Problem::internal)?;
        // Behind a tag's own object stands what it is of.
        let object = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
        let refs = state.refs.iter();
        let tags = refs.map(|(name, text)| (name.clone().into_owned(), object(text)));
        Ok(Marks {
            tags: tags.collect(),
            ..Marks::default()
        })
    }

    fn choose<'f>(&self, _: &'f [StoredFile]) -> Option<&'f StoredFile> {
        None
    }

    fn of_file(&self, _: &DescribedFile<'_>, _: &mut dyn Body) -> Result<About, Problem> {
        Err(has_own_door())
    }
}

#[cfg(test)]
mod tests;
