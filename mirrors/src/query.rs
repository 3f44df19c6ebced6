//! Questions that come in a request's body and that only upstreams can answer. Nothing of them is
//! stored.

use bytes::Bytes;
use larder_model::{Problem, Reply};
use std::fmt::Debug;

/// A kind of question.
pub trait UpstreamQuery: Send + Sync + Debug {
    /// Where upstreams are asked, relative to their address.
    fn path(&self) -> &'static str;

    /// The packages that a question names, in canonical form.
    fn packages_in(&self, body: &[u8]) -> Result<Vec<Box<str>>, Problem>;

    /// The question that an upstream is asked: without the packages that are published here, whose
    /// names are none of its business. `None`: nothing is left to ask.
    fn question(&self, body: &[u8], published: &[Box<str>]) -> Result<Option<Vec<u8>>, Problem>;

    /// The answer, made of those that upstreams gave; there may be none.
    fn answer(&self, answers: &[Bytes]) -> Result<Reply, Problem>;
}
