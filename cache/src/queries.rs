//! Questions that upstreams answer: asked of them without what is published here, each time anew.

use crate::document::Documents;
use crate::group::{Groups, Members};
use crate::intake::Intake;
use crate::repo::Repo;
use crate::upstream::{FetchRequest, FetchResponse, Question};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use larder_access::Admission;
use larder_door::Incoming;
use larder_mirrors::Source;
use larder_mirrors::query::UpstreamQuery;
use larder_model::{Kind, Limit, Problem, Reply};
use std::io::Read as _;
use std::sync::Arc;

/// A question has at most so many bytes as it comes,
const MAX_BYTES: usize = 1 << 20;
/// and so many once it is decoded.
const MAX_DECODED: usize = 2 << 20;
/// It is about at most so many packages: each is looked up.
const MAX_NAMES: usize = 20_000;
/// An answer has at most so many.
const MAX_ANSWERED: usize = 16 << 20;

/// Asks upstreams.
pub(crate) struct Queries {
    groups: Arc<Groups>,
    documents: Arc<Documents>,
    intake: Intake,
}

impl Queries {
    /// Asks the upstreams of these groups, and of repos alone.
    pub(crate) const fn new(
        groups: Arc<Groups>,
        documents: Arc<Documents>,
        intake: Intake,
    ) -> Self {
        Self {
            groups,
            documents,
            intake,
        }
    }

    /// Answers a question by what the upstreams of a repo say. Of those that are not asked, for the
    /// mirror is offline, what is kept of them tells it, or nothing.
    pub(crate) async fn answer(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
        query: &dyn UpstreamQuery,
        headers: &HeaderMap,
        body: &mut Incoming,
    ) -> Result<Reply, Problem> {
        let body = decoded(headers, body.collect(MAX_BYTES).await?)?;
        let Members { hosted, mirrors } = self.groups.parts(admission, own)?;
        let named = query.packages_in(&body)?;
        if named.len() > MAX_NAMES {
            let detail = format!("a question is about at most {MAX_NAMES} packages");
            return Err(Problem::new(Kind::TooLarge, "body", detail));
        }
        let taken = self.groups.taken_of(own, &hosted, named).await?;
        let Some(question) = query.question(&body, &taken)? else {
            return query.answer(&[]);
        };
        let (question, mut answers, mut lacks) = (Bytes::from(question), Vec::new(), false);
        for repo in &mirrors {
            match self.ask_upstream(repo, query, &question).await? {
                Some(answer) => answers.push(answer),
                None => lacks |= !repo.is_offline(),
            }
        }
        if answers.is_empty() && lacks {
            return Err(Problem::not_found(
                "path",
                "the upstream does not answer such questions",
            ));
        }
        query.answer(&answers)
    }

    /// What an upstream answers; `None` if it does not know such questions, or would have to be asked
    /// while the mirror is offline.
    async fn ask_upstream(
        &self,
        repo: &Arc<Repo>,
        query: &dyn UpstreamQuery,
        question: &Bytes,
    ) -> Result<Option<Bytes>, Problem> {
        let mut known = Vec::new();
        let (url, accept) = loop {
            match query.source(question, &known) {
                Ok(Source::At { url, accept }) => break (url, accept),
                Ok(Source::Here(answer)) => return Ok(Some(answer)),
                Ok(Source::Read(document)) => {
                    let body = match self.documents.read(repo, &document).await {
                        Err(problem) if problem.kind == Kind::Offline && known.is_empty() => {
                            return Ok(None);
                        }
                        // Of a package that is not kept nothing is known.
                        Err(problem) if problem.kind == Kind::Offline => None,
                        body => body?,
                    };
                    let part = body.map(|body| query.part(&document, body));
                    known.push(part.transpose()?);
                }
                Ok(Source::InVulnerabilities(_)) => {
                    return Err(Problem::internal("a question about vulnerabilities"));
                }
                Err(problem) if problem.kind == Kind::NotFound => return Ok(None),
                Err(problem) => return Err(problem),
            }
        };
        if repo.is_offline() {
            return Ok(None);
        }
        let upstream = repo.upstream()?;
        let wanted = FetchRequest {
            accept,
            question: Some(Question {
                media_type: query.content_type(),
                body: question,
            }),
            compressed: true,
            patient: false,
            ..FetchRequest::new(&url)
        };
        let FetchResponse::Body(arrived) = upstream.get(&wanted).await? else {
            return Ok(None);
        };
        let answer = arrived.collect(MAX_ANSWERED, &self.intake).await?;
        Ok(Some(self.intake.bytes_of(answer).await?))
    }
}

/// A body that may be compressed.
fn decoded(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    let encoding = headers
        .get(CONTENT_ENCODING)
        .map_or(b"identity".as_slice(), |value| value.as_bytes());
    match encoding {
        b"identity" => return Ok(body),
        b"gzip" => {}
        _ => {
            return Err(Problem::invalid(
                "body",
                "the body may be compressed by gzip only",
            ));
        }
    }
    let bad = |error: std::io::Error| {
        Problem::invalid("body", "the body is badly compressed").because(error)
    };
    let mut plain = Vec::new();
    // A little of it may become very much.
    let mut decoder = MultiGzDecoder::new(&body[..]).take(MAX_DECODED as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(bad)?;
    if plain.len() > MAX_DECODED {
        return Err(Limit::from(MAX_DECODED).exceeded("body", "the unpacked body", None));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests;
