//! How an artifact is got that only the lists of kept sets tell of, in whichever set.

use super::plans::Plans;
use crate::repo::Repo;
use larder_metadata::files::FileRecord;
use larder_mirrors::protocol::Sets;
use larder_mirrors::{Artifact, Document, Fetch, Member, Table};
use larder_model::{FileKind, Kind, Problem, Timestamp};
use std::sync::Arc;

/// Kept documents among which heads are looked for.
const MAX_DOCUMENTS: u64 = 1000;
/// Lists that are fetched because none that is kept tells of an artifact.
const MAX_FETCHED: usize = 8;
/// Past states of a set whose lists are looked through for the same reason, the newest first.
const MAX_PAST: usize = 4;
/// Heads that are asked for again for the same reason.
const MAX_ASKED: usize = 8;

/// Several lists as one.
struct Joined(Vec<Arc<dyn Table>>);

impl Table for Joined {
    fn find(&self, root: &str, path: &str) -> Option<Fetch> {
        self.0.iter().find_map(|table| table.find(root, path))
    }

    fn named(&self, file: &str) -> Vec<String> {
        self.0.iter().flat_map(|table| table.named(file)).collect()
    }

    fn weight(&self) -> usize {
        self.0.iter().map(|table| table.weight()).sum()
    }
}

impl Plans {
    /// How an artifact is got that a list of a kept set names; `None` if none does. With `anew` the
    /// heads are asked for again, and lists are fetched that may name it.
    pub(super) async fn plan_listed(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        anew: bool,
    ) -> Result<Option<Fetch>, Problem> {
        let Some(sets) = repo.protocol.sets() else {
            return Ok(None);
        };
        let mut heads = self.kept_heads(repo, sets).await?;
        if heads.is_empty() && anew {
            // Its set may be above it.
            for head in sets.heads_above(&artifact.path) {
                if self.documents.find(repo, &head).await?.is_some() {
                    heads.push(head);
                    break;
                }
            }
        }
        if anew {
            for head in heads.iter().take(MAX_ASKED) {
                self.documents.find(repo, head).await?; // if it is not fresh any more
                self.ask_again(repo, head).await?;
            }
        }
        let (mut left, mut failed) = (if anew { MAX_FETCHED } else { 0 }, None);
        let mut unread = Vec::new();
        for head in &heads {
            let Some(state) = self.documents.at_hand(repo, head).await? else {
                continue;
            };
            let found = self.find_in(repo, (head, state), artifact, &mut unread);
            if let Some(fetch) = found.await? {
                return Ok(Some(fetch));
            }
        }
        for (root, forms) in unread {
            if left == 0 {
                break;
            }
            left -= 1;
            match self.fetch_form(repo, forms).await {
                Ok(Some(table)) => {
                    if let Some(fetch) = table.find(&root, &artifact.path) {
                        return Ok(Some(fetch));
                    }
                }
                Ok(None) => {}
                Err(problem) => failed = Some(problem),
            }
        }
        if anew {
            // Clients have the lists of the state before for a while, as they have at the upstream.
            let now = self.metadata.now();
            if let Some(fetch) = self.plan_past_of(repo, heads, (artifact, now)).await? {
                return Ok(Some(fetch));
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// How an artifact is got that a kept list named at a time; `None` if none did.
    pub(crate) async fn plan_past(
        &self,
        repo: &Arc<Repo>,
        artifact: &Artifact,
        at: Timestamp,
    ) -> Result<Option<Fetch>, Problem> {
        let Some(sets) = repo.protocol.sets() else {
            return Ok(None);
        };
        let heads = self.kept_heads(repo, sets).await?;
        self.plan_past_of(repo, heads, (artifact, at)).await
    }

    async fn plan_past_of(
        &self,
        repo: &Arc<Repo>,
        heads: Vec<Document>,
        (artifact, at): (&Artifact, Timestamp),
    ) -> Result<Option<Fetch>, Problem> {
        let mut unread = Vec::new();
        for head in heads {
            for state in self
                .documents
                .states_until(repo, &head, at, MAX_PAST)
                .await?
            {
                let found = self.find_in(repo, (&head, state), artifact, &mut unread);
                match found.await {
                    Ok(None) => {}
                    Ok(fetch) => return Ok(fetch),
                    // A state that cannot be read any more tells nothing.
                    Err(problem) => {
                        let (problem, path) = (problem.with_causes(), &*head.path);
                        tracing::debug!(problem, path, "a past state is passed over");
                    }
                }
            }
        }
        Ok(None)
    }

    /// How an artifact is got that a kept list of a state names. Lists that are not kept are added to
    /// `unread`.
    async fn find_in(
        &self,
        repo: &Arc<Repo>,
        (head, state): (&Document, Arc<FileRecord>),
        artifact: &Artifact,
        unread: &mut Vec<(String, Vec<Member>)>,
    ) -> Result<Option<Fetch>, Problem> {
        let outline = self.tables.outline(repo, head, state).await?;
        let root = head.path.rfind('/').map_or("", |at| &head.path[..=at]);
        for forms in outline.lists_of(&artifact.path) {
            match self.kept_form(repo, &forms).await? {
                Some(table) => {
                    if let Some(fetch) = table.find(root, &artifact.path) {
                        return Ok(Some(fetch));
                    }
                }
                None => unread.push((root.to_owned(), forms)),
            }
        }
        Ok(None)
    }

    /// The heads of sets that are kept. One beside which a better one is kept is left out.
    async fn kept_heads(&self, repo: &Repo, sets: &dyn Sets) -> Result<Vec<Document>, Problem> {
        let key = repo.package_key("");
        let kept = self
            .metadata
            .list(key, FileKind::Document, "", MAX_DOCUMENTS)
            .await?;
        let documents = kept.into_iter().map(|file| Document::new("", file.path));
        let heads: Vec<Document> = documents.filter(|it| sets.is_head(it)).collect();
        let is_first = |head: &&Document| {
            let mut better = sets.heads_of(head).into_iter().take_while(|it| it != *head);
            !better.any(|better| heads.contains(&better))
        };
        Ok(heads.iter().filter(is_first).cloned().collect())
    }

    /// Those of some lists that are kept, as one; if none is, all, unless they are many.
    pub(super) async fn kept_lists(
        &self,
        repo: &Arc<Repo>,
        lists: Vec<Vec<Member>>,
    ) -> Result<Arc<dyn Table>, Problem> {
        let mut kept = Vec::new();
        for forms in &lists {
            kept.extend(self.kept_form(repo, forms).await?);
        }
        if kept.is_empty() && lists.len() <= MAX_FETCHED {
            for forms in lists {
                kept.extend(self.fetch_form(repo, forms).await?);
            }
        }
        Ok(Arc::new(Joined(kept)))
    }

    /// A list in a form of it that is kept, or on its way.
    async fn kept_form(
        &self,
        repo: &Arc<Repo>,
        forms: &[Member],
    ) -> Result<Option<Arc<dyn Table>>, Problem> {
        for form in forms {
            // Clients ask for packages as soon as they have the end of a list.
            let found = self.tables.coming(repo, &form.artifact).await?;
            let Some(found) = found.filter(|found| !found.damaged) else {
                continue;
            };
            return self
                .tables
                .read(repo, &form.artifact, found)
                .await
                .map(Some);
        }
        Ok(None)
    }

    /// A list in the first form of it that the upstream has.
    async fn fetch_form(
        &self,
        repo: &Arc<Repo>,
        forms: Vec<Member>,
    ) -> Result<Option<Arc<dyn Table>>, Problem> {
        for form in forms {
            match self.tables.fetch(repo, &form.artifact, form.fetch).await {
                Err(problem) if problem.kind == Kind::NotFound => {}
                outcome => return outcome.map(Some),
            }
        }
        Ok(None)
    }
}
