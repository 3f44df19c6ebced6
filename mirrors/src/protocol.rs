//! The interface of a protocol: the methods that all protocols implement, and accessors to the
//! features of only some.

use crate::account::{AccountRequest, Accounts};
use crate::connect::Client;
use crate::copying::Copying;
use crate::describing::Describing;
use crate::index::Index;
use crate::logs::Logs;
use crate::names::{Names, PlainNames};
use crate::publishing::{PublishRequest, Publishing};
use crate::query::UpstreamQuery;
use crate::releases::semantic;
use crate::rendering::Rendering;
use crate::request::{RepoRequest, RepoUrl};
use crate::resource::{
    Artifact, Document, MirrorList, Named, Plan, ReadRequest, RenderRequest, Set, Source, Table,
};
use crate::search::{Search, SearchRequest};
use crate::tagged::FromTag;
use bytes::Bytes;
use http::HeaderMap;
use larder_model::{Digest, FileKind, Problem, ProtocolName, Release, Reply, RepoKind, Timestamp};
use std::sync::Arc;

/// As many bytes tell what an archive is, or that it is a page instead.
pub const FIRST_BYTES: usize = 6;

/// A parsed request to a repository. Nothing reads the path again.
pub enum Call {
    /// Reads a document or an artifact.
    Read(ReadRequest),
    /// Changes a package.
    Publish(PublishRequest),
    /// Concerns the caller's account, not the repository.
    Account(AccountRequest),
    /// Searches for packages.
    Search(SearchRequest),
    /// A query that only upstreams can answer, in the request's body.
    Query(&'static dyn UpstreamQuery),
}

impl Call {
    /// The package in the request's path; empty if it has none.
    pub fn package(&self) -> &str {
        match self {
            Self::Read(read) => read.package(),
            Self::Publish(publish) => &publish.package,
            Self::Account(_) | Self::Search(_) | Self::Query(_) => "",
        }
    }
}

/// The kind of a package's versions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersionKind {
    /// Versions, whose content never changes.
    Version,
    /// Tags, which can be moved and deleted, but not yanked.
    Tag,
}

/// [`Protocol::check_and_render`] by two readings.
pub(crate) fn check_then_render(
    protocol: &(impl Protocol + ?Sized),
    request: &RenderRequest<'_>,
    body: &[u8],
) -> Result<(usize, Option<Rendering>), Problem> {
    let passed_over = protocol.check(request.document, body)?;
    Ok((passed_over, protocol.render(request, body).ok()))
}

/// A protocol of package repositories.
pub trait Protocol: Send + Sync {
    /// Its name, which is the first segment of its paths.
    fn name(&self) -> ProtocolName;

    /// Parses a request.
    fn parse(&self, request: &RepoRequest<'_>) -> Result<Call, Problem>;

    /// Paths that a health check requests of an upstream, one after the other until one exists.
    fn probes(&self) -> &'static [&'static str];

    /// Whether the headers of an answer to a probe look like those of an upstream of this protocol, and
    /// not of a web page. Default: they do.
    fn recognizes(&self, headers: &HeaderMap) -> bool {
        let _ = headers;
        true
    }

    /// The URL of a document at an upstream, or the document to read first. `known`: the documents
    /// that earlier calls asked for, `None` for one that does not exist.
    fn source(&self, document: &Document, known: &[Option<Bytes>]) -> Result<Source, Problem>;

    /// Refuses bytes that cannot be the document, such as the HTML page of a login. Returns how many
    /// of its entries (lines, versions, files) are passed over because they cannot be read: those
    /// that the protocol's clients pass over, too.
    fn check(&self, document: &Document, body: &[u8]) -> Result<usize, Problem>;

    /// Renders a representation of a document that passed the check, or of a part of it, whose bytes
    /// are then the `body`. Called only for representations with a name. Default: the document is served unchanged.
    fn render(&self, request: &RenderRequest<'_>, body: &[u8]) -> Result<Rendering, Problem> {
        let _ = request;
        Ok(body.to_vec().into())
    }

    /// The same as [`Self::check`] and then [`Self::render`] of the whole document, out of one reading
    /// where that costs much; no rendering where it cannot be rendered. Default: one after the other.
    fn check_and_render(
        &self,
        request: &RenderRequest<'_>,
        body: &[u8],
    ) -> Result<(usize, Option<Rendering>), Problem> {
        check_then_render(self, request, body)
    }

    /// The URL and the hash of an artifact at an upstream, or what to read first. `known`: the
    /// documents that earlier calls asked for, `None` for one that does not exist; `tables`: the lists
    /// that they asked for.
    fn plan(
        &self,
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem>;

    /// Whether an artifact is what a download of a version brings, and not something beside it.
    /// Default: all but the blobs of images are.
    fn is_download(&self, artifact: &Artifact) -> bool {
        artifact.kind != FileKind::Blob
    }

    /// Whether the address of an artifact stands for the same bytes for ever. Default: it does.
    fn is_immutable(&self, artifact: &Artifact) -> bool {
        let _ = artifact;
        true
    }

    /// The media type of an artifact; empty: the one that the upstream sent.
    fn content_type(&self, artifact: &Artifact) -> &'static str;

    /// The protocol's error response for a problem. The problem's kind decides the status.
    fn refuse(&self, problem: &Problem, repo_url: &RepoUrl<'_>) -> Reply;

    /// How names of packages are compared. Default: names have one spelling.
    fn names(&self) -> &dyn Names {
        &PlainNames
    }

    /// Whether packages have refs: names that are pushed one by one. Default: they do not.
    fn has_refs(&self) -> bool {
        false
    }

    /// The kinds that its repos can be of. Default: all, where packages are published; else mirrors alone.
    fn repo_kinds(&self) -> &'static [RepoKind] {
        match self.publishing() {
            Some(_) => &[RepoKind::Mirror, RepoKind::Hosted, RepoKind::Group],
            None => &[RepoKind::Mirror],
        }
    }

    /// The kind of a package's versions. Default: versions, not tags.
    fn version_kind(&self) -> VersionKind {
        VersionKind::Version
    }

    /// What the names of a package's versions say, and their order; `None` for a name that is no
    /// version. Default: semantic versions.
    fn releases(&self, versions: &[&str]) -> Vec<Option<Release>> {
        semantic(versions)
    }

    /// The document that tells of a package, where one is not kept yet; `None` if there is none.
    /// Default: none.
    fn package_document(&self, package: &str) -> Option<Document> {
        let _ = package;
        None
    }

    /// Whether that document names all files of the package: of a group none comes from a member after the
    /// one that has it. Default: it does not.
    fn names_all_files(&self) -> bool {
        false
    }

    /// The package's name in the scope of an upstream's bearer token; `None` if upstreams issue no
    /// such tokens.
    fn token_scope<'a>(&self, package: &'a str) -> Option<&'a str> {
        let _ = package;
        None
    }

    /// The sentence in an upstream's error response, as the protocol writes it. Default: none.
    fn sentence(&self, body: &[u8]) -> Option<String> {
        let _ = body;
        None
    }

    /// Whether clients are told that an upstream limits them (429), and not that it is unavailable
    /// (503), which more clients wait for. Default: not.
    fn tells_limits(&self) -> bool {
        false
    }

    /// Whether a document tells of all that an upstream has and no client asks for it to install
    /// anything: it may be large, so it is fetched for nobody in particular. Default: none does.
    fn is_catalog(&self, document: &Document) -> bool {
        let _ = document;
        false
    }

    /// Whether clients ask by the date of a document alone whether they have the newest. Default: they
    /// ask by its entity tag.
    fn asks_by_date(&self) -> bool {
        false
    }

    /// Whether clients join addresses without removing `.` segments from them (RFC 3986, 5.2.4): then these
    /// are removed here. Default: clients do so themselves, and such a path is refused.
    fn joins_dots(&self) -> bool {
        false
    }

    /// The other documents of a package that show, where a member of a group lacks one, that it has the
    /// package all the same: then no other member is asked for this one. Default: none.
    fn beside(&self, document: &Document) -> Vec<Document> {
        let _ = document;
        Vec::new()
    }

    /// Whether an artifact of which nothing is promised can begin so. `first` has at least
    /// [`FIRST_BYTES`] of its bytes, or all. Default: it can.
    fn can_begin(&self, artifact: &Artifact, first: &[u8]) -> bool {
        let _ = (artifact, first);
        true
    }

    /// Publishing, if the protocol has hosted repositories.
    fn publishing(&self) -> Option<&dyn Publishing> {
        None
    }

    /// Publishing of tags, if versions can be made of sources.
    fn tagged(&self) -> Option<&dyn FromTag> {
        None
    }

    /// The protocol of repositories of sources to which its documents lead, if they do.
    fn sources(&self) -> Option<ProtocolName> {
        None
    }

    /// Copies of upstreams' versions to hosted repositories, if the protocol has such.
    fn copying(&self) -> Option<&dyn Copying> {
        None
    }

    /// Descriptions of versions, if anything tells of them.
    fn describing(&self) -> Option<&dyn Describing> {
        None
    }

    /// Search, if clients search.
    fn search(&self) -> Option<&dyn Search> {
        None
    }

    /// Documents that describe whole repositories, if there are any.
    fn index(&self) -> Option<&dyn Index> {
        None
    }

    /// Accounts, if clients ask about them.
    fn accounts(&self) -> Option<&dyn Accounts> {
        None
    }

    /// Digests of documents, if clients ask for documents by digest.
    fn digests(&self) -> Option<&dyn Digests> {
        None
    }

    /// Media types that files tell themselves, if any do.
    fn media_types(&self) -> Option<&dyn MediaTypes> {
        None
    }

    /// Documents that upstreams give in pages, if they do.
    fn pages(&self) -> Option<&dyn Pages> {
        None
    }

    /// Sets of documents that must match, if there are any.
    fn sets(&self) -> Option<&dyn Sets> {
        None
    }

    /// Outlines of documents, for plans that ask for them and for parts of documents.
    fn outlines(&self) -> Option<&'static dyn Outlines> {
        None
    }

    /// Lists of an upstream's mirrors, if its clients have such.
    fn mirror_lists(&self) -> Option<&'static dyn MirrorLists> {
        None
    }

    /// Logs of what artifacts contain, if its clients check them.
    fn logs(&self) -> Option<&'static dyn Logs> {
        None
    }

    /// Whether there are databases of vulnerabilities of its packages that can be mirrored, too.
    fn has_vulnerabilities(&self) -> bool {
        false
    }

    /// Lists of artifacts that a plan needs, if there are any.
    fn tables(&self) -> Option<&dyn Tables> {
        None
    }

    /// The clients for which this server can write a configuration.
    fn connect(&self) -> &'static [Client] {
        &[]
    }
}

/// Digests of documents.
pub trait Digests: Send + Sync {
    /// The header with a document's digest, so that a HEAD request shows whether the document
    /// changed.
    fn header(&self) -> http::HeaderName;

    /// The artifact that has the same bytes as a document; `None` if there is none.
    fn alias(&self, document: &Document, digest: &Digest) -> Option<Artifact>;

    /// What the bytes of an artifact name that has a digest; why that cannot be read.
    fn named_by(&self, artifact: &[u8]) -> Result<Vec<Named>, String>;
}

/// Media types that the bytes of files tell.
pub trait MediaTypes: Send + Sync {
    /// Whether files of this kind tell it.
    fn are_told_by(&self, kind: FileKind) -> bool;

    /// Whether a glance at the bytes shows that the media type with which they are kept is theirs.
    fn is_told_at_once(&self, body: &[u8], kept: &str) -> bool;

    /// The media type of bytes, which an upstream has as `claimed`.
    fn of(&self, body: &[u8], claimed: &str) -> String;
}

/// Documents that upstreams give in pages, each with a `Link` to the next.
pub trait Pages: Send + Sync {
    /// Whether a document may come so.
    fn has(&self, document: &Document) -> bool;

    /// The document that is made of all its pages.
    fn join(&self, document: &Document, pages: &[Bytes]) -> Result<Vec<u8>, Problem>;
}

/// Sets of documents that must match, such as a list and its signature.
pub trait Sets: Send + Sync {
    /// What must be stored together with a document; empty for most.
    fn set(&self, document: &Document, body: &[u8]) -> Result<Set, Problem>;

    /// The documents that a companion belongs to: to the first that there is. It is fetched first, and
    /// the companion with it. One that is among them belongs to itself where there is no other.
    fn heads_of(&self, companion: &Document) -> Vec<Document>;

    /// Whether a document is the head of a set whose members are asked for by their names
    /// ([`ReadRequest::Member`]) and tell of artifacts. Default: none is.
    fn is_head(&self, document: &Document) -> bool {
        let _ = document;
        false
    }

    /// The heads of which one may have the member at a path, the most likely first. Default: none.
    fn heads_above(&self, path: &str) -> Vec<Document> {
        let _ = path;
        Vec::new()
    }

    /// How the keys that an upstream's metadata is signed with are found to have signed a document.
    /// Default: it is not signed.
    fn signature(&self, document: &Document) -> Signature {
        let _ = document;
        Signature::None
    }

    /// The text and the signature that are one document; `None` if it is not whole, or something else.
    fn split_signed(&self, body: &[u8]) -> Option<(String, String)> {
        let _ = body;
        None
    }

    /// Whether a companion fits its head, as far as bytes tell. Default: they tell nothing.
    fn fits(&self, head: &[u8], companion: &Document, body: &[u8]) -> bool {
        let _ = (head, companion, body);
        true
    }

    /// What a state of a head tells of its age.
    fn age(&self, head: &[u8]) -> StateAge {
        let _ = head;
        StateAge::default()
    }
}

/// How a document is signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signature {
    /// Not at all.
    None,
    /// The signature and what it signs are one document.
    Within,
    /// By this companion.
    By(Document),
}

/// What a state of a document tells of its age.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct StateAge {
    /// When it was made: one that was made before another does not take its place.
    pub made: Option<Timestamp>,
    /// When clients begin to refuse it.
    pub expires: Option<Timestamp>,
}

/// Lists of the addresses at which an upstream's content is.
pub trait MirrorLists: Send + Sync {
    /// The document as which a list is kept. Its address is the operator's word.
    fn document(&self) -> Document;

    /// Reads a list. Fails if there is no address in it.
    fn read(&self, body: &[u8]) -> Result<MirrorList, Problem>;
}

/// Outlines of documents that are too large to be read for every question.
pub trait Outlines: Send + Sync {
    /// Reads what a document that passed the check tells of artifacts, and where its parts are.
    fn outline(&self, document: &Document, body: &[u8]) -> Result<Arc<dyn Table>, Problem>;
}

/// Lists of artifacts.
pub trait Tables: Send + Sync {
    /// Reads a list.
    fn read(&self, list: &Artifact, body: &[u8]) -> Result<Arc<dyn Table>, Problem>;
}
