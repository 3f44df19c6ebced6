//! Members of large sets, found by the names that clients have for them: each state of a set has its
//! own, kept under paths that never change.

use super::artifacts::{ArtifactSource, Artifacts, Wanted};
use crate::document::Documents;
use crate::problems::absent;
use crate::publish::index_of;
use crate::repo::Repo;
use crate::tables::Tables;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_mirrors::{Artifact, Document, Member};
use larder_model::{Algorithm, Kind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// A head of this age is not asked for again because a member of it cannot be had.
const JUST_NOW: Duration = Duration::from_secs(10);

/// Finds members.
pub(crate) struct SetMembers {
    metadata: Metadata,
    documents: Arc<Documents>,
    tables: Arc<Tables>,
    artifacts: Arc<Artifacts>,
}

/// A head with the member that its state has.
struct Resolved {
    head: Document,
    state: Arc<FileRecord>,
    member: Member,
}

impl SetMembers {
    /// Members of what these documents name.
    pub(crate) const fn new(
        metadata: Metadata,
        documents: Arc<Documents>,
        tables: Arc<Tables>,
        artifacts: Arc<Artifacts>,
    ) -> Self {
        Self {
            metadata,
            documents,
            tables,
            artifacts,
        }
    }

    /// What is asked for by a name or a path, and the artifact that it is.
    pub(crate) async fn get(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
        wanted: Wanted,
    ) -> Result<(Artifact, ArtifactSource), Problem> {
        if repo.is_hosted() {
            return self.hosted(repo, asked).await;
        }
        // What has its own digest for a name is the same in each state that names it: none is read.
        let (own, name) = (repo.artifact_key(asked), asked.path.rsplit('/').next());
        if let Some(name) = name.filter(|name| is_digest(name))
            && let Some(found) = self.metadata.find(own).await?
            && found.digest.text().hex() == name
            && self.artifacts.is_sound(asked, &found)
        {
            return Ok((asked.clone(), ArtifactSource::Stored(found)));
        }
        let (resolved, is_known) = self.resolve(repo, asked).await?;
        if let Some(resolved) = resolved {
            return self.of_state(repo, asked, resolved, wanted).await;
        }
        // What a past state named is there under its own path.
        let is_kept = self.metadata.find(own).await?.is_some();
        if !is_kept
            && !is_known
            && let Some(found) = self.ask(repo, asked).await?
        {
            return self.of_state(repo, asked, found, wanted).await;
        }
        let source = self.artifacts.get(repo, asked, wanted).await?;
        Ok((asked.clone(), source))
    }

    /// A member of a state. Where the upstream has another state by now, that is asked for.
    async fn of_state(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
        resolved: Resolved,
        wanted: Wanted,
    ) -> Result<(Artifact, ArtifactSource), Problem> {
        let Resolved {
            head,
            state,
            member,
        } = resolved;
        let get = async |member: Member| {
            let (artifact, fetch) = (member.artifact, member.fetch);
            let source = self.artifacts.get_known(repo, &artifact, &fetch, wanted);
            source.await.map(|source| (artifact, source))
        };
        let problem = match get(member).await {
            Err(problem) if matches!(problem.kind, Kind::NotFound | Kind::Upstream) => problem,
            outcome => return outcome,
        };
        if self.metadata.now().since(state.checked_at) <= JUST_NOW || repo.is_offline() {
            return Err(problem);
        }
        let now = self.documents.refresh(repo, &head, Some(&state)).await;
        if now.is_ok_and(|now| now.digest == state.digest) {
            return Err(problem);
        }
        match self.resolve(repo, asked).await? {
            (Some(resolved), _) if resolved.state.digest != state.digest => {
                get(resolved.member).await
            }
            _ => Err(problem),
        }
    }

    /// The member that a kept head has; whether any head is kept that could have it.
    async fn resolve(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
    ) -> Result<(Option<Resolved>, bool), Problem> {
        let Some(sets) = repo.protocol.sets() else {
            return Ok((None, false));
        };
        let mut is_known = false;
        for head in sets.heads_above(&asked.path) {
            let Some(state) = self.documents.at_hand(repo, &head).await? else {
                continue;
            };
            is_known = true;
            let table = self.tables.outline(repo, &head, Arc::clone(&state)).await?;
            if let Some(member) = table.member(&asked.path) {
                let resolved = Resolved {
                    head,
                    state,
                    member,
                };
                return Ok((Some(resolved), true));
            }
        }
        Ok((None, is_known))
    }

    /// Asks the upstream for the heads that may have a member, none of which is kept.
    async fn ask(&self, repo: &Arc<Repo>, asked: &Artifact) -> Result<Option<Resolved>, Problem> {
        let Some(sets) = repo.protocol.sets() else {
            return Ok(None);
        };
        for head in sets.heads_above(&asked.path) {
            if self.documents.find(repo, &head).await?.is_none() {
                continue;
            }
            if let (Some(resolved), _) = self.resolve(repo, asked).await? {
                return Ok(Some(resolved));
            }
        }
        Ok(None)
    }

    /// A file of an index that is made here.
    async fn hosted(
        &self,
        repo: &Arc<Repo>,
        asked: &Artifact,
    ) -> Result<(Artifact, ArtifactSource), Problem> {
        let key = repo.artifact_key(asked);
        if let Some(found) = self.metadata.find(key).await? {
            return Ok((asked.clone(), ArtifactSource::Stored(found)));
        }
        let document = Document::new("", asked.path.clone());
        let found = match self.documents.get(repo, &document).await {
            Ok(cached) => cached.found,
            Err(problem) if problem.kind == Kind::NotFound => {
                // It may be one that stays longer than its index.
                self.documents.get(repo, &index_of(repo)?.mark()).await?;
                self.metadata.find(key).await?.ok_or_else(absent)?
            }
            Err(problem) => return Err(problem),
        };
        Ok((asked.clone(), ArtifactSource::Stored(found)))
    }
}

/// Whether a file's name is a digest in hex.
fn is_digest(name: &str) -> bool {
    let hex_chars = 2 * Algorithm::Sha256.size();
    name.len() >= hex_chars && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
