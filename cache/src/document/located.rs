//! Where documents are, as others tell; or what of these they are.

use super::cached::CachedDocument;
use super::documents::Documents;
use super::fetcher::{Location, Place};
use super::mirror_lists::list_address;
use crate::repo::Repo;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use larder_mirrors::{Document, Source};
use larder_model::{Kind, Problem};
use std::sync::Arc;

impl Documents {
    /// Where a document is, after reading the documents that tell.
    pub(super) async fn locate(
        self: &Arc<Self>,
        repo: &Arc<Repo>,
        document: &Document,
    ) -> Result<Place, Problem> {
        if let Some(url) = list_address(repo, document) {
            let (url, accept) = (url.to_owned(), "*/*");
            return Ok(Place::At(Location { url, accept }));
        }
        let (mut known, mut is_old) = (Vec::new(), false);
        loop {
            let other = match repo.protocol.source(document, &known)? {
                Source::At { url, accept } => return Ok(Place::At(Location { url, accept })),
                Source::Here(body) if is_old => return Ok(Place::HereSoFar(body)),
                Source::Here(body) => return Ok(Place::Here(body)),
                Source::Read(other) => other,
                Source::InVulnerabilities(path) => {
                    let url = format!("{}{path}", repo.vulnerabilities()?);
                    return Ok(Place::At(Location { url, accept: "*/*" }));
                }
            };
            let cached = match self.get_boxed(repo, &other).await {
                Ok(cached) => Some(cached),
                Err(problem) if problem.kind == Kind::NotFound => None,
                Err(problem) => return Err(problem),
            };
            is_old |= cached.as_ref().is_some_and(CachedDocument::is_old);
            let found = cached.map(|cached| cached.found);
            known.push(self.bodies.read_if_any(found).await?);
        }
    }

    fn get_boxed<'a>(
        self: &'a Arc<Self>,
        repo: &'a Arc<Repo>,
        document: &'a Document,
    ) -> BoxFuture<'a, Result<CachedDocument, Problem>> {
        self.get(repo, document).boxed()
    }
}
