//! Documents that describe a whole repository: of a hosted repository they are made of its files, of
//! a group they are merged from those of its members.

use crate::publishing::StoredFile;
use crate::resource::{Artifact, Document, Plan, Table};
use bytes::Bytes;
use larder_model::{CacheLifetime, Digest, Problem, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;

/// A document that describes one state of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexDocument {
    /// Its path, relative to the repository's.
    pub path: String,
    /// Media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How long it is kept.
    pub lifetime: CacheLifetime,
}

/// Builds the documents of one state of a hosted repository.
pub trait IndexBuilder: Send {
    /// Adds a file that belongs to no package.
    fn add_extra(&mut self, file: &StoredFile, bytes: &[u8]) -> Result<(), Problem>;

    /// Adds a file of a package. Calls are ordered by package and path.
    fn add(&mut self, file: &StoredFile) -> Result<(), Problem>;

    /// Returns all documents of the state.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem>;
}

/// A member of a group, as it is merged.
#[derive(Clone, Debug)]
pub struct IndexMember {
    /// Names of packages to leave out of it.
    pub hidden: Arc<HashSet<Box<str>>>,
    /// Whether its packages are published here.
    pub is_hosted: bool,
}

/// Lists of a group's members that are read next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NextLists {
    /// Their paths, one of each member that has it.
    pub paths: Vec<Option<Box<str>>>,
    /// Whether the documents cannot be made without them. What is only looked through for names to leave
    /// out may lack: whoever asks for it then does not get it either.
    pub are_required: bool,
    /// What the documents are made of: from the same the same are made. `None`: that is not known before.
    pub made_from: Option<Digest>,
}

/// Merges the documents of a group's members, list by list, so that only one list of each member is in
/// memory.
pub trait IndexMerger: Send {
    /// Adds a member with its head document. Calls are in the order of members.
    fn add(&mut self, head: &[u8], member: IndexMember) -> Result<(), Problem>;

    /// The lists to read next; `None` at the end.
    fn next(&mut self) -> Option<NextLists>;

    /// Merges the lists that `next` asked for, in the order of members.
    fn merge_lists(&mut self, lists: Vec<Option<Bytes>>) -> Result<Vec<IndexDocument>, Problem>;

    /// Takes what `merge_lists` made of these lists before instead of them: files by their paths.
    fn reuse(&mut self, made: Vec<(String, Bytes)>) -> Result<Vec<IndexDocument>, Problem> {
        drop(made);
        Err(Problem::internal("documents that are made anew each time"))
    }

    /// Returns the head document of the group, and its signature.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem>;
}

/// Where the locations in a list of packages lead.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Leads {
    /// To other hosts: clients that follow them go past this server.
    pub elsewhere: bool,
    /// Above the repository of the list, whose packages are beside it.
    pub above: bool,
}

/// Documents that describe whole repositories, for protocols that have them instead of documents of
/// packages.
pub trait Index: Send + Sync {
    /// Whether an [`IndexBuilder`] builds this document.
    fn has(&self, document: &Document) -> bool;

    /// Begins the documents of a hosted repository with this number of packages.
    fn begin(&self, packages: u64, now: Timestamp) -> Result<Box<dyn IndexBuilder>, Problem>;

    /// The document that names all others of the repository below a root. An upstream may have several
    /// roots.
    fn head(&self, root: &str) -> Document;

    /// The document that every state of a hosted repository has, and none without the rest of the state.
    /// Default: that head.
    fn mark(&self) -> Document {
        self.head("")
    }

    /// Whether repositories have sets that change one by one ([`Sets`](crate::protocol::Sets)): of a group each is
    /// that of the only member that has it, or merged of those of several. Default: they change as a whole.
    fn is_by_sets(&self) -> bool {
        false
    }

    /// Where the key is that signs what is made here. Default: at no place of its own.
    fn key(&self) -> Option<&'static str> {
        None
    }

    /// The root of a document, or of a file that one names; `None` for packages.
    fn root<'a>(&self, path: &'a str) -> Option<&'a str>;

    /// The possible roots of a package, the most likely first.
    fn roots<'a>(&self, path: &'a str) -> Vec<&'a str>;

    /// The list of packages that a head names.
    fn list(&self, head: &[u8]) -> Result<Option<Artifact>, Problem>;

    /// Where a list leads its clients.
    fn leads(&self, list: &[u8]) -> Leads;

    /// How a package is got that may be listed at these roots, though its path is not below them. As
    /// [`Protocol::plan`](crate::Protocol::plan), which found nothing.
    fn plan_beside(
        &self,
        roots: &[Box<str>],
        artifact: &Artifact,
        known: &[Option<Bytes>],
        tables: &[Arc<dyn Table>],
    ) -> Result<Plan, Problem>;

    /// Begins to merge the documents of a group at a root.
    fn merge(&self, now: Timestamp, root: &str) -> Box<dyn IndexMerger>;
}

/// Signs with a repository's own key (`OpenPGP`).
pub trait Signer {
    /// A detached signature, armored.
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem>;

    /// A text with its signature in it (RFC 9580, 7).
    fn sign_within(&self, text: &str) -> Result<String, Problem>;

    /// The public key, armored.
    fn public_key(&self) -> &str;
}
