//! Has upstreams know their mirrors, where a list names these.

use super::documents::Documents;
use super::fetcher::{FetchOutcome, Location};
use super::mirror_lists::mirror_lists;
use super::wishes::Wish;
use crate::download::wrong_bytes;
use crate::repo::Repo;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use larder_metadata::files::FileRecord;
use larder_mirrors::Document;
use larder_model::{Kind, Problem};
use std::sync::Arc;
use std::time::Duration;

/// A list of mirrors of this age is not asked for again because what it promises is not to be had.
const JUST_NOW: Duration = Duration::from_secs(10);

impl Documents {
    /// Has an upstream know its mirrors, where a list names them, before it is asked for `wanted`.
    pub(crate) async fn know_mirrors(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        wanted: Option<&Document>,
    ) -> Result<(), Problem> {
        let Some((lists, upstream)) = mirror_lists(repo) else {
            return Ok(());
        };
        let document = lists.document();
        if wanted == Some(&document) {
            return Ok(());
        }
        let found = self.find(repo, &document).await?.ok_or_else(no_list)?;
        if upstream.knows_list(&found.digest) {
            return Ok(());
        }
        let (body, _share) = self.bodies.read_in_turn(&found).await?;
        upstream.use_list(found.digest, lists.read(&body)?);
        Ok(())
    }

    /// Asks for an upstream's list of mirrors once more, unless that was done just now. Whether it is
    /// another one than before.
    async fn list_anew(self: &Arc<Self>, repo: &Arc<Repo>) -> Result<bool, Problem> {
        let Some((lists, upstream)) = mirror_lists(repo) else {
            return Ok(false);
        };
        let document = lists.document();
        let Some(kept) = self.at_hand(repo, &document).await? else {
            return Ok(false);
        };
        if self.metadata.now().since(kept.checked_at) > JUST_NOW {
            self.renewed(repo, &document, &kept).await?;
        }
        // Another request may have found the newer one.
        self.know_mirrors(repo, None).await?;
        Ok(!upstream.knows_list(&kept.digest))
    }

    /// Asks for a document, and once more if the list may be older than what the mirrors have.
    pub(super) async fn fetch_listed(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
        location: &Location,
        wanted: (Option<&Arc<FileRecord>>, Option<&Arc<Wish>>),
    ) -> Result<FetchOutcome, Problem> {
        let fetch = || self.fetcher.fetch(repo, document, location, wanted);
        let outcome = match fetch().await {
            Err(problem)
                if problem.kind == Kind::DigestMismatch
                    && self.list_anew(repo).await.map_err(of_list)? =>
            {
                fetch().await
            }
            outcome => outcome,
        };
        outcome.map_err(wrong_bytes)
    }

    /// A kept document, once it was asked for again.
    fn renewed<'a>(
        self: &'a Arc<Self>,
        repo: &'a Arc<Repo>,
        document: &'a Document,
        kept: &'a Arc<FileRecord>,
    ) -> BoxFuture<'a, Result<Arc<FileRecord>, Problem>> {
        self.refresh(repo, document, Some(kept)).boxed()
    }
}

/// A list that is gone says nothing of the document that was asked for.
fn of_list(problem: Problem) -> Problem {
    if problem.kind == Kind::NotFound {
        no_list()
    } else {
        problem
    }
}

/// Without its list nothing of an upstream can be asked for: that is no word about what was wanted.
fn no_list() -> Problem {
    let detail = "the upstream has no list of mirrors at the address that was set for it";
    Problem::new(Kind::Upstream, "upstream", detail)
}
