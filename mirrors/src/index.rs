//! Documents that describe a whole repository: made of what is published, and for a group of those
//! of its members.

use crate::publishing::StoredFile;
use crate::resource::{Artifact, Document};
use larder_model::{CacheLifetime, Problem, Timestamp};
use std::collections::HashSet;
use std::sync::Arc;

/// A document that belongs to one state of a repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexDocument {
    /// Its address, below the repository's own.
    pub path: String,
    /// Media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How long it stays.
    pub lifetime: CacheLifetime,
}

/// Makes the documents of one state of a hosted repository.
pub trait IndexBuilder: Send {
    /// Adds a file that is of no package.
    fn add_extra(&mut self, file: &StoredFile, bytes: &[u8]) -> Result<(), Problem>;

    /// Adds a file of a package. They come by package and path.
    fn add(&mut self, file: &StoredFile) -> Result<(), Problem>;

    /// All documents of the state.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem>;
}

/// Makes the documents of a group of those of its members: list by list, so that one list of each is
/// in memory.
pub trait IndexMerger: Send {
    /// Adds a member: its head, and the names that are left out of it. Members come in their order.
    fn add(&mut self, head: &[u8], hidden: Arc<HashSet<Box<str>>>) -> Result<(), Problem>;

    /// The lists that are read next, one of each member that has it; `None` at the end.
    fn next(&mut self) -> Option<Vec<Option<Box<str>>>>;

    /// Takes the lists that were read; the documents that are made of them.
    fn merge_lists(
        &mut self,
        lists: Vec<Option<bytes::Bytes>>,
    ) -> Result<Vec<IndexDocument>, Problem>;

    /// The head of the group, and what belongs to it.
    fn end(self: Box<Self>, signer: Option<&dyn Signer>) -> Result<Vec<IndexDocument>, Problem>;
}

/// Protocols whose documents describe whole repositories, not one package each.
pub trait Index: Send + Sync {
    /// Whether a document is one that an [`IndexBuilder`] makes.
    fn has(&self, document: &Document) -> bool;

    /// Begins the documents of what is published: `packages` files with an address in the whole
    /// repository.
    fn begin(&self, packages: u64, now: Timestamp) -> Result<Box<dyn IndexBuilder>, Problem>;

    /// The document that names all others of the repository at a root. An upstream may have several
    /// repositories.
    fn head(&self, root: &str) -> Document;

    /// The root of the repository that a document, or a file named by one, belongs to; `None` for
    /// packages.
    fn root<'a>(&self, path: &'a str) -> Option<&'a str>;

    /// The roots at which the repository of a package may be, likeliest first.
    fn roots<'a>(&self, path: &'a str) -> Vec<&'a str>;

    /// The list of packages that a head names.
    fn list(&self, head: &[u8]) -> Result<Option<Artifact>, Problem>;

    /// Begins the documents of a group.
    fn merge(&self, now: Timestamp) -> Box<dyn IndexMerger>;
}

/// Signs with a repository's own key (`OpenPGP`).
pub trait Signer {
    /// A detached signature, armored.
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem>;

    /// The key to check it with, armored.
    fn public_key(&self) -> &str;
}
