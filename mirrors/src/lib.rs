//! The file protocols, as pure functions: what a request asks for, where it is upstream, what
//! vouches for it, how it is said to the client.
//!
//! Knows: each protocol's addresses, documents, checksums and dialects.
//! Must never know: IO, async, SQL, the clock, the database, whether something is kept, who asks.
//!
//! Every protocol asks for two kinds of thing: a [`Document`] that changes and an [`Artifact`] that
//! never does. One engine (`cache`) moves the bytes of all of them.

pub mod account;
pub mod publishing;
pub mod query;
pub mod request;
pub mod connect;
mod text;
mod json;
mod xml;
mod archive;

pub mod cargo;
pub mod npm;
pub mod oci;
pub mod pypi;
pub mod rpm;

pub mod clients;

pub use account::Account;
pub use publishing::Publishing;
pub use query::UpstreamQuery;
pub use request::{RepoRequest, RepoUrl};

use bytes::Bytes;
use connect::Client;
pub use larder_model::Integrity;
use larder_model::{Digest, Problem, ProtocolName, Reply};
use std::borrow::Cow;
use std::sync::Arc;

/// All protocols that have addresses of the form `/<protocol>/<repo>/`: the only list. Images have
/// their own, below `/v2/`.
pub fn all() -> [&'static dyn Protocol; 4] {
    [&cargo::Cargo, &npm::Npm, &pypi::Pypi, &rpm::Rpm]
}

/// The protocol of this name, images included; `None` if there is none of it here.
pub fn of(name: ProtocolName) -> Option<&'static dyn Protocol> {
    if name == ProtocolName::OCI {
        return Some(&oci::Oci);
    }
    all().into_iter().find(|protocol| protocol.name() == name)
}

/// Something that changes: an index, a packument, a signed list.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Document {
    /// The package it tells of, in the protocol's canonical form; empty for one that tells of the
    /// whole repo.
    pub package: Box<str>,
    /// Its key among the files of the package.
    pub path: Box<str>,
}

impl Document {
    /// The document `path` of `package`.
    pub fn new(package: impl Into<Box<str>>, path: impl Into<Box<str>>) -> Self {
        Self {
            package: package.into(),
            path: path.into(),
        }
    }
}

/// Something that never changes: a tarball, a wheel, a crate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Artifact {
    /// The package it is of, in the protocol's canonical form; empty if only an index can tell.
    pub package: Box<str>,
    /// The version, where its name tells.
    pub version: Option<Box<str>>,
    /// Its key among the files of the package.
    pub path: Box<str>,
}

/// What a request asks for.
#[derive(Debug)]
pub enum ReadRequest {
    /// A document in one of its forms.
    Document(Document, Representation),
    /// A part of a document in one of its forms: which one.
    Part(Document, Representation, Box<str>),
    /// An artifact.
    Artifact(Artifact),
    /// What this server says by itself.
    Own(fn(&RepoUrl<'_>) -> Reply),
    /// What only upstreams can answer; the question is in the body.
    UpstreamQuery(&'static dyn UpstreamQuery),
    /// The same thing has another address, below the repo's own.
    Moved(Box<str>),
}

impl ReadRequest {
    /// The package that is asked for; empty where it is none, or where only an index tells.
    pub fn package(&self) -> &str {
        match self {
            Self::Document(Document { package, .. }, _)
            | Self::Part(Document { package, .. }, ..)
            | Self::Artifact(Artifact { package, .. }) => package,
            Self::Own(_) | Self::UpstreamQuery(_) | Self::Moved(_) => "",
        }
    }
}

/// One way in which a document is served.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Representation {
    /// Tells the forms of one document apart; empty: the bytes exactly as they came.
    pub name: &'static str,
    /// Media type; empty: the one that the document came with.
    pub content_type: &'static str,
    /// Whether it holds addresses of this server.
    pub has_absolute_urls: bool,
    /// Whether it may be compressed on its way.
    pub compressible: bool,
}

/// The next step towards a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// This document must be read first: it tells where.
    Read(Document),
    /// It can be fetched.
    At {
        /// Absolute, or relative to the upstream's address with each segment encoded.
        url: String,
        /// Media types asked for.
        accept: &'static str,
    },
}

/// How an artifact is got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// Absolute, or relative to the upstream's address.
    pub url: String,
    /// What vouches for its bytes.
    pub integrity: Integrity,
    /// Its size in bytes, if an index tells.
    pub size: Option<u64>,
}

/// The next step towards an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// This document must be read first.
    Read(Document),
    /// This list must be consulted first. It is got in this way, and read once however many
    /// packages it is asked for.
    Consult(Artifact, Fetch),
    /// It can be fetched.
    Fetch(Fetch),
}

/// A large list of artifacts, read once.
pub trait Table: Send + Sync {
    /// How the artifact at `path` below `root` is got.
    fn find(&self, root: &str, path: &str) -> Option<Fetch>;

    /// How much memory it takes, in bytes.
    fn weight(&self) -> usize;
}

/// What must be kept before a document may take the place of the one before it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Set {
    /// Documents that belong to exactly this one, as its signature does; they may be absent
    /// upstream.
    pub companions: Vec<Document>,
    /// Artifacts that it names, with what it says of them.
    pub members: Vec<(Artifact, Fetch)>,
}

/// A protocol of files.
pub trait Protocol: Send + Sync {
    /// Its label, which is the first segment of its addresses.
    fn name(&self) -> ProtocolName;

    /// Publishing, where this room has it. Default: nothing is published here.
    fn publishing(&self) -> Option<&dyn Publishing> {
        None
    }

    /// The one spelling of a name, or of a pattern of names, whose stars are left as they are.
    /// Default: names have one spelling.
    fn canonical<'a>(&self, name: &'a str) -> Cow<'a, str> {
        name.into()
    }

    /// The package that an artifact is of, as far as its name tells; empty if it tells nothing.
    /// Default: the one that was asked for.
    fn package_of<'a>(&self, artifact: &'a Artifact) -> &'a str {
        &artifact.package
    }

    /// The clients whose configuration is known. Default: none.
    fn connect(&self) -> &'static [Client] {
        &[]
    }

    /// Accounts, where this protocol's clients ask about them. Default: they do not.
    fn account(&self) -> Option<&dyn Account> {
        None
    }

    /// What a request asks for.
    fn parse(&self, request: &RepoRequest<'_>) -> Result<ReadRequest, Problem>;

    /// What is asked of an upstream to see whether it is there: the first of these that it has.
    fn probes(&self) -> &'static [&'static str];

    /// Where a document is upstream. `known`: the documents that the steps before asked for, `None`
    /// for one that is not there.
    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem>;

    /// Refuses bytes that cannot be the document: a page that says "log in" is no index.
    fn check(&self, document: &Document, body: &[u8]) -> Result<(), Problem>;

    /// The document in a form; called for named forms only. The document passed the check before.
    fn render(
        &self,
        document: &Document,
        representation: &Representation,
        body: &[u8],
        repo_url: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem>;

    /// A part of a document, of those that were asked for. Default: documents have none.
    fn part(
        &self,
        document: &Document,
        part: &str,
        body: &[u8],
        repo_url: &RepoUrl<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let _ = (body, repo_url);
        Err(Problem::not_found(
            "path",
            format!("{} has no part {part}", document.path),
        ))
    }

    /// The next step towards an artifact. `known`: the documents that the steps before asked for,
    /// `None` for one that is not there upstream; `tables`: the lists that they wanted to consult.
    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem>;

    /// Reads a list that a plan wants to consult. Default: there are none.
    fn table(&self, list: &Artifact, body: &[u8]) -> Result<Arc<dyn Table>, Problem> {
        let _ = body;
        Err(Problem::not_found(
            "list",
            format!("{} is no list of artifacts", list.path),
        ))
    }

    /// What must be kept together with a document. Default: nothing.
    fn set(&self, document: &Document, body: &[u8]) -> Result<Set, Problem> {
        let _ = (document, body);
        Ok(Set::default())
    }

    /// The document that a companion belongs to: it is asked for first, and brings the companion.
    /// Default: none.
    fn belongs_to(&self, companion: &Document) -> Option<Document> {
        let _ = companion;
        None
    }

    /// The media types that an artifact is asked for as. Default: any.
    fn accepts(&self, artifact: &Artifact) -> &'static str {
        let _ = artifact;
        "*/*"
    }

    /// The header in which the upstream tells a document's digest, so that a HEAD says whether it
    /// changed. Default: none.
    fn digest_header(&self) -> Option<http::HeaderName> {
        None
    }

    /// The artifact under whose path a document's bytes are kept as well. Default: none.
    fn twin(&self, document: &Document, digest: &Digest) -> Option<Box<str>> {
        let _ = (document, digest);
        None
    }

    /// The media type under which an artifact is served; empty: the one that it came with.
    fn content_type(&self, artifact: &Artifact) -> &'static str;

    /// Says a problem in the protocol's dialect. Status and headers follow from the problem.
    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply;
}
