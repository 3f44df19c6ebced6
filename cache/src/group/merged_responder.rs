//! Answers from a group whose protocol tells of whole repos.

use super::groups::Groups;
use super::members::Members;
use super::merged_index::MergedIndex;
use super::merged_state::{GroupRequest, MergedStates};
use super::origin::{Origin, Origins};
use crate::artifact::Tables;
use crate::bodies::Bodies;
use crate::document::Documents;
use crate::limits::Slots;
use crate::permissions::read_all;
use crate::publish::{HostedPackages, IndexStore};
use crate::repo::Repo;
use crate::responder::Responder;
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
    pub(crate) responder: Arc<Responder>,
    pub(crate) large_documents: Slots,
}

/// Answers with the documents of merged groups, and with what they name.
pub(crate) struct MergedResponder {
    gate: Arc<Gate>,
    groups: Arc<Groups>,
    states: Arc<MergedStates>,
    index: Arc<MergedIndex>,
    origins: Origins,
    responder: Arc<Responder>,
}

impl MergedResponder {
    /// Answers for these groups.
    pub(crate) fn new(parts: MergedParts) -> Self {
        let states = Arc::new(MergedStates::new(
            Arc::clone(&parts.gate),
            Arc::clone(&parts.groups),
            parts.documents,
        ));
        let index = Arc::new(MergedIndex::new(
            parts.metadata.clone(),
            parts.store,
            parts.packages,
            Arc::clone(&parts.bodies),
            parts.large_documents,
        ));
        let origins = Origins::new(
            parts.metadata,
            parts.bodies,
            parts.tables,
            Arc::clone(&states),
            Arc::clone(&index),
        );
        Self {
            gate: parts.gate,
            groups: parts.groups,
            states,
            index,
            origins,
            responder: parts.responder,
        }
    }

    /// Answers from a group; `None` for what no document of a whole repo tells of.
    pub(crate) async fn answer(
        &self,
        admission: &Admission,
        group: &Arc<Repo>,
        read: &ReadRequest,
        request: &Parts,
    ) -> Result<Option<Answer>, Problem> {
        let Some(index) = group.protocol.index() else {
            return Ok(None);
        };
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
            | ReadRequest::Details(_)
            | ReadRequest::Local(_)
            | ReadRequest::Redirect(_) => return Ok(None),
        };
        // The state that this caller may see, made of these members.
        let members: Members = self.groups.members(admission, group, "")?;
        let group_request = GroupRequest {
            admission,
            group,
            members: &members,
        };
        match (index.root(path), read) {
            (Some(root), _) => {
                let state = Arc::new(self.states.get(group_request, root).await?);
                let found = self.index.document(group, &state, path).await?;
                Ok(Some(Answer::Blob(BlobAnswer {
                    found,
                    content_type: HeaderValue::from_static(content_type),
                    headers: HeaderMap::new(),
                    lasts,
                    private: !state.public,
                })))
            }
            (None, ReadRequest::Artifact(artifact)) => self
                .artifact(group_request, artifact, request)
                .await
                .map(Some),
            _ => Ok(None),
        }
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
