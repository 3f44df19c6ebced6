//! Searches for packages: among those that are published here, and at upstreams. The results of an
//! upstream are never stored.

use crate::publishing::StoredFile;
use crate::resource::Source;
use larder_model::{Problem, Reply, Timestamp};
use std::collections::{BTreeSet, HashSet};

/// A search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchRequest {
    /// The text to search for.
    pub text: Box<str>,
    /// Limit on the number of results.
    pub size: usize,
    /// The number of results to skip.
    pub from: usize,
    /// What it is narrowed to, in the protocol's own words; empty: to nothing.
    pub scope: Box<str>,
}

impl SearchRequest {
    /// The search of a source whose results come after `results` results of other sources.
    pub fn after(&self, results: usize) -> Self {
        Self {
            from: self.from.saturating_sub(results),
            ..self.clone()
        }
    }
}

/// A package published here that matches a search.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The package.
    pub package: Box<str>,
    /// It as it is written in the reply; empty where the reply lists names.
    pub result: String,
    /// When its newest file was published.
    pub created_at: Timestamp,
}

impl Hit {
    /// A package with these files, if a search finds it.
    pub fn of(
        by: &dyn Search,
        search: &SearchRequest,
        package: &str,
        files: &[StoredFile],
    ) -> Result<Option<Self>, Problem> {
        let created_at = files.iter().map(|file| file.created_at).max();
        let result = by.result(search, package, files)?;
        Ok(result.map(|result| Self {
            package: package.into(),
            result,
            created_at: created_at.unwrap_or_default(),
        }))
    }
}

/// The results of an upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamResults {
    /// Its response.
    pub body: bytes::Bytes,
    /// Packages in it that are hidden, because their names are published or blocked here.
    pub hidden: HashSet<Box<str>>,
}

impl UpstreamResults {
    /// Whether a package is hidden.
    pub fn hides(&self, package: &str) -> bool {
        self.hidden.contains(package)
    }
}

/// What is read of an upstream's results.
pub struct Found<'a> {
    /// How many there are, if it says so.
    pub total: Option<usize>,
    /// Those that it sent, by the names of their packages, as they are written.
    pub results: Vec<(String, &'a str)>,
}

/// The results of a search as they are written: first those of packages that are published here, `own`,
/// then what upstreams found, each package once. Returns how many there are in all, too.
pub fn merged<'a>(
    search: &SearchRequest,
    own: &'a [Hit],
    answers: &'a [UpstreamResults],
    read: impl Fn(&'a [u8]) -> Result<Found<'a>, Problem>,
) -> Result<(Vec<&'a str>, usize), Problem> {
    let mut total = own.len();
    let own = own.iter().skip(search.from);
    let mut results: Vec<&str> = own.map(|hit| &*hit.result).collect();
    let mut names = BTreeSet::new();
    for answer in answers {
        let found = read(&answer.body)?;
        total += found
            .total
            .unwrap_or(found.results.len())
            .saturating_sub(answer.hidden.len());
        for (name, result) in found.results {
            if !answer.hides(&name) && names.insert(name) {
                results.push(result);
            }
        }
    }
    results.truncate(search.size);
    Ok((results, total))
}

/// Search, for protocols whose clients search.
pub trait Search: Send + Sync {
    /// The terms of a search, in lower case. A package matches if its name contains all of them.
    fn terms(&self, search: &SearchRequest) -> Vec<String>;

    /// The URL of the search at an upstream, or the document to read first. `known`: the documents
    /// that earlier calls asked for.
    fn source(
        &self,
        search: &SearchRequest,
        known: &[Option<bytes::Bytes>],
    ) -> Result<Source, Problem>;

    /// The packages in an upstream's response, in canonical form. Fails if it is no result of a
    /// search.
    fn packages_in(&self, answer: &[u8]) -> Result<Vec<Box<str>>, Problem>;

    /// What a search says of a package that is published here and has these files
    /// ([`Hit::result`]); `None` if it does not find it, as nothing of it can be had, or it is not of
    /// what the search is narrowed to.
    fn result(
        &self,
        search: &SearchRequest,
        package: &str,
        files: &[StoredFile],
    ) -> Result<Option<String>, Problem>;

    /// The reply: first the packages that are published here, then the results of upstreams.
    fn reply(
        &self,
        search: &SearchRequest,
        hits: &[Hit],
        answers: &[UpstreamResults],
    ) -> Result<Reply, Problem>;
}
