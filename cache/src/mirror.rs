//! Mirrors for doors of their own: what they keep is theirs, how an upstream is asked is not.

use crate::direct::{DirectFiles, FileLead};
use crate::flights::{Flights, file_key};
use crate::packages::Packages;
use crate::problems::absent;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, Question, UpstreamBody};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use larder_door::Answer;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::Artifact;
use larder_model::{FileKind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// A mirror, as its row describes it.
#[derive(Clone)]
pub struct Mirror {
    repo: Arc<Repo>,
    files: Arc<DirectFiles>,
    revalidate_timeout: Duration,
}

/// What an upstream is asked for.
#[derive(Clone, Debug)]
pub struct MirrorRequest<'a> {
    /// Absolute, or relative to the upstream's address.
    pub url: &'a str,
    /// The media type that is expected.
    pub accept: &'static str,
    /// More headers, which the protocol has of its own. Those that are sensitive are shown where `url`
    /// leads, and nowhere else.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// What is asked in a body, by POST, with its media type.
    pub question: Option<(&'static str, &'a Bytes)>,
}

/// An answer on its way.
pub struct MirrorAnswer(Box<UpstreamBody>);

/// Requests for the same thing at once, which one flight answers. It goes on when all leave.
pub struct Joined<T: Clone>(Flights<T>);

impl Packages {
    /// The mirror of a record. Fails if this server has no such protocol.
    pub fn mirror(&self, record: &Arc<RepoRecord>) -> Result<Mirror, Problem> {
        let protocol = larder_mirrors::of(record.protocol).ok_or_else(absent)?;
        Ok(Mirror {
            repo: self.0.repos.of(record, protocol)?,
            files: Arc::clone(&self.0.files),
            revalidate_timeout: self.0.revalidate_timeout,
        })
    }
}

impl Mirror {
    /// So long what was confirmed is taken to be so.
    pub fn fresh(&self) -> Duration {
        self.repo.fresh
    }

    /// So long a client waits for what may be newer than what is kept.
    pub const fn revalidate_timeout(&self) -> Duration {
        self.revalidate_timeout
    }

    /// Whether nothing is fetched: by the mirror's settings or the server's.
    pub fn is_offline(&self) -> bool {
        self.repo.is_offline()
    }

    /// Fails if no upstream may be asked, and says why.
    pub fn require_upstream(&self) -> Result<(), Problem> {
        self.repo.upstream().map(drop)
    }

    /// Whether what vanished upstream is served all the same.
    pub fn serves_vanished(&self) -> bool {
        self.repo.record.settings.serve_vanished
    }

    /// Fails if a package is blocked here, whether it is kept or not.
    pub fn require_not_blocked(&self, package: &str) -> Result<(), Problem> {
        self.repo.require_not_blocked(package)
    }

    /// Asks the upstream, in the same bounds as for all else; `None`: it has no such thing.
    pub async fn ask(&self, request: &MirrorRequest<'_>) -> Result<Option<MirrorAnswer>, Problem> {
        let question = request
            .question
            .map(|(media_type, body)| Question { media_type, body });
        let wanted = FetchRequest {
            accept: request.accept,
            question,
            more: request.headers,
            compressed: question.is_none(),
            patient: question.is_none(),
            ..FetchRequest::new(request.url)
        };
        match self.repo.upstream()?.get(&wanted).await? {
            FetchResponse::Body(body) => Ok(Some(MirrorAnswer(body))),
            FetchResponse::Same | FetchResponse::Missing => Ok(None),
        }
    }
}

impl Mirror {
    /// Answers with a file of a package that is not kept yet, as it comes: checked before its end is given
    /// out, kept, and fetched once for all who ask. `known`: where it was a while ago; `find` finds out
    /// where it is, where nothing is known or that leads nowhere.
    pub async fn file<F>(
        &self,
        (package, path): (&str, &str),
        request: &Parts,
        lead: (Option<FileLead>, impl FnOnce() -> F),
    ) -> Result<Answer, Problem>
    where
        F: Future<Output = Result<FileLead, Problem>> + Send + 'static,
    {
        let artifact = Artifact::new(package, None, path);
        self.files.get((&self.repo, &artifact), request, lead).await
    }
}

impl MirrorAnswer {
    /// Where it comes from, after all redirects.
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// Its media type, as it is told.
    pub fn content_type(&self) -> &str {
        &self.0.content_type
    }

    /// The next bytes; `None` at the end. An end before the announced one is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        self.0.next().await
    }

    /// All of it. Fails if it has more than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<u8>, Problem> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > limit {
                return Err(self.0.too_large(limit));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}

impl<T: Clone> Default for Joined<T> {
    fn default() -> Self {
        Self(Flights::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Joined<T> {
    /// Waits for what brings a package's document, which `start` begins unless it is under way.
    pub async fn join<F>(
        &self,
        (repo, package, path): (i64, &str, &str),
        start: impl FnOnce() -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let key = file_key(repo, package, FileKind::Document, path);
        self.0.join(key, start).await
    }
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").finish_non_exhaustive()
    }
}
