//! What a protocol is to the engine: nine questions that each answers, and accessors to what only
//! some have.

use crate::account::{AccountRequest, Accounts};
use crate::connect::Client;
use crate::index::Index;
use crate::names::{Names, PlainNames};
use crate::publishing::{PublishRequest, Publishing};
use crate::query::UpstreamQuery;
use crate::request::{RepoRequest, RepoUrl};
use crate::resource::{Artifact, Document, Plan, ReadRequest, RenderRequest, Set, Source, Table};
use crate::search::{Search, SearchRequest};
use bytes::Bytes;
use larder_model::{Digest, Problem, ProtocolName, Reply};
use std::sync::Arc;

/// What a request asks of a repository. Its path is read once, to this; nothing later reads it.
pub enum Call {
    /// It reads.
    Read(ReadRequest),
    /// It changes a package.
    Publish(PublishRequest),
    /// It is about the caller's account, not about the repository.
    Account(AccountRequest),
    /// It searches for packages.
    Search(SearchRequest),
    /// It asks what only upstreams can answer; the question is in the body.
    Query(&'static dyn UpstreamQuery),
}

impl Call {
    /// The package that it is about; empty where it is none, or where the path does not say so.
    pub fn package(&self) -> &str {
        match self {
            Self::Read(read) => read.package(),
            Self::Publish(publish) => &publish.package,
            Self::Account(_) | Self::Search(_) | Self::Query(_) => "",
        }
    }
}

/// What the versions of a package are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionKind {
    /// Names that never move: what a version is stays so.
    Version,
    /// Tags, which move. They are deleted by name, and never yanked.
    Tag,
}

/// A protocol of files.
pub trait Protocol: Send + Sync {
    /// Its label, which is the first segment of its addresses.
    fn name(&self) -> ProtocolName;

    /// What a request asks for.
    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem>;

    /// What is requested of an upstream to see whether it is there: the first of these that it has.
    fn probes(&self) -> &'static [&'static str];

    /// Where a document is upstream. `known`: the documents that the steps before asked for, `None`
    /// for one that is not there.
    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem>;

    /// Refuses bytes that cannot be the document: a page that says "log in" is no index.
    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem>;

    /// A representation of a document, which passed the check. Called for those with a name only.
    /// Default: documents are served as they came.
    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let _ = request;
        Ok(body.to_vec())
    }

    /// The next step towards an artifact. `known`: the documents that the steps before asked for,
    /// `None` for one that is not there upstream; `tables`: the lists that they consulted.
    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem>;

    /// The media type under which an artifact is served; empty: the one that it came with.
    fn content_type(&self, artifact: &Artifact) -> &'static str;

    /// A problem in the protocol's dialect. Status and headers follow from the problem.
    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply;

    /// How names of packages are compared. Default: they have one spelling.
    fn names(&self) -> &dyn Names {
        &PlainNames
    }

    /// What the versions of a package are.
    fn version_kind(&self) -> VersionKind {
        VersionKind::Version
    }

    /// The name that a bearer token of an upstream is for; `None` where upstreams give out none.
    fn token_scope<'a>(&self, package: &'a str) -> Option<&'a str> {
        let _ = package;
        None
    }

    /// Publishing, where the protocol has hosted repositories.
    fn publishing(&self) -> Option<&dyn Publishing> {
        None
    }

    /// Searches, where clients make them.
    fn search(&self) -> Option<&dyn Search> {
        None
    }

    /// Documents that describe whole repositories, where there are such.
    fn index(&self) -> Option<&dyn Index> {
        None
    }

    /// Accounts, where clients ask about them.
    fn accounts(&self) -> Option<&dyn Accounts> {
        None
    }

    /// Digests of documents, where clients ask for documents by them.
    fn digests(&self) -> Option<&dyn Digests> {
        None
    }

    /// Documents that belong together, where there are such.
    fn sets(&self) -> Option<&dyn Sets> {
        None
    }

    /// Lists of artifacts that a plan consults, where there are such.
    fn tables(&self) -> Option<&dyn Tables> {
        None
    }

    /// The clients whose configuration is known.
    fn connect(&self) -> &'static [Client] {
        &[]
    }
}

/// Digests of documents.
pub trait Digests: Send + Sync {
    /// The header in which an upstream sends a document's digest, so that a HEAD says whether the
    /// document changed.
    fn header(&self) -> http::HeaderName;

    /// The path of the artifact that has the same bytes as a document; `None` if there is none.
    fn alias(&self, document: &Document, digest: &Digest) -> Option<Box<str>>;
}

/// Documents that belong together.
pub trait Sets: Send + Sync {
    /// What must be stored together with a document; nothing for most.
    fn set(&self, document: &Document, body: &[u8]) -> Result<Set, Problem>;

    /// The document that a companion belongs to: it is fetched first, and brings the companion.
    fn head_of(&self, companion: &Document) -> Option<Document>;
}

/// Lists of artifacts.
pub trait Tables: Send + Sync {
    /// Reads a list that a plan consults.
    fn read(&self, list: &Artifact, body: &[u8]) -> Result<Arc<dyn Table>, Problem>;
}
