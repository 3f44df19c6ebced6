//! The resources of a repository: documents, which change, and artifacts, which never do; and how
//! they are fetched from an upstream.

use crate::RepoUrl;
use crate::lead::Lead;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use larder_model::{Checker, Digest, FileKind, Integrity, Problem, Reply};
use std::ops::Range;

/// A resource that changes: an index, a packument, a signed list.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Document {
    /// The package that it describes, in canonical form; empty if it describes the whole repository.
    pub package: Box<str>,
    /// What it is: a document, or a tag.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
}

impl Document {
    /// The document `path` of `package`.
    pub fn new(package: impl Into<Box<str>>, path: impl Into<Box<str>>) -> Self {
        Self {
            package: package.into(),
            kind: FileKind::Document,
            path: path.into(),
        }
    }

    /// The tag `tag` of `package`, for protocols that have no other document of it.
    pub fn tag(package: impl Into<Box<str>>, tag: impl Into<Box<str>>) -> Self {
        Self {
            kind: FileKind::Tag,
            ..Self::new(package, tag)
        }
    }
}

/// A resource that never changes: a tarball, a wheel, a crate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Artifact {
    /// Its package in canonical form; empty if the path does not contain it.
    pub package: Box<str>,
    /// Its version, if the path contains it.
    pub version: Option<Box<str>>,
    /// What it is: an artifact, or a blob or a manifest of an image.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
}

impl Artifact {
    /// The artifact `path` of `package`.
    pub fn new(
        package: impl Into<Box<str>>,
        version: Option<Box<str>>,
        path: impl Into<Box<str>>,
    ) -> Self {
        Self {
            package: package.into(),
            version,
            kind: FileKind::Artifact,
            path: path.into(),
        }
    }
}

/// A file of the same package that another file names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// What it is.
    pub kind: FileKind,
    /// Its path among the files of its kind.
    pub path: Box<str>,
    /// The other file is about it, and is no whole that it is a part of.
    pub is_subject: bool,
}

impl Named {
    /// A part of the other file.
    pub fn part(kind: FileKind, path: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            path: path.into(),
            is_subject: false,
        }
    }
}

/// What is asked of a log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LogRequest {
    /// The log's name; empty: the one that is set for the mirror.
    pub log: Box<str>,
    /// The package that a record is of; empty: it is none of a package.
    pub package: Box<str>,
    /// What, by its protocol's paths.
    pub path: Box<str>,
}

/// A request that only reads.
#[derive(Debug)]
pub enum ReadRequest {
    /// A document in one of its representations.
    Document(Document, Representation),
    /// A named part of a document, in one of its representations.
    Part(Document, Representation, Box<str>),
    /// An artifact.
    Artifact(Artifact),
    /// A member of a set, by the name or the path that its head has for it; as an artifact of its own
    /// where no head that is kept has it.
    Member(Artifact),
    /// Details of a published package that are in none of its documents, such as its owners.
    Details(Box<str>),
    /// A response that depends on nothing but the repository's URL.
    Local(fn(&RepoUrl<'_>) -> Reply),
    /// A redirect to another path of the repository.
    Redirect(Box<str>),
    /// A record, a state or a part of a log.
    Log(LogRequest),
}

impl ReadRequest {
    /// The package in the request's path; empty if it has none.
    pub fn package(&self) -> &str {
        match self {
            Self::Document(Document { package, .. }, _)
            | Self::Part(Document { package, .. }, ..)
            | Self::Artifact(Artifact { package, .. })
            | Self::Member(Artifact { package, .. })
            | Self::Details(package)
            | Self::Log(LogRequest { package, .. }) => package,
            Self::Local(_) | Self::Redirect(_) => "",
        }
    }

    /// The version, tag or digest in the request's path, if it is told apart there.
    pub fn reference(&self) -> Option<Box<str>> {
        match self {
            Self::Document(document, _) if document.kind == FileKind::Tag => {
                Some(document.path.clone())
            }
            Self::Artifact(artifact) if artifact.kind == FileKind::Artifact => {
                artifact.version.clone()
            }
            Self::Artifact(artifact) => Some(artifact.path.clone()),
            _ => None,
        }
    }
}

/// A representation of a document (RFC 9110 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Representation {
    /// Its name among those of the document; empty: the document unchanged.
    pub name: &'static str,
    /// Media type; empty: the one that the upstream sent.
    pub content_type: &'static str,
    /// Whether it contains URLs of this server.
    pub has_absolute_urls: bool,
    /// Whether responses may be compressed.
    pub compressible: bool,
}

/// A request to render a document.
#[derive(Clone, Copy, Debug)]
pub struct RenderRequest<'a> {
    /// The document.
    pub document: &'a Document,
    /// The representation, which has a name.
    pub representation: Representation,
    /// The part to render, by the name that the outline has for it; `None`: the whole document.
    pub part: Option<&'a str>,
    /// The path of the repository's URL, without a trailing slash.
    pub repo_path: &'a str,
    /// The bytes of each place for the address of this server.
    pub place_bytes: usize,
    /// Mirrors of sources that everyone may read, the first that has a repository first.
    pub leads: &'a [Lead],
}

/// How to find a document at an upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Read this document first: it contains the URL.
    Read(Document),
    /// The document's place.
    At {
        /// Absolute, or relative to the upstream's URL with each segment encoded.
        url: String,
        /// Media types for the `Accept` header.
        accept: &'static str,
    },
    /// A path below the address of the upstream's database of vulnerabilities.
    InVulnerabilities(String),
    /// It stands in the documents that were read, and is not asked for: these are its bytes.
    Here(Bytes),
}

/// How an artifact is fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// Absolute, or relative to the upstream's URL.
    pub url: String,
    /// The hash that the index has for it.
    pub integrity: Integrity,
    /// Its size in bytes, if the index has it.
    pub size: Option<u64>,
    /// The version of its package, if the index has another than the file's name
    /// ([`Names::file_name`](crate::Names::file_name)).
    pub version: Option<Box<str>>,
    /// Media types for the `Accept` header.
    pub accept: &'static str,
    /// Where else it is, should it not be there, or be something else.
    pub others: Vec<String>,
    /// More headers; what is sensitive of them is shown to nobody else.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Fetch {
    /// A fetch of any media type and of unknown size.
    pub fn new(url: impl Into<String>, integrity: Integrity) -> Self {
        Self {
            url: url.into(),
            integrity,
            size: None,
            version: None,
            accept: "*/*",
            others: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Sets the size in bytes, if it is known.
    pub fn with_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    /// Sets the version of its package, if the index has another than the file's name.
    pub fn with_version(self, version: Option<Box<str>>) -> Self {
        Self { version, ..self }
    }
}

/// How to find an artifact at an upstream; with another `F`, what else its documents tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan<F = Fetch> {
    /// Read this document first.
    Read(Document),
    /// Read the outline of this document first.
    Outline(Document),
    /// Read this record of the upstream's log first: `None` is known of it where there is no log, or it
    /// is not asked for such records.
    Record(LogRequest),
    /// Read this list first. It is fetched and parsed once for all artifacts in it.
    Consult(Artifact, Fetch),
    /// Read those of these lists first that are kept, each in whichever form, as one. If none is, they are
    /// fetched, unless they are many.
    Kept(Vec<Vec<Member>>),
    /// Fetch the artifact.
    Fetch(F),
}

/// A part of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part<'a> {
    /// Its only name.
    pub name: &'a str,
    /// Its bytes in the document.
    pub range: Range<u64>,
}

/// What a large list or document tells of artifacts, in memory.
pub trait Table: Send + Sync {
    /// Finds the artifact at `path` below the upstream's address. `root`, where the list's repository
    /// is below that address: empty, or with a slash at its end.
    fn find(&self, root: &str, path: &str) -> Option<Fetch>;

    /// Why an artifact cannot be fetched that the document names. Default: all can be.
    fn flaw(&self, path: &str) -> Option<Problem> {
        let _ = path;
        None
    }

    /// The locations, from the list's root, of the artifacts whose file has this name.
    fn named(&self, file: &str) -> Vec<String>;

    /// The part of the document that has this name; a problem if there is none. Default: there are no
    /// parts.
    fn part(&self, wanted: &str) -> Result<Part<'_>, Problem> {
        Err(Problem::not_found(
            "part",
            format!("there is no {wanted} in it"),
        ))
    }

    /// Of the head of a set: its member of this name, or at this path. Default: none.
    fn member(&self, name: &str) -> Option<Member> {
        let _ = name;
        None
    }

    /// Of the head of a set: its lists that may name the artifact at a path, the most likely first, each in
    /// all its forms, of which any will do.
    /// Default: none.
    fn lists_of(&self, path: &str) -> Vec<Vec<Member>> {
        let _ = path;
        Vec::new()
    }

    /// The memory that it uses, in bytes.
    fn weight(&self) -> usize;
}

/// What must be stored before a document may replace the previous one.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Set {
    /// Documents that match exactly this one, such as its signature. An upstream may lack them.
    pub companions: Vec<Document>,
    /// Artifacts that it names.
    pub members: Vec<Member>,
    /// Whether there are so many that only those are stored which somebody asked for: with the next
    /// state of the document, those of the same names; and companions likewise.
    pub on_demand: bool,
}

/// An artifact that the head of a set names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The name that it has in every state of the head.
    pub name: Box<str>,
    /// The artifact.
    pub artifact: Artifact,
    /// How it is fetched.
    pub fetch: Fetch,
    /// Whether clients can do nothing without it. What is not required may be missing upstream.
    pub is_required: bool,
}

/// Where an upstream's content is, when its operator gives no one address of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct MirrorList {
    /// Addresses below which the same content is, each ending in a slash; the one to ask first is the
    /// first.
    pub addresses: Vec<String>,
    /// What some documents are, wherever they come from.
    pub promised: Vec<PromisedDocument>,
}

/// What a document is, by the word of a list of mirrors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromisedDocument {
    /// Its path.
    pub path: Box<str>,
    /// Its bodies, the newest first: any of them will do.
    pub bodies: Vec<PromisedBody>,
}

/// A body of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromisedBody {
    /// Its size in bytes, if that is known.
    pub size: Option<u64>,
    /// What its bytes are.
    pub integrity: Integrity,
}

impl PromisedDocument {
    /// Which of the bodies, the newest first, bytes are; `None`: they are none of them.
    pub fn rank(&self, body: &[u8]) -> Option<usize> {
        self.bodies.iter().position(|promised| {
            let mut checker = Checker::new(&promised.integrity);
            checker.update(body);
            promised.size.is_none_or(|size| size == body.len() as u64) && checker.agrees()
        })
    }

    /// Which of the bodies has a digest, as far as that is told.
    pub fn rank_of(&self, digest: Digest) -> Option<usize> {
        let wanted = Integrity::Digest(digest);
        let mut bodies = self.bodies.iter();
        bodies.position(|promised| promised.integrity == wanted)
    }
}
