//! Mirrors as they were at a time: sets are read in the states that they had then.

use crate::artifact::{Artifacts, Plans, Wanted};
use crate::document::Documents;
use crate::problems::absent;
use crate::repo::Repo;
use crate::responder::{ReadContext, Responder};
use crate::tables::Tables;
use http::{HeaderMap, HeaderValue};
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::Metadata;
use larder_mirrors::{Artifact, Document, ReadRequest};
use larder_model::{Kind, Problem, Timestamp};
use std::sync::Arc;

/// Answers with the past of mirrors.
pub(crate) struct Views {
    metadata: Metadata,
    plans: Arc<Plans>,
    documents: Arc<Documents>,
    tables: Arc<Tables>,
    artifacts: Arc<Artifacts>,
    responder: Arc<Responder>,
}

impl Views {
    /// Views over these.
    pub(crate) fn new(
        metadata: Metadata,
        (documents, tables, plans): (Arc<Documents>, Arc<Tables>, Arc<Plans>),
        (artifacts, responder): (Arc<Artifacts>, Arc<Responder>),
    ) -> Self {
        Self {
            metadata,
            plans,
            documents,
            tables,
            artifacts,
            responder,
        }
    }

    /// Answers a request to a repository as it was.
    pub(crate) async fn answer(
        &self,
        repo: &Arc<Repo>,
        read: &ReadRequest,
        at: Timestamp,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        if repo.is_hosted() || repo.is_group() {
            let name = repo.record.full_name();
            let is = if repo.is_group() { "a group" } else { "hosted" };
            let detail =
                format!("{name} is {is}, and the past of mirrors alone is kept: use {name}");
            return Err(Problem::new(Kind::Unsupported, "lens", detail));
        }
        match read {
            ReadRequest::Document(document, representation) => {
                let found = self.documents.state_at(repo, document, at).await?;
                Ok(Answer::Blob(BlobAnswer {
                    found: found.ok_or_else(|| nothing(repo, document, at))?,
                    content_type: HeaderValue::from_static(representation.content_type),
                    headers: HeaderMap::new(),
                    lasts: Lasts::Unknown,
                    private: false,
                    overlay: None,
                    changed: None,
                }))
            }
            ReadRequest::Member(artifact) => self.member(repo, artifact, at, context).await,
            ReadRequest::Artifact(artifact) => self.artifact(repo, artifact, at, context).await,
            ReadRequest::Part(..)
            | ReadRequest::Details(_)
            | ReadRequest::Log(_)
            | ReadRequest::Local(_)
            | ReadRequest::Redirect(_) => Err(absent()),
        }
    }

    /// Answers with what a state of that time names. Paths of such are theirs for ever: what is kept is
    /// that.
    async fn artifact(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        at: Timestamp,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let (responder, request) = (&self.responder, context.request);
        let is_kept = self
            .metadata
            .find(repo.artifact_key(artifact))
            .await?
            .is_some();
        let fetch = if is_kept || repo.is_offline() {
            None
        } else {
            self.plans.plan_past(repo, artifact, at).await?
        };
        let Some(fetch) = fetch else {
            return responder.artifact(repo, artifact, request).await;
        };
        repo.require_not_blocked(repo.protocol.names().package_of(artifact))?;
        let source = self
            .artifacts
            .get_known(repo, artifact, &fetch, Wanted::All);
        let lasts = (repo.protocol.is_download(artifact), Lasts::Forever);
        let source = source.await?;
        responder
            .answer_source(repo, artifact, source, lasts, request)
            .await
    }

    /// Answers with a member of a set in the state that the set had.
    async fn member(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
        at: Timestamp,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let sets = repo.protocol.sets().ok_or_else(absent)?;
        for head in sets.heads_above(&asked.path) {
            let Some(state) = self.documents.state_at(repo, &head, at).await? else {
                continue;
            };
            let table = self.tables.outline(repo, &head, state).await?;
            let Some(member) = table.member(&asked.path) else {
                continue;
            };
            let (artifact, fetch) = (&member.artifact, &member.fetch);
            let source = self.artifacts.get_known(repo, artifact, fetch, Wanted::All);
            let (lasts, request) = (Lasts::Unknown, context.request);
            let responder = &self.responder;
            let source = source.await?;
            let answer = responder.answer_source(repo, artifact, source, (false, lasts), request);
            return answer.await;
        }
        Err(absent())
    }
}

/// No state of that time is kept.
fn nothing(repo: &Repo, document: &Document, at: Timestamp) -> Problem {
    let (name, path) = (repo.record.full_name(), &document.path);
    let detail = format!("no state of {path} is kept that {name} had at {at}");
    Problem::not_found("path", detail)
}
