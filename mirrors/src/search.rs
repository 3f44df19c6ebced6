//! Searches for packages by words: what is published here, and what upstreams find. What an upstream
//! answers is never stored.

use crate::publishing::StoredFile;
use crate::resource::Source;
use larder_model::{Problem, Reply};

/// A search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchRequest {
    /// What is searched for.
    pub text: Box<str>,
    /// How many results the client takes.
    pub size: usize,
    /// How many of the first results it passes over.
    pub from: usize,
}

impl SearchRequest {
    /// The same where so many results of other sources come first.
    pub fn after(&self, results: usize) -> Self {
        Self {
            from: self.from.saturating_sub(results),
            ..self.clone()
        }
    }
}

/// A published package that a search finds here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The package.
    pub package: Box<str>,
    /// Its files.
    pub files: Vec<StoredFile>,
}

/// What an upstream answers to a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamResults {
    /// Its answer.
    pub body: bytes::Bytes,
    /// Packages in it that are left out: their names are published or blocked here.
    pub hidden: Vec<Box<str>>,
}

impl UpstreamResults {
    /// Whether a package is left out.
    pub fn hides(&self, package: &str) -> bool {
        self.hidden.iter().any(|hidden| **hidden == *package)
    }
}

/// Searches, in a protocol whose clients make them.
pub trait Search: Send + Sync {
    /// The terms of a search, in lower case: a package is a hit if its name has all of them.
    fn terms(&self, search: &SearchRequest) -> Vec<String>;

    /// Where an upstream is searched. `known`: the documents that the steps before asked for.
    fn source(
        &self,
        search: &SearchRequest,
        known: &[Option<bytes::Bytes>],
    ) -> Result<Source, Problem>;

    /// The packages that an upstream's answer names, in canonical form; fails if it is no answer to
    /// a search.
    fn packages_in(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem>;

    /// The reply: hits here come first, then what upstreams found.
    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem>;
}
