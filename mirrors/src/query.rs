//! Queries in a request's body that only upstreams can answer. Neither they nor the answers are
//! stored.

use crate::resource::{Document, Source};
use crate::text::JSON;
use bytes::Bytes;
use larder_model::{Problem, Reply};
use std::collections::HashSet;
use std::fmt::Debug;

/// A kind of query.
pub trait UpstreamQuery: Send + Sync + Debug {
    /// The URL at which an upstream answers a question, the document to read first, or the answer, where
    /// documents tell it. `known`: what [`part`](Self::part) left of the documents that earlier calls
    /// asked for. Not found: the upstream does not answer such queries.
    fn source(&self, question: &[u8], known: &[Option<Bytes>]) -> Result<Source, Problem>;

    /// What of a document is needed for the answer: many are held at once. Default: all of it.
    fn part(&self, document: &Document, body: Bytes) -> Result<Bytes, Problem> {
        let _ = document;
        Ok(body)
    }

    /// The media type of a query. Default: JSON.
    fn content_type(&self) -> &'static str {
        JSON
    }

    /// The packages in a query, in canonical form.
    fn packages_in(&self, body: &[u8]) -> Result<Vec<Box<str>>, Problem>;

    /// The query for an upstream, without the packages that are published here, because their names
    /// may be confidential. `None`: nothing is left to ask.
    fn question(
        &self,
        body: &[u8],
        published: &HashSet<Box<str>>,
    ) -> Result<Option<Vec<u8>>, Problem>;

    /// The reply, made of the answers of upstreams; there may be none.
    fn answer(&self, answers: &[Bytes]) -> Result<Reply, Problem>;
}
