//! Answers from a group whose protocol tells of whole repos.

use super::groups::Groups;
use super::members::Members;
use super::merged_index::MergedIndex;
use super::merged_state::{GroupRequest, MergedStates};
use super::origin::{Origin, Origins};
use super::set_responder::SetResponder;
use crate::artifact::{ListLeads, SetMembers};
use crate::bodies::Bodies;
use crate::document::Documents;
use crate::permissions::read_all;
use crate::publish::{HostedPackages, IndexStore, index_of};
use crate::repo::Repo;
use crate::responder::{ReadContext, Responder, status, tell_source};
use crate::tables::Tables;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use larder_access::{Admission, Gate};
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::Metadata;
use larder_mirrors::{Artifact, ReadRequest};
use larder_model::Problem;
use std::sync::Arc;

/// What merged groups are made of.
pub(crate) struct MergedParts {
    pub(crate) metadata: Metadata,
    pub(crate) gate: Arc<Gate>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) documents: Arc<Documents>,
    pub(crate) packages: Arc<HostedPackages>,
    pub(crate) store: Arc<IndexStore>,
    pub(crate) bodies: Arc<Bodies>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) leads: Arc<ListLeads>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) members: SetMembers,
}

/// Answers with the documents of merged groups, and with what they name.
pub(crate) struct MergedResponder {
    gate: Arc<Gate>,
    groups: Arc<Groups>,
    documents: Arc<Documents>,
    leads: Arc<ListLeads>,
    states: Arc<MergedStates>,
    index: Arc<MergedIndex>,
    origins: Origins,
    sets: SetResponder,
    responder: Arc<Responder>,
}

impl MergedResponder {
    /// Answers for these groups.
    pub(crate) fn new(parts: MergedParts) -> Self {
        let states = Arc::new(MergedStates::new(
            Arc::clone(&parts.gate),
            Arc::clone(&parts.groups),
            Arc::clone(&parts.documents),
        ));
        let index = Arc::new(MergedIndex::new(
            parts.metadata.clone(),
            Arc::clone(&parts.store),
            parts.packages,
            Arc::clone(&parts.bodies),
            parts.members,
        ));
        let sets = SetResponder {
            metadata: parts.metadata.clone(),
            gate: Arc::clone(&parts.gate),
            groups: Arc::clone(&parts.groups),
            documents: Arc::clone(&parts.documents),
            index: Arc::clone(&index),
            store: parts.store,
            responder: Arc::clone(&parts.responder),
        };
        let origins = Origins::new(
            parts.metadata,
            parts.bodies,
            parts.tables,
            Arc::clone(&parts.leads),
            Arc::clone(&states),
            Arc::clone(&index),
        );
        Self {
            gate: parts.gate,
            groups: parts.groups,
            documents: parts.documents,
            leads: parts.leads,
            states,
            index,
            origins,
            sets,
            responder: parts.responder,
        }
    }

    /// Answers from a group; `None` for what no document of a whole repo tells of.
    pub(crate) async fn answer(
        &self,
        admission: &Admission,
        group: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Option<Answer>, Problem> {
        let Some(index) = group.protocol.index() else {
            return Ok(None);
        };
        // The state that this caller may see, made of these members.
        let members: Members = self.groups.members(admission, group, "")?;
        let group_request = GroupRequest {
            admission,
            group,
            members: &members,
        };
        if index.is_by_sets() {
            return self
                .sets
                .answer(group_request, read, context)
                .await
                .map(Some);
        }
        if let Some(answer) = self.merged(group_request, read, HeaderMap::new()).await? {
            return Ok(Some(answer));
        }
        match read {
            ReadRequest::Artifact(artifact) => self
                .artifact(group_request, artifact, context.request)
                .await
                .map(Some),
            _ => Ok(None),
        }
    }

    /// Answers with a merged document, or a file that one names; `None` for all else.
    async fn merged(
        &self,
        request: GroupRequest<'_>,
        read: &ReadRequest,
        headers: HeaderMap,
    ) -> Result<Option<Answer>, Problem> {
        let group = request.group;
        let index = index_of(group)?;
        // Only documents and packages are merged; what else there is has a member of its own.
        let (path, content_type, lasts) = match read {
            ReadRequest::Document(document, representation) => {
                (&*document.path, representation.content_type, Lasts::Unknown)
            }
            ReadRequest::Artifact(artifact) => (
                &*artifact.path,
                group.protocol.content_type(artifact),
                Lasts::Forever,
            ),
            ReadRequest::Part(..)
            | ReadRequest::Member(_)
            | ReadRequest::Details(_)
            | ReadRequest::Local(_)
            | ReadRequest::Redirect(_)
            | ReadRequest::Log(_) => return Ok(None),
        };
        let Some(root) = index.root(path) else {
            return Ok(None);
        };
        let state = Arc::new(self.states.get(request, root).await?);
        let found = self.index.document(group, &state, path).await?;
        Ok(Some(Answer::Blob(BlobAnswer {
            found,
            content_type: HeaderValue::from_static(content_type),
            headers,
            lasts,
            private: !state.public,
            overlay: None,
            changed: None,
        })))
    }

    /// Answers from a mirror with what is read in its document or file; with its own documents, made
    /// like those of a group, where its list leads to other hosts: clients would go past this server.
    /// `None` for what no document of a whole repo tells of.
    pub(crate) async fn answer_mirror(
        &self,
        admission: &Admission,
        mirror: &Arc<Repo>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Option<Answer>, Problem> {
        let index = mirror.protocol.index().filter(|_| mirror.has_upstream());
        let Some(index) = index else { return Ok(None) };
        let root = match read {
            ReadRequest::Document(document, _) => index.root(&document.path),
            ReadRequest::Artifact(artifact) => index.root(&artifact.path),
            _ => None,
        };
        let Some(root) = root else { return Ok(None) };
        let mut headers = HeaderMap::new();
        let leads = match read {
            ReadRequest::Document(document, form) if *document == index.head(root) => {
                let head = self.documents.get(mirror, document).await?;
                let leads = self.leads.of(mirror, root, &head.found).await?;
                tell_source(&mut headers, mirror, status(&head, mirror));
                if !leads.elsewhere {
                    let responder = &self.responder;
                    let answer =
                        responder.answer_with(mirror, document, head, (*form, None), context);
                    return answer.await.map(Some);
                }
                leads
            }
            _ => self.leads.at(mirror, root).await?,
        };
        if !leads.elsewhere {
            return Ok(None);
        }
        let members = Members {
            hosted: Vec::new(),
            mirrors: vec![Arc::clone(mirror)],
        };
        let request = GroupRequest {
            admission,
            group: mirror,
            members: &members,
        };
        self.merged(request, read, headers).await
    }

    /// Answers with a package.
    async fn artifact(
        &self,
        group_request: GroupRequest<'_>,
        artifact: &Artifact,
        request: &Parts,
    ) -> Result<Answer, Problem> {
        let group = group_request.group;
        group.require_not_blocked(group.protocol.names().package_of(artifact))?;
        let Origin { member, artifact } = self.origins.find(group_request, artifact).await?;
        let public = self.gate.is_public(&[read_all(&member)]);
        let answer = self.responder.artifact(&member, &artifact, request).await?;
        Ok(if public { answer } else { answer.hidden() })
    }
}
