//! What is published here: what a request wants to change, what a client's package holds, and the documents that
//! are composed of what is kept. As pure as the reading side: the engine moves the bytes.

use crate::{Document, Line};
use larder_model::{Digest, Problem, Reply, Timestamp, Verb};
use std::io::{Read, Seek};

/// A body that can be read again, and in parts.
pub trait Body: Read + Seek + Send {}

impl<T: Read + Seek + Send> Body for T {}

/// What a request wants to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// What is to be done: a word of the protocol's own.
    pub act: &'static str,
    /// The package in canonical form; empty where only the body tells.
    pub package: Box<str>,
    /// What must be allowed for it.
    pub verb: Verb,
    /// What else the request's line says.
    pub arguments: Vec<Box<str>>,
    /// Its body has at most so many bytes; 0: none is read.
    pub most_bytes: u64,
}

/// A file as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Its key among the files of the package.
    pub path: Box<str>,
    /// The version it belongs to; empty if none.
    pub version: Box<str>,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// What [`Hosted::receive`] noted of it.
    pub facts: Box<str>,
    /// When it was published.
    pub created_at: Timestamp,
    /// By whom, as `user:alice`.
    pub created_by: Box<str>,
}

/// Where the bytes of a new file are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bytes {
    /// A part of the body: where it begins, and how many bytes it has.
    Part(u64, u64),
    /// A part of the body, in base64.
    Base64(u64, u64),
    /// These, made of what came.
    Made(Vec<u8>),
}

/// One step of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A file that must not be there yet.
    Add {
        /// Its key among the files of the package.
        path: String,
        /// The version it belongs to; empty if none.
        version: String,
        /// Media type.
        content_type: &'static str,
        /// What is noted of it, for documents to be composed of. `{sha256}` stands for the digest of its bytes in hex.
        facts: String,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A name that may move, for a file that is there or comes with the same change.
    Point {
        /// Its key among the files of the package.
        path: String,
        /// The version it means.
        version: String,
        /// The file it stands for.
        at: String,
    },
    /// Other facts of a file that is there.
    Facts {
        /// Its key.
        path: String,
        /// What is noted of it now.
        facts: String,
    },
    /// A file is no more.
    Remove {
        /// Its key.
        path: String,
    },
}

/// Publishing to a hosted repository.
pub trait Hosted: Send + Sync {
    /// What a request wants to change; `None` if it only reads.
    fn wish(&self, line: &Line<'_>) -> Result<Option<Wish>, Problem>;

    /// The package that a wish is for, in canonical form: the one name that all its spellings share. Called where the line
    /// does not tell.
    fn name(&self, wish: &Wish, body: &mut dyn Body) -> Result<Box<str>, Problem>;

    /// The steps that fulfil a wish, given the files that are there. A problem of kind `Conflict` if what is published is
    /// there already. No steps: it is fulfilled already.
    fn receive(&self, wish: &Wish, body: &mut dyn Body, files: &[Kept]) -> Result<Vec<Step>, Problem>;

    /// Says that a wish is fulfilled.
    fn accept(&self, wish: &Wish) -> Reply;

    /// A document of a package, as an upstream would send it; `None` if nothing of it is there.
    fn compose(&self, document: &Document, files: &[Kept]) -> Result<Option<Vec<u8>>, Problem>;

    /// The words of a search, if that is what a document is. Default: nothing is searched.
    fn search(&self, document: &Document) -> Option<String> {
        let _ = document;
        None
    }

    /// The answer to a search: packages that have its words in their names, each with its files.
    fn listed(&self, document: &Document, hits: &[(Box<str>, Vec<Kept>)]) -> Result<Reply, Problem> {
        let _ = hits;
        Err(Problem::not_found("path", format!("{} is not searched here", document.path)))
    }

    /// An answer to a question about a package that is no document of it: who owns it, for example. Default: none is known.
    fn tell(&self, question: &Wish, files: &[Kept]) -> Result<Reply, Problem> {
        let _ = files;
        Err(Problem::not_found("path", format!("{} is not answered here", question.act)))
    }
}
