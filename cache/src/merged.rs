//! Groups whose protocol tells of whole repos: one repo made of those of the members, made anew
//! when one of them changed.
//!
//! A state is of the members that the caller may read. Names that are published in any hosted
//! member, readable or not, are left out of what comes from mirrors, so no package of that name is
//! ever offered, nor given out: what a group gives of a mirror is what its own list names.

use crate::Engine;
use crate::group::Members;
use crate::index::index_of;
use crate::permissions::{read_all, read_of};
use crate::problems::absent;
use crate::repo::Repo;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use larder_access::Admission;
use larder_door::{Answer, BlobAnswer, Lasts};
use larder_metadata::files::FileRecord;
use larder_metadata::index::IndexOf;
use larder_metadata::reservations::ReservationKey;
use larder_mirrors::index::{IndexMerger, Signer};
use larder_mirrors::{Artifact, Integrity, ReadRequest};
use larder_model::{Algorithm, CacheLifetime, FileKind, Hasher, Kind, Problem};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Reservations read at once.
const RESERVATIONS: u64 = 1000;

/// What a group consists of for a caller, at one root, now.
struct State {
    root: Box<str>,
    /// The members with their heads.
    heads: Vec<(Arc<Repo>, Arc<FileRecord>)>,
    /// All hosted members, in their order.
    hosted: Vec<Arc<Repo>>,
    /// Names that deleted repos left reserved.
    reserved: HashSet<Box<str>>,
    /// Whether everyone sees the same.
    public: bool,
}

impl State {
    /// Whether the caller sees the list of a member.
    fn lists(&self, member: &Repo) -> bool {
        self.heads
            .iter()
            .any(|(other, _)| other.record.id == member.record.id)
    }
}

/// Where a package that a group names comes from.
struct Origin {
    member: Arc<Repo>,
    artifact: Artifact,
}

impl Engine {
    /// Serves from a group whose protocol tells of whole repos; `None` for what no such document
    /// tells of.
    pub(crate) async fn serve_merged(
        self: &Arc<Self>,
        admission: &Admission,
        group: &Arc<Repo>,
        read: &ReadRequest,
        request: &Parts,
    ) -> Result<Option<Answer>, Problem> {
        let Some(index) = group.protocol.index() else {
            return Ok(None);
        };
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
        let members = self.members(admission, group, "")?;
        match (index.root(path), read) {
            (Some(root), _) => {
                let state = Arc::new(self.state(admission, &members, group, root).await?);
                let found = self.merged(group, &state, path).await?;
                let (content_type, headers) =
                    (HeaderValue::from_static(content_type), HeaderMap::new());
                let private = !state.public;
                Ok(Some(Answer::Blob(BlobAnswer {
                    found,
                    content_type,
                    headers,
                    lasts,
                    private,
                })))
            }
            (None, ReadRequest::Artifact(artifact)) => {
                group.require_not_blocked(group.protocol.names().package_of(artifact))?;
                let Origin { member, artifact } =
                    self.origin(admission, (group, &members), artifact).await?;
                let public = self.gate.is_public(&[read_all(&member)]);
                let answer = self.serve_artifact(&member, &artifact, request).await?;
                Ok(Some(if public { answer } else { answer.hidden() }))
            }
            _ => Ok(None),
        }
    }

    /// The members that a caller may read, with the documents that name all others.
    async fn state(
        self: &Arc<Self>,
        admission: &Admission,
        members: &Members,
        group: &Repo,
        root: &str,
    ) -> Result<State, Problem> {
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
            match self.document(member, &head).await {
                Ok(now) => heads.push((Arc::clone(member), now.found)),
                // An upstream may have its repositories at other roots, and hosted packages are
                // told of at each.
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
        Ok(State {
            root: root.into(),
            heads,
            hosted: members.hosted.clone(),
            reserved: self.reserved_names(group).await?,
            public,
        })
    }

    /// Where the documents of a state are kept, and where those of it that never change.
    async fn folders(&self, group: &Repo, state: &State) -> Result<(String, String), Problem> {
        let mut present = Hasher::new(Algorithm::Sha256);
        let mut immutable = Hasher::new(Algorithm::Sha256);
        for (member, head) in &state.heads {
            present.update(format!("{} {}\n", member.record.id, head.digest).as_bytes());
            immutable.update(format!("{}\n", member.record.id).as_bytes());
        }
        for member in &state.hosted {
            let revision = self.metadata.revision(member.place("")).await?;
            present.update(format!("hides {} {revision:?}\n", member.record.id).as_bytes());
        }
        let mut reserved: Vec<_> = state.reserved.iter().collect();
        reserved.sort_unstable();
        for name in reserved {
            present.update(format!("reserved {name}\n").as_bytes());
        }
        present.update(group.record.settings.write().as_bytes());
        let folder =
            |hasher: Hasher| format!("merged/{}/{}", &hasher.finish().hex()[..32], state.root);
        Ok((folder(present), folder(immutable)))
    }

    /// A document of a group, or a file that one names.
    async fn merged(
        self: &Arc<Self>,
        group: &Arc<Repo>,
        state: &Arc<State>,
        path: &str,
    ) -> Result<Arc<FileRecord>, Problem> {
        let below = path.strip_prefix(&*state.root).ok_or_else(absent)?;
        let (present, immutable) = self.folders(group, state).await?;
        let find =
            async |kind, path: &str| self.metadata.find(group.place("").file(kind, path)).await;
        if let Some(found) = find(FileKind::Artifact, &format!("{immutable}{below}")).await? {
            return Ok(found);
        }
        let head = format!("{present}{}", index_of(group)?.head("").path);
        if find(FileKind::Document, &head).await?.is_none() {
            let (engine, own, state) = (Arc::clone(self), Arc::clone(group), Arc::clone(state));
            let folders = (present.clone(), immutable.clone());
            let make = || async move { engine.merge(&own, &state, folders).await };
            self.index_builds
                .join((group.record.id, present.as_str().into()), make)
                .await?;
        }
        if let Some(found) = find(FileKind::Document, &format!("{present}{below}")).await? {
            return Ok(found);
        }
        let found = find(FileKind::Artifact, &format!("{immutable}{below}")).await?;
        found.ok_or_else(absent)
    }

    /// Makes a state and keeps it.
    async fn merge(
        self: &Arc<Self>,
        group: &Arc<Repo>,
        state: &State,
        (present, immutable): (String, String),
    ) -> Result<(), Problem> {
        let _room = self.large_documents.acquire().await?;
        let now = self.metadata.now();
        let signer = self.repo_signer(group.record.id, now).await?;
        let mut merge = self.begin_merge(group, state).await?;
        let mut told = Vec::new();
        while let Some(wanted) = merge.next() {
            let mut lists = Vec::with_capacity(wanted.len());
            for ((member, _), path) in state.heads.iter().zip(wanted) {
                lists.push(match path {
                    Some(path) => Some(self.list(member, &state.root, &path).await?),
                    None => None,
                });
            }
            let take = move || merge.merge_lists(lists).map(|made| (merge, made));
            let (after, made) = tokio::task::spawn_blocking(take)
                .await
                .map_err(Problem::internal)??;
            merge = after;
            told.extend(self.prepared(made).await?);
        }
        told.extend(
            self.prepared(merge.end(signer.as_ref().map(|signer| signer as &dyn Signer))?)
                .await?,
        );
        for document in &mut told {
            let folder = if document.lifetime == CacheLifetime::Longer {
                &immutable
            } else {
                &present
            };
            (document.path, document.lifetime) =
                (format!("{folder}{}", document.path), CacheLifetime::Longer);
        }
        self.keep_index(group.record.id, IndexOf::Others(&immutable), told)
            .await
    }

    async fn begin_merge(
        self: &Arc<Self>,
        group: &Repo,
        state: &State,
    ) -> Result<Box<dyn IndexMerger>, Problem> {
        let mut merge = index_of(group)?.merge(self.metadata.now());
        // What hosted members have that the caller may not list, nobody else has.
        let mut unlisted = HashSet::new();
        for member in state.hosted.iter().filter(|hosted| !state.lists(hosted)) {
            self.names(member, &mut unlisted).await?;
        }
        // What any of them has, no mirror has.
        let mut owned = unlisted.clone();
        owned.extend(state.reserved.iter().cloned());
        for member in state.hosted.iter().filter(|hosted| state.lists(hosted)) {
            self.names(member, &mut owned).await?;
        }
        let (unlisted, owned) = (Arc::new(unlisted), Arc::new(owned));
        for (member, head) in &state.heads {
            let hidden = if member.is_hosted() {
                &unlisted
            } else {
                &owned
            };
            merge.add(&self.bytes(head).await?, Arc::clone(hidden))?;
        }
        Ok(merge)
    }

    /// Names that deleted repos left reserved.
    async fn reserved_names(&self, group: &Repo) -> Result<HashSet<Box<str>>, Problem> {
        let protocol = group.record.protocol;
        let (mut names, mut after) = (HashSet::new(), ReservationKey::default());
        if !self.gate.policy().has_reservations(protocol) {
            return Ok(names);
        }
        loop {
            let page = self
                .metadata
                .reservations(&after, None, RESERVATIONS)
                .await?;
            let Some(last) = page.last() else {
                return Ok(names);
            };
            after = last.key();
            let of_deleted = page
                .into_iter()
                .filter(|it| it.protocol == protocol && it.repo.is_none());
            names.extend(of_deleted.map(|it| it.package));
        }
    }

    /// Adds the names of all packages that are published in a repo, or were.
    async fn names(&self, member: &Repo, names: &mut HashSet<Box<str>>) -> Result<(), Problem> {
        let mut after = Box::<str>::default();
        loop {
            let page = self.names_after(member, &after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.clone();
            names.extend(page);
        }
    }

    /// A file that a member's head names: it was kept together with the head.
    async fn list(&self, member: &Repo, root: &str, path: &str) -> Result<Bytes, Problem> {
        let path = if member.is_hosted() {
            path.to_owned()
        } else {
            format!("{root}{path}")
        };
        let found = self.metadata.find(member.address_key(&path)).await?;
        let found = found
            .ok_or_else(|| Problem::busy("a member changed meanwhile", Duration::from_secs(1)))?;
        self.bytes(&found).await
    }

    /// Where a package that is asked of a group comes from: from where the group's own list has it.
    async fn origin(
        self: &Arc<Self>,
        admission: &Admission,
        (group, members): (&Arc<Repo>, &Members),
        artifact: &Artifact,
    ) -> Result<Origin, Problem> {
        let path = &*artifact.path;
        let mut failed = None;
        for root in index_of(group)?.roots(path) {
            match self
                .named_by(admission, (group, members), root, artifact)
                .await
            {
                Ok(Some(origin)) => return Ok(origin),
                Ok(None) => {}
                Err(problem) => failed = failed.or(Some(problem)),
            }
        }
        // Who may read no whole list has its packages all the same, at whichever root it was told
        // of them.
        let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
        for below in starts.filter_map(|at| path.get(at..)) {
            for member in &members.hosted {
                let found = self.metadata.find(member.address_key(below)).await?;
                let Some(found) = found.filter(|found| !found.owner.is_empty()) else {
                    continue;
                };
                let may_list = || admission.may(&read_all(member));
                if may_list() || admission.may(&read_of(member, &found.owner)) {
                    return Ok(Origin::new(member, artifact, below));
                }
            }
        }
        Err(failed.unwrap_or_else(absent))
    }

    /// The member that a group's own list, at a root, has a package from.
    async fn named_by(
        self: &Arc<Self>,
        admission: &Admission,
        (group, members): (&Arc<Repo>, &Members),
        root: &str,
        artifact: &Artifact,
    ) -> Result<Option<Origin>, Problem> {
        let index = index_of(group)?;
        let head = index.head(root);
        let mut known = root.is_empty();
        for member in &members.mirrors {
            known |= self
                .metadata
                .find(member.document_key(&head))
                .await?
                .is_some();
        }
        if !known {
            return Ok(None);
        }
        let state = match self.state(admission, members, group, root).await {
            Err(problem) if problem.kind == Kind::NotFound => return Ok(None),
            state => Arc::new(state?),
        };
        let merged = self.merged(group, &state, &head.path).await?;
        let Some(list) = index.list(&self.bytes(&merged).await?)? else {
            return Ok(None);
        };
        let found = self
            .merged(group, &state, &format!("{root}{}", list.path))
            .await?;
        let below = artifact.path.strip_prefix(root).unwrap_or(&artifact.path);
        let Some(fetch) = self
            .read_table(group, &list, found)
            .await?
            .find(root, below)
        else {
            return Ok(None);
        };
        for (member, head) in &state.heads {
            if self.integrity_in(member, head, (root, below)).await?
                == Some(fetch.integrity.clone())
            {
                let path = if member.is_hosted() {
                    below
                } else {
                    &artifact.path
                };
                return Ok(Some(Origin::new(member, artifact, path)));
            }
        }
        Ok(None)
    }

    /// What a member vouches for a package with that is `below` a root.
    async fn integrity_in(
        self: &Arc<Self>,
        member: &Arc<Repo>,
        head: &FileRecord,
        (root, below): (&str, &str),
    ) -> Result<Option<Integrity>, Problem> {
        if member.is_hosted() {
            let found = self.metadata.find(member.address_key(below)).await?;
            return Ok(found.map(|found| Integrity::Digest(found.digest)));
        }
        let Some(list) = index_of(member)?.list(&self.bytes(head).await?)? else {
            return Ok(None);
        };
        let list = Artifact {
            path: format!("{root}{}", list.path).into(),
            ..list
        };
        let Some(found) = self.metadata.find(member.artifact_key(&list)).await? else {
            return Ok(None);
        };
        Ok(self
            .read_table(member, &list, found)
            .await?
            .find(root, below)
            .map(|fetch| fetch.integrity))
    }
}

/// Whether a member is passed over, and its answer told where no other has one either: one whose
/// upstream forbids a repository there, unless that means that it has none (`absent_statuses`), and
/// one that is offline. A rule of the operator's is about something else.
fn may_lack(problem: &Problem) -> bool {
    problem.kind == Kind::Offline || (problem.kind == Kind::Policy && problem.about == "upstream")
}

impl Origin {
    /// A package at an address of the member's own.
    fn new(member: &Arc<Repo>, artifact: &Artifact, path: &str) -> Self {
        Self {
            member: Arc::clone(member),
            artifact: Artifact {
                path: path.into(),
                ..artifact.clone()
            },
        }
    }
}
