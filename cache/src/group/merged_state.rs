//! What a group whose protocol tells of whole repos consists of, for a caller.
//!
//! A state is of the members that the caller may read. Names that are published in any hosted
//! member, readable or not, are left out of what comes from mirrors, so no package of that name is
//! ever offered, nor given out: what a group gives of a mirror is what its own list names.

use super::groups::Groups;
use super::members::Members;
use crate::document::Documents;
use crate::permissions::read_all;
use crate::publish::index_of;
use crate::repo::Repo;
use larder_access::{Admission, Gate};
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_model::{Algorithm, Hasher, Kind, Problem};
use std::collections::HashSet;
use std::sync::Arc;

/// Changes whenever merged documents come out differently: those made before are made again.
const EDITION: u32 = 4;

/// A caller's question to a group.
#[derive(Clone, Copy)]
pub(super) struct GroupRequest<'a> {
    pub(super) admission: &'a Admission,
    pub(super) group: &'a Arc<Repo>,
    pub(super) members: &'a Members,
}

/// What a group consists of for a caller, at one root, now.
pub(super) struct MergedState {
    pub(super) root: Box<str>,
    /// The members with their heads.
    pub(super) heads: Vec<(Arc<Repo>, Arc<FileRecord>)>,
    /// All hosted members, in their order.
    pub(super) hosted: Vec<Arc<Repo>>,
    /// Names that deleted repos left reserved.
    pub(super) reserved: HashSet<Box<str>>,
    /// Whether everyone sees the same.
    pub(super) public: bool,
}

/// Where the documents of a state are kept.
#[derive(Clone)]
pub(super) struct Folders {
    /// Those of this state.
    pub(super) current: String,
    /// Those that never change.
    pub(super) immutable: String,
}

impl MergedState {
    /// Whether the caller sees the list of a member.
    pub(super) fn lists(&self, member: &Repo) -> bool {
        self.heads
            .iter()
            .any(|(other, _)| other.record.id == member.record.id)
    }

    /// Where its documents are kept.
    pub(super) async fn folders(
        &self,
        metadata: &Metadata,
        group: &Repo,
    ) -> Result<Folders, Problem> {
        let mut current = Hasher::new(Algorithm::Sha256);
        current.update(format!("edition {EDITION}\n").as_bytes());
        let mut immutable = Hasher::new(Algorithm::Sha256);
        for (member, head) in &self.heads {
            current.update(format!("{} {}\n", member.record.id, head.digest).as_bytes());
            immutable.update(format!("{}\n", member.record.id).as_bytes());
        }
        for member in &self.hosted {
            let revision = metadata.revision(member.package_key("")).await?;
            current.update(format!("hides {} {revision:?}\n", member.record.id).as_bytes());
        }
        let mut reserved: Vec<_> = self.reserved.iter().collect();
        reserved.sort_unstable();
        for name in reserved {
            current.update(format!("reserved {name}\n").as_bytes());
        }
        current.update(group.record.settings.write().as_bytes());
        // No path of an upstream begins like that of a mirror's own documents.
        let prefix = if group.is_group() { "" } else { ";" };
        let folder = |hasher: Hasher| {
            let hash = hasher.finish().hex();
            format!("{prefix}merged/{}/{}", &hash[..32], self.root)
        };
        Ok(Folders {
            current: folder(current),
            immutable: folder(immutable),
        })
    }
}

/// Finds the states of groups.
pub(super) struct MergedStates {
    gate: Arc<Gate>,
    groups: Arc<Groups>,
    documents: Arc<Documents>,
}

impl MergedStates {
    pub(super) const fn new(
        gate: Arc<Gate>,
        groups: Arc<Groups>,
        documents: Arc<Documents>,
    ) -> Self {
        Self {
            gate,
            groups,
            documents,
        }
    }

    /// The members that a caller may read, with the documents that name all others.
    pub(super) async fn get(
        &self,
        request: GroupRequest<'_>,
        root: &str,
    ) -> Result<MergedState, Problem> {
        let GroupRequest {
            admission,
            group,
            members,
        } = request;
        let index = index_of(group)?;
        let (mut heads, mut public, mut lacking) = (Vec::new(), true, None);
        for member in members.all() {
            public &= self.gate.is_public(&[read_all(member)]);
            if !admission.may(&read_all(member)) {
                continue;
            }
            let head = index.head(if member.is_hosted() { "" } else { root });
            if !member.is_hosted() && !member.has_upstream() {
                continue; // what is published here can be used all the same
            }
            match self.documents.get(member, &head).await {
                Ok(now) => heads.push((Arc::clone(member), now.found)),
                // An upstream may have its repositories at other roots, and hosted packages are
                // listed at each.
                Err(problem) if problem.kind == Kind::NotFound => {}
                Err(problem) if may_lack(&problem) => lacking = lacking.or(Some(problem)),
                Err(problem) => return Err(problem),
            }
        }
        // What is published comes first, in whichever order the members are: addresses of it are
        // its own.
        heads.sort_by_key(|(member, _)| !member.is_hosted());
        let mirrored = heads.iter().any(|(member, _)| !member.is_hosted());
        if heads.is_empty() || (!root.is_empty() && !mirrored) {
            let detail = format!(
                "no member of {} has a repository here that you may read",
                group.prefix()
            );
            return Err(lacking.unwrap_or_else(|| Problem::not_found("repository", detail)));
        }
        Ok(MergedState {
            root: root.into(),
            heads,
            hosted: members.hosted.clone(),
            reserved: if group.is_group() {
                self.groups.reserved_names(group).await?
            } else {
                HashSet::new()
            },
            public,
        })
    }
}

/// Whether a member is passed over, and its problem the answer where no other has one either: one whose
/// upstream forbids a repository there, unless that means that it has none (`absent_statuses`), and
/// one that is offline. A rule of the operator's is about something else.
fn may_lack(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::Offline | Kind::UpstreamPolicy)
}
