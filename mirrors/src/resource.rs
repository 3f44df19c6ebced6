//! What a repository serves: documents, which change, and artifacts, which never do; and how each is
//! fetched from an upstream.

use crate::RepoUrl;
use larder_model::{Integrity, Reply};

/// Something that changes: an index, a packument, a signed list.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Document {
    /// The package that it describes, in the protocol's canonical form; empty for one that describes
    /// the whole repository.
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
    /// The package that it is of, in the protocol's canonical form; empty if only an index says so.
    pub package: Box<str>,
    /// The version, if its name says so.
    pub version: Option<Box<str>>,
    /// Its key among the files of the package.
    pub path: Box<str>,
}

/// A request that only reads.
#[derive(Debug)]
pub enum ReadRequest {
    /// A document in one of its representations.
    Document(Document, Representation),
    /// A part of a document, which is named, in one of its representations.
    Part(Document, Representation, Box<str>),
    /// An artifact.
    Artifact(Artifact),
    /// What is known of a published package beside its documents: its owners, for example.
    Details(Box<str>),
    /// What this server answers by itself.
    Local(fn(&RepoUrl<'_>) -> Reply),
    /// The same thing has another address, below the repository's own.
    Redirect(Box<str>),
}

impl ReadRequest {
    /// The package that is read; empty where it is none, or where only an index says so.
    pub fn package(&self) -> &str {
        match self {
            Self::Document(Document { package, .. }, _)
            | Self::Part(Document { package, .. }, ..)
            | Self::Artifact(Artifact { package, .. })
            | Self::Details(package) => package,
            Self::Local(_) | Self::Redirect(_) => "",
        }
    }
}

/// One way in which a document is served.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Representation {
    /// Tells the representations of one document apart; empty: the bytes as they came.
    pub name: &'static str,
    /// Media type; empty: the one that the document came with.
    pub content_type: &'static str,
    /// Whether it holds addresses of this server.
    pub has_absolute_urls: bool,
    /// Whether it may be compressed on its way.
    pub compressible: bool,
}

/// A document that is to be rendered.
#[derive(Clone, Copy, Debug)]
pub struct RenderRequest<'a> {
    /// The document.
    pub document: &'a Document,
    /// The representation, which has a name.
    pub representation: Representation,
    /// The part that is wanted alone.
    pub part: Option<&'a str>,
    /// The address at which the client sees the repository.
    pub repo_url: RepoUrl<'a>,
}

/// The next step towards a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// This document must be read first: it has the address.
    Read(Document),
    /// It can be fetched.
    At {
        /// Absolute, or relative to the upstream's address with each segment encoded.
        url: String,
        /// Media types for the `Accept` header.
        accept: &'static str,
    },
}

/// How an artifact is fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// Absolute, or relative to the upstream's address.
    pub url: String,
    /// The integrity that an index promises.
    pub integrity: Integrity,
    /// Its size in bytes, if an index has it.
    pub size: Option<u64>,
    /// Media types for the `Accept` header.
    pub accept: &'static str,
}

impl Fetch {
    /// A file of any media type and of unknown size.
    pub fn new(url: impl Into<String>, integrity: Integrity) -> Self {
        Self {
            url: url.into(),
            integrity,
            size: None,
            accept: "*/*",
        }
    }

    /// The same with its size in bytes, if it is known.
    pub fn with_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }
}

/// The next step towards an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// This document must be read first.
    Read(Document),
    /// This list must be consulted first. It is fetched in this way, and read once however many
    /// packages are looked up in it.
    Consult(Artifact, Fetch),
    /// It can be fetched.
    Fetch(Fetch),
}

/// A large list of artifacts, read once.
pub trait Table: Send + Sync {
    /// How the artifact at `path` below `root` is fetched.
    fn find(&self, root: &str, path: &str) -> Option<Fetch>;

    /// How much memory it takes, in bytes.
    fn weight(&self) -> usize;
}

/// What must be stored before a document may replace the one before it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Set {
    /// Documents that belong to exactly this one, as its signature does; they may be absent
    /// upstream.
    pub companions: Vec<Document>,
    /// Artifacts that it names, and how each is fetched.
    pub members: Vec<(Artifact, Fetch)>,
}
