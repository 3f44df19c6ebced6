//! Answers from a group: from the members who own a name, else from its mirrors.

use super::groups::Groups;
use super::members::{Owners, is_lacking, nowhere};
use super::shared::SharedPackages;
use crate::document::Documents;
use crate::log::published;
use crate::permissions::read_of;
use crate::problems::absent;
use crate::publish::publishing_of;
use crate::repo::Repo;
use crate::responder::{ReadContext, Responder};
use larder_access::{Admission, Gate};
use larder_door::Answer;
use larder_mirrors::ReadRequest;
use larder_model::{Kind, Problem, Reply, RepoKind};
use std::sync::Arc;

/// Answers with what the members of a group have.
pub(crate) struct GroupResponder {
    gate: Arc<Gate>,
    groups: Arc<Groups>,
    shared: SharedPackages,
    documents: Arc<Documents>,
    responder: Arc<Responder>,
}

impl GroupResponder {
    /// Answers for these groups.
    pub(crate) const fn new(
        gate: Arc<Gate>,
        groups: Arc<Groups>,
        shared: SharedPackages,
        documents: Arc<Documents>,
        responder: Arc<Responder>,
    ) -> Self {
        Self {
            gate,
            groups,
            shared,
            documents,
            responder,
        }
    }

    /// Answers from a group.
    pub(crate) async fn answer(
        &self,
        admission: &Admission,
        group: &Repo,
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        let package = read.package();
        group.require_not_blocked(match read {
            ReadRequest::Artifact(artifact) => group.protocol.names().package_of(artifact),
            _ => package,
        })?;
        let mirrors = match self.groups.owners(admission, group, package).await? {
            Owners::Nobody(problem) => return Err(problem),
            Owners::Hosted(members) => return self.answer_hosted(&members, read, context).await,
            Owners::Mirrors(mirrors) => mirrors,
        };
        for member in mirrors.iter().filter(|member| member.has_upstream()) {
            let answer = self.responder.answer_from_member(member, read, context);
            match answer.await {
                Err(problem) if is_lacking(member, &problem) => {
                    // Who refuses files refuses what tells of them, too, and need not be asked again.
                    let may_have = problem.kind == Kind::NotFound || is_document(read);
                    if may_have && self.has_beside(member, read).await? {
                        return Err(problem);
                    }
                }
                outcome => return outcome,
            }
        }
        Err(nowhere(&mirrors, package))
    }

    /// Whether a mirror that lacks what is asked for has its package all the same: of a package all comes
    /// from one member.
    async fn has_beside(&self, member: &Arc<Repo>, read: &ReadRequest) -> Result<bool, Problem> {
        let protocol = member.protocol;
        let others = match read {
            ReadRequest::Document(document, _) => protocol.beside(document),
            ReadRequest::Part(document, ..) if protocol.names_all_files() => vec![document.clone()],
            ReadRequest::Artifact(artifact) if protocol.names_all_files() => {
                let package = protocol.names().package_of(artifact);
                protocol.package_document(package).into_iter().collect()
            }
            _ => Vec::new(),
        };
        for other in others {
            match self.documents.find(member, &other).await {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(true),
                Err(problem) if is_lacking(member, &problem) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(false)
    }

    /// Answers with what hosted members have of a package together.
    async fn answer_hosted(
        &self,
        members: &[Arc<Repo>],
        read: &ReadRequest,
        context: ReadContext<'_>,
    ) -> Result<Answer, Problem> {
        if let ReadRequest::Log(wanted) = read {
            return Err(published(&wanted.package));
        }
        let [first, _, ..] = members else {
            let member = members.first().ok_or_else(absent)?;
            let answer = self.responder.answer_from_member(member, read, context);
            return answer.await;
        };
        let (document, form) = match read {
            ReadRequest::Artifact(artifact) => {
                let (package, path) = (&artifact.package, &*artifact.path);
                let holder = self.shared.holder(members, package, path).await?;
                let member = holder.ok_or_else(absent)?;
                let answer = self
                    .responder
                    .artifact(&member, artifact, context.request)
                    .await?;
                return Ok(self.private_if_any(members, read, answer));
            }
            ReadRequest::Document(document, representation) => {
                // What was published as it is may be asked for as a document.
                let (package, path) = (&document.package, &*document.path);
                if let Some(member) = self.shared.holder(members, package, path).await? {
                    let answer = self.responder.answer_from_member(&member, read, context);
                    return answer.await;
                }
                (document, (*representation, None))
            }
            ReadRequest::Part(document, representation, part) => {
                (document, (*representation, Some(&**part)))
            }
            ReadRequest::Log(wanted) => return Err(published(&wanted.package)),
            ReadRequest::Member(_)
            | ReadRequest::Details(_)
            | ReadRequest::Local(_)
            | ReadRequest::Redirect(_) => {
                return Err(absent()); // others answer these
            }
        };
        let cached = self.shared.document(members, document).await?;
        let answer = self
            .responder
            .document(first, document, cached, form, context)
            .await?;
        Ok(self.private_if_any(members, read, answer))
    }

    /// The answer, private if not everyone may read all of the members.
    fn private_if_any(&self, members: &[Arc<Repo>], read: &ReadRequest, answer: Answer) -> Answer {
        let is_public =
            |member: &Arc<Repo>| self.gate.is_public(&[read_of(member, read.package())]);
        if members.iter().all(is_public) {
            answer
        } else {
            answer.hidden()
        }
    }

    /// What is known of a published package beside its documents.
    pub(crate) async fn details(
        &self,
        admission: &Admission,
        own: &Arc<Repo>,
        package: &str,
    ) -> Result<Reply, Problem> {
        own.require_not_blocked(package)?;
        let owners = match own.kind() {
            RepoKind::Hosted => {
                admission.require(&read_of(own, package))?;
                vec![Arc::clone(own)]
            }
            RepoKind::Mirror => vec![self.groups.published_to(admission, own)?],
            RepoKind::Group => match self.groups.owners(admission, own, package).await? {
                Owners::Hosted(members) => members,
                Owners::Nobody(problem) => return Err(problem),
                Owners::Mirrors(mirrors) => return Err(nowhere(&mirrors, package)),
            },
        };
        for member in &owners {
            member.require_not_blocked(package)?;
        }
        publishing_of(own)?.details(package, &self.shared.files(&owners, package).await?)
    }
}

const fn is_document(read: &ReadRequest) -> bool {
    matches!(read, ReadRequest::Document(..))
}
