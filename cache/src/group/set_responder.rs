//! Answers from a group whose members have sets that change one by one: a set that one member has is
//! given as it is there, with its signature; one that several have is merged, and signed with the
//! group's key.
//!
//! Names that are published in any hosted member are no mirror's: where a set is given as it is its
//! lists may tell of them, but nobody gets them from there.

use super::groups::Groups;
use super::members::{Members, is_lacking};
use super::merged_index::{MergedIndex, is_upstreams};
use super::merged_state::{GroupRequest, MergedState};
use crate::document::Documents;
use crate::permissions::{read_all, read_of};
use crate::problems::absent;
use crate::publish::{IndexStore, index_of};
use crate::repo::Repo;
use crate::responder::{ReadContext, Responder};
use http::{HeaderMap, HeaderValue, StatusCode};
use larder_access::Gate;
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::index::Signer as _;
use larder_mirrors::protocol::Sets;
use larder_mirrors::{Artifact, Document, ReadRequest};
use larder_model::{Kind, Problem, Reply};
use std::collections::HashSet;
use std::sync::Arc;

/// Answers with sets of members, and with what they name.
pub(super) struct SetResponder {
    pub(super) metadata: Metadata,
    pub(super) gate: Arc<Gate>,
    pub(super) groups: Arc<Groups>,
    pub(super) documents: Arc<Documents>,
    pub(super) index: Arc<MergedIndex>,
    pub(super) store: Arc<IndexStore>,
    pub(super) responder: Arc<Responder>,
}

impl SetResponder {
    /// Answers a request to a group.
    pub(super) async fn answer(
        &self,
        request: GroupRequest<'_>,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let sets = request.group.protocol.sets().ok_or_else(absent)?;
        match read {
            ReadRequest::Document(document, representation) => {
                let heads = if sets.is_head(document) {
                    vec![document.clone()]
                } else {
                    sets.heads_of(document)
                };
                let Some(head) = heads.first() else {
                    return self.own(request.group, document).await;
                };
                let root = folder(&head.path);
                let state = self.state(request, sets, (root, true)).await?;
                if let [(member, _)] = &state.heads[..] {
                    let answer = self.responder.answer_from_member(member, read, context);
                    return answer.await;
                }
                let content_type = representation.content_type;
                self.merged(request.group, &state, &document.path, content_type)
                    .await
            }
            ReadRequest::Member(artifact) => self.member(request, sets, artifact, context).await,
            ReadRequest::Artifact(artifact) => self.artifact(request, artifact, context).await,
            ReadRequest::Part(..)
            | ReadRequest::Details(_)
            | ReadRequest::Log(_)
            | ReadRequest::Local(_)
            | ReadRequest::Redirect(_) => Err(absent()),
        }
    }

    /// The members that a caller may read and that have a set at a root. `fresh`: as their upstreams
    /// have it now.
    async fn state(
        &self,
        request: GroupRequest<'_>,
        sets: &dyn Sets,
        (root, fresh): (&str, bool),
    ) -> Result<Arc<MergedState>, Problem> {
        let GroupRequest {
            admission,
            group,
            members,
        } = request;
        let all = sets.heads_of(&index_of(group)?.head(root));
        let mut heads: Vec<(Arc<Repo>, Arc<FileRecord>)> = Vec::new();
        let (mut public, mut lacking) = (true, None);
        for member in members.all() {
            public &= self.gate.is_public(&[read_all(member)]);
            let is_there = member.is_hosted() || member.has_upstream();
            if !is_there || !admission.may(&read_all(member)) {
                continue;
            }
            match self.head(member, &all, fresh).await {
                Ok(Some(head)) => heads.push((Arc::clone(member), head)),
                Ok(None) => {}
                Err(problem) if problem.kind == Kind::Offline || is_lacking(member, &problem) => {
                    lacking = lacking.or(Some(problem));
                }
                // What is published here can be used all the same. What comes after a mirror that may
                // have the set cannot: it might take the place of what that has.
                Err(problem) if heads.iter().any(|(member, _)| member.is_hosted()) => {
                    lacking = lacking.or(Some(problem));
                }
                Err(problem) => return Err(problem),
            }
        }
        if heads.is_empty() {
            return Err(lacking.unwrap_or_else(absent));
        }
        Ok(Arc::new(MergedState {
            root: root.into(),
            heads,
            hosted: members.hosted.clone(),
            reserved: if group.is_group() {
                self.groups.reserved_names(group).await?
            } else {
                HashSet::new()
            },
            public,
        }))
    }

    /// The first of some heads that a member has.
    async fn head(
        &self,
        member: &Arc<Repo>,
        heads: &[Document],
        fresh: bool,
    ) -> Result<Option<Arc<FileRecord>>, Problem> {
        if !fresh && !member.is_hosted() {
            for head in heads {
                if let Some(found) = self.documents.at_hand(member, head).await? {
                    return Ok(Some(found));
                }
            }
        }
        for head in heads {
            if let Some(found) = self.documents.find(member, head).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Answers with what is merged.
    async fn merged(
        &self,
        group: &Arc<Repo>,
        state: &Arc<MergedState>,
        path: &str,
        content_type: &'static str,
    ) -> Result<Answer, Problem> {
        let found = self.index.document(group, state, path).await?;
        Ok(Answer::Blob(BlobAnswer {
            found,
            content_type: HeaderValue::from_static(content_type),
            headers: HeaderMap::new(),
            lasts: Lasts::Unknown,
            private: !state.public,
            overlay: None,
            changed: None,
        }))
    }

    /// Answers with a member of a set: what is merged, else that of the first who has it.
    async fn member(
        &self,
        request: GroupRequest<'_>,
        sets: &dyn Sets,
        artifact: &Artifact,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let (read, group) = (ReadRequest::Member(artifact.clone()), request.group);
        let mut tried: Vec<Box<str>> = Vec::new();
        let mut problem = absent();
        for head in sets.heads_above(&artifact.path) {
            let root = folder(&head.path);
            if tried.iter().any(|known| **known == *root) {
                continue;
            }
            tried.push(root.into());
            let state = match self.state(request, sets, (root, false)).await {
                Err(problem) if problem.kind == Kind::NotFound => continue,
                state => state?,
            };
            if state.heads.len() > 1 {
                let content_type = group.protocol.content_type(artifact);
                match self
                    .merged(group, &state, &artifact.path, content_type)
                    .await
                {
                    Err(problem) if problem.kind == Kind::NotFound => {}
                    answer => return answer,
                }
            }
            let mut failed = None;
            for (member, _) in &state.heads {
                let answer = self.responder.answer_from_member(member, &read, context);
                match answer.await {
                    Err(absent) if absent.kind == Kind::NotFound => problem = absent,
                    Err(away) if is_away(&away) => failed = failed.or(Some(away)),
                    answer => return answer,
                }
            }
            if let Some(failed) = failed {
                return Err(failed);
            }
        }
        Err(problem)
    }

    /// Answers with a package: of the hosted member that has it, else of a mirror, unless its name is
    /// published here.
    async fn artifact(
        &self,
        request: GroupRequest<'_>,
        artifact: &Artifact,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let GroupRequest {
            admission,
            group,
            members,
        } = request;
        let name = group.protocol.names().package_of(artifact);
        group.require_not_blocked(name)?;
        let read = ReadRequest::Artifact(artifact.clone());
        for member in &members.hosted {
            let found = self
                .metadata
                .find(member.address_key(&artifact.path))
                .await?;
            let Some(found) = found.filter(|found| !found.owner.is_empty()) else {
                continue;
            };
            let may_read =
                admission.may(&read_all(member)) || admission.may(&read_of(member, &found.owner));
            if !may_read {
                return Err(members.nowhere(name));
            }
            let answer = self.responder.answer_from_member(member, &read, context);
            return answer.await;
        }
        if self.groups.is_taken(group, &members.hosted, name).await? {
            return Err(members.nowhere(name));
        }
        self.of_mirrors(members, &read, context, name).await
    }

    async fn of_mirrors(
        &self,
        members: &Members,
        read: &ReadRequest,
        context: ReadContext<'_>,
        name: &str,
    ) -> Result<Answer, Problem> {
        let (mut lacking, mut failed) = (None, None);
        for member in members.mirrors.iter().filter(|it| it.has_upstream()) {
            let answer = self.responder.answer_from_member(member, read, context);
            match answer.await {
                Err(problem) if is_lacking(member, &problem) => lacking = Some(problem),
                // Clients compare what they get with the list that they have of one of these.
                Err(problem) if is_upstreams(&problem) => failed = failed.or(Some(problem)),
                answer => return answer,
            }
        }
        let problem = failed.or(lacking);
        Err(problem.unwrap_or_else(|| members.nowhere(name)))
    }

    /// Answers with what is the group's own: its key.
    async fn own(&self, group: &Repo, document: &Document) -> Result<Answer, Problem> {
        let signer = self
            .store
            .signer(group.record.id, self.metadata.now())
            .await?;
        let is_key = index_of(group)?.key() == Some(&*document.path);
        let signer = signer.filter(|_| is_key).ok_or_else(absent)?;
        let key = signer.public_key().to_owned();
        let reply = Reply::new(StatusCode::OK).with_body("application/pgp-keys", key);
        Ok(reply.into())
    }
}

/// Whether a member's upstream cannot be asked now.
const fn is_away(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::Unreachable | Kind::Offline)
}

/// The folder of a path, with a slash at its end.
fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}
