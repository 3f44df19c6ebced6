//! The documents of a group whose protocol tells of whole repos: made of those of the members, anew
//! when one of them changed.

use super::merged_state::{Folders, MergedState};
use crate::artifact::{ArtifactSource, SetMembers, Wanted};
use crate::bodies::Bodies;
use crate::flights::Flights;
use crate::limits::Slots;
use crate::problems::absent;
use crate::publish::{HostedPackages, IndexStore, index_of};
use crate::repo::Repo;
use bytes::Bytes;
use larder_metadata::Metadata;
use larder_metadata::files::FileRecord;
use larder_metadata::index::IndexOf;
use larder_mirrors::Artifact;
use larder_mirrors::index::{IndexDocument, IndexMember, IndexMerger, NextLists, Signer};
use larder_model::{CacheLifetime, FileKind, Kind, Problem};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Where it stands beside a state which lists were to be looked through and could not be had then: in each
/// line a member's id and a path. No client can ask for a path like this.
const UNREAD: &str = ";unread";

/// Where it stands beside the files of all states what was made of the same lists before.
const MADE: &str = ";made/";

/// States made at once: each has lists of all members in memory.
const MERGES: usize = 2;

/// Merges the indexes of members.
pub(crate) struct MergedIndex {
    metadata: Metadata,
    store: Arc<IndexStore>,
    packages: Arc<HostedPackages>,
    bodies: Arc<Bodies>,
    members: SetMembers,
    merges: Slots,
    builds: Flights<()>,
}

impl MergedIndex {
    /// Indexes that are kept in `store`.
    pub(crate) fn new(
        metadata: Metadata,
        store: Arc<IndexStore>,
        packages: Arc<HostedPackages>,
        bodies: Arc<Bodies>,
        members: SetMembers,
    ) -> Self {
        Self {
            metadata,
            store,
            packages,
            bodies,
            members,
            merges: Slots::new(MERGES),
            builds: Flights::default(),
        }
    }

    /// A document of a group, or a file that one names.
    pub(super) async fn document(
        self: &Arc<Self>,
        group: &Arc<Repo>,
        state: &Arc<MergedState>,
        path: &str,
    ) -> Result<Arc<FileRecord>, Problem> {
        let path = path.strip_prefix(&*state.root).ok_or_else(absent)?;
        let folders = state.folders(&self.metadata, group).await?;
        let Folders { current, immutable } = &folders;
        let find = async |kind, path: &str| {
            let key = group.package_key("").file(kind, path);
            self.metadata.find(key).await
        };
        if let Some(found) = find(FileKind::Artifact, &format!("{immutable}{path}")).await? {
            return Ok(found);
        }
        let head = format!("{current}{}", index_of(group)?.head("").path);
        if find(FileKind::Document, &head).await?.is_none() {
            let key = (group.record.id, current.as_str().into());
            let (this, own, state) = (Arc::clone(self), Arc::clone(group), Arc::clone(state));
            let folders = folders.clone();
            let merge = || async move { this.merge(&own, &state, folders, false).await };
            self.builds.join(key, merge).await?;
        } else {
            let unread = find(FileKind::Document, &format!("{current}{UNREAD}")).await?;
            if let Some(unread) = unread.filter(|unread| unread.size > 0) {
                let (this, own, state) = (Arc::clone(self), Arc::clone(group), Arc::clone(state));
                // What is there is given meanwhile.
                tokio::spawn(this.merge_again(own, state, folders.clone(), unread));
            }
        }
        if let Some(found) = find(FileKind::Document, &format!("{current}{path}")).await? {
            return Ok(found);
        }
        let found = find(FileKind::Artifact, &format!("{immutable}{path}")).await?;
        found.ok_or_else(absent)
    }

    /// Makes the documents of a state again if the first of the lists can be had that could not be had
    /// before.
    async fn merge_again(
        self: Arc<Self>,
        group: Arc<Repo>,
        state: Arc<MergedState>,
        folders: Folders,
        unread: Arc<FileRecord>,
    ) {
        let key = (
            group.record.id,
            format!("{}{UNREAD}", folders.current).into(),
        );
        let this = Arc::clone(&self);
        let merge = || async move {
            let text = this.bodies.read(&unread).await?;
            let text = String::from_utf8_lossy(&text);
            let Some((id, path)) = text.lines().next().and_then(|line| line.split_once(' ')) else {
                return Ok(()); // none is left
            };
            let mut heads = state.heads.iter();
            if let Some((member, head)) = heads.find(|it| it.0.record.id.to_string() == id) {
                this.list(member, (&state.root, head), path).await?;
                this.merge(&group, &state, folders, true).await?;
            }
            Ok(())
        };
        if let Err(problem) = self.builds.join(key, merge).await {
            tracing::debug!(%problem, "a group's lists are not made again");
        }
    }

    /// Makes the documents of a state and keeps them. `again`: they are kept already, made without some
    /// lists.
    async fn merge(
        &self,
        group: &Repo,
        state: &MergedState,
        folders: Folders,
        again: bool,
    ) -> Result<(), Problem> {
        // One of its own: while it holds that, the index of a hosted member may be composed.
        let _slot = self.merges.acquire().await?;
        let now = self.metadata.now();
        let signer = self.store.signer(group.record.id, now).await?;
        let mut merger = self.begin(group, state).await?;
        // List by list, so that only one of each member is in memory.
        let (mut documents, mut unread) = (Vec::new(), String::new());
        while let Some(wanted) = merger.next() {
            let note = wanted.made_from.map(|from| format!("{MADE}{}", from.hex()));
            let before = self.made_before(group, &folders, note.as_deref()).await?;
            let (lists, are_whole) = match &before {
                Some(_) => (Vec::new(), true),
                None => self.lists(state, wanted, &mut unread).await?,
            };
            let take = move || {
                let made = match before {
                    Some(files) => merger.reuse(files),
                    None => merger.merge_lists(lists),
                };
                made.map(|made| (merger, made))
            };
            let (after, mut made) = tokio::task::spawn_blocking(take)
                .await
                .map_err(Problem::internal)??;
            merger = after;
            if let Some(note) = note.filter(|_| are_whole) {
                made.push(note_of(note, &made));
            }
            documents.extend(self.store.prepare(made).await?);
        }
        // The head comes last, and all of them at once.
        let mut head = merger.end(signer.as_ref().map(|signer| signer as &dyn Signer))?;
        if again || !unread.is_empty() {
            head.push(IndexDocument {
                path: UNREAD.to_owned(),
                content_type: "text/plain; charset=utf-8",
                bytes: unread.into_bytes(),
                lifetime: CacheLifetime::UntilChange,
            });
        }
        documents.extend(self.store.prepare(head).await?);
        for document in &mut documents {
            let folder = match document.lifetime {
                CacheLifetime::Longer => &folders.immutable,
                CacheLifetime::UntilChange | CacheLifetime::UntilNext => &folders.current,
            };
            document.path = format!("{folder}{}", document.path);
            document.lifetime = CacheLifetime::Longer;
        }
        let of = IndexOf::Others(&folders.immutable);
        self.store.keep(group.record.id, of, documents).await
    }

    /// The lists to read next; whether all are there that are named. What could not be had for now is added
    /// to `unread`.
    async fn lists(
        &self,
        state: &MergedState,
        wanted: NextLists,
        unread: &mut String,
    ) -> Result<(Vec<Option<Bytes>>, bool), Problem> {
        let (mut lists, mut are_whole) = (Vec::with_capacity(wanted.paths.len()), true);
        for ((member, head), path) in state.heads.iter().zip(wanted.paths) {
            let Some(path) = path else {
                lists.push(None);
                continue;
            };
            lists.push(match self.list(member, (&state.root, head), &path).await {
                Err(problem) if !wanted.are_required && is_upstreams(&problem) => {
                    if matches!(problem.kind, Kind::Unreachable | Kind::Offline) {
                        *unread += &format!("{} {path}\n", member.record.id);
                    }
                    are_whole = false;
                    None
                }
                list => list?,
            });
        }
        Ok((lists, are_whole))
    }

    /// The files that were made of the same lists before, by their paths; `None`: that is not noted, or one
    /// of them is gone or larger than what is read as a whole.
    async fn made_before(
        &self,
        group: &Repo,
        folders: &Folders,
        note: Option<&str>,
    ) -> Result<Option<Vec<(String, Bytes)>>, Problem> {
        let find = async |path: &str| {
            let path = format!("{}{path}", folders.immutable);
            let key = group.package_key("").file(FileKind::Artifact, &path);
            match self.metadata.find(key).await? {
                Some(found) if found.size <= self.bodies.max_bytes() => {
                    self.bodies.read(&found).await.map(Some)
                }
                _ => Ok(None),
            }
        };
        let Some(note) = note else { return Ok(None) };
        let Some(text) = find(note).await? else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for line in String::from_utf8_lossy(&text).lines() {
            let Some((kept, path)) = line.split_once(' ') else {
                return Ok(None);
            };
            match find(kept).await? {
                Some(bytes) => files.push((path.to_owned(), bytes)),
                None => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// Begins with the heads of all members, and the names to leave out of each.
    async fn begin(
        &self,
        group: &Repo,
        state: &MergedState,
    ) -> Result<Box<dyn IndexMerger>, Problem> {
        let mut merger = index_of(group)?.merge(self.metadata.now(), &state.root);
        // What hosted members have that the caller may not list, nobody else has.
        let mut unlisted = HashSet::new();
        for member in state.hosted.iter().filter(|hosted| !state.lists(hosted)) {
            self.packages.add_names(member, &mut unlisted).await?;
        }
        // What any of them has, no mirror has.
        let mut owned = unlisted.clone();
        owned.extend(state.reserved.iter().cloned());
        for member in state.hosted.iter().filter(|hosted| state.lists(hosted)) {
            self.packages.add_names(member, &mut owned).await?;
        }
        let (unlisted, owned) = (Arc::new(unlisted), Arc::new(owned));
        for (member, head) in &state.heads {
            let hidden = if member.is_hosted() {
                &unlisted
            } else {
                &owned
            };
            let index_member = IndexMember {
                hidden: Arc::clone(hidden),
                is_hosted: member.is_hosted(),
            };
            merger.add(&self.bodies.read(head).await?, index_member)?;
        }
        Ok(merger)
    }

    /// A file that a member's head names: it was kept together with the head. `None` if the upstream
    /// lacked it, and it is not the list of packages.
    async fn list(
        &self,
        member: &Arc<Repo>,
        (root, head): (&str, &FileRecord),
        path: &str,
    ) -> Result<Option<Bytes>, Problem> {
        if index_of(member)?.is_by_sets() {
            return self.member_of_set(member, path).await.map(Some);
        }
        let own = if member.is_hosted() {
            path.to_owned()
        } else {
            format!("{root}{path}")
        };
        if let Some(found) = self.metadata.find(member.address_key(&own)).await? {
            return self.bodies.read(&found).await.map(Some);
        }
        let packages = index_of(member)?.list(&self.bodies.read(head).await?)?;
        if !member.is_hosted() && packages.is_some_and(|list| *list.path != *path) {
            return Ok(None);
        }
        let changed = "a member changed meanwhile";
        Err(Problem::busy(changed, Duration::from_secs(1)))
    }

    /// A file that a member's head names, which is fetched if it is not kept.
    async fn member_of_set(&self, member: &Arc<Repo>, path: &str) -> Result<Bytes, Problem> {
        let asked = Artifact::new("", None, path);
        let (_, source) = self.members.get(member, &asked, Wanted::Kept).await?;
        match source {
            ArtifactSource::Stored(found) | ArtifactSource::Downloaded(found) => {
                self.bodies.read(&found).await
            }
            ArtifactSource::Streaming(..) => Err(Problem::internal("it was to be kept")),
        }
    }
}

/// A note of what was made of some lists: in each line where it stays and its path.
fn note_of(path: String, made: &[IndexDocument]) -> IndexDocument {
    let of = |lifetime| move |it: &&IndexDocument| it.lifetime == lifetime;
    let mut text = String::new();
    for current in made.iter().filter(of(CacheLifetime::UntilChange)) {
        let mut stay = made.iter().filter(of(CacheLifetime::Longer));
        let kept = stay.find(|kept| kept.bytes == current.bytes);
        let kept = kept.map(|kept| kept.path.as_str()).unwrap_or_default();
        text += &format!("{kept} {}\n", current.path);
    }
    IndexDocument {
        path,
        content_type: "text/plain; charset=utf-8",
        bytes: text.into_bytes(),
        lifetime: CacheLifetime::Longer,
    }
}

/// Whether something cannot be had for a reason that is its upstream's: then no client of that gets it
/// either.
pub(super) const fn is_upstreams(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        Kind::NotFound | Kind::Upstream | Kind::UpstreamPolicy | Kind::Unreachable | Kind::Offline
    )
}
