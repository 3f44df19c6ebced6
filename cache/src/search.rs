//! Searches: in what is published here, and in what the upstreams of a group's mirrors find.

use crate::Engine;
use crate::door::read_of;
use crate::group::Members;
use crate::hosted::NAMES;
use crate::repo::Repo;
use larder_access::Admission;
use larder_mirrors::publishing::{Elsewhere, Hit};
use larder_mirrors::{Document, Publishing};
use larder_model::{Problem, Reply};
use std::sync::Arc;

/// Packages that a search finds in one repo.
const MAX_HITS: usize = 100;

impl Engine {
    /// Answers a search, with what the caller may read. `None` if it is none, or nothing is
    /// published here: what the upstream of a mirror alone finds is a document like any other.
    pub(crate) async fn search(
        self: &Arc<Self>,
        admission: &Admission,
        own: &Arc<Repo>,
        document: &Document,
    ) -> Result<Option<Reply>, Problem> {
        let search = own
            .protocol
            .publishing()
            .and_then(|hosted| Some((hosted, hosted.search(document)?)));
        let Some((hosted, words)) = search else {
            return Ok(None);
        };
        let Members {
            hosted: here,
            mirrors,
        } = self.parts(admission, own)?;
        let blocks = own.blocks() || mirrors.iter().any(|repo| repo.blocks());
        if here.is_empty() && !blocks {
            return Ok(None);
        }
        let mut hits: Vec<Hit> = Vec::new();
        for repo in &here {
            self.find((admission, own), repo, &words, &mut hits).await?;
        }
        let further = hosted.further(document, hits.len());
        let (mut answers, mut failed) = (Vec::new(), None);
        for repo in &mirrors {
            match self
                .ask_elsewhere((hosted, own), &here, repo, &further)
                .await
            {
                Ok(answer) => answers.extend(answer),
                Err(problem) => {
                    tracing::info!(%problem, repo = %repo.record.name, "an upstream could not be searched");
                    failed = Some(problem);
                }
            }
        }
        match failed {
            Some(problem) if hits.is_empty() && answers.is_empty() => Err(problem),
            _ => hosted.listed(document, &hits, &answers).map(Some),
        }
    }

    /// Adds the packages of a repo that have all words in their names and may be seen at the
    /// address of `own`.
    async fn find(
        &self,
        (admission, own): (&Admission, &Repo),
        repo: &Repo,
        words: &[String],
        hits: &mut Vec<Hit>,
    ) -> Result<(), Problem> {
        let (mut after, most) = (Box::<str>::default(), hits.len() + MAX_HITS);
        loop {
            let names = self.names_after(repo, &after).await?;
            for package in &names {
                let lower = package.to_lowercase();
                let meant = words.iter().all(|word| lower.contains(word));
                let known = || hits.iter().any(|hit| hit.package == *package);
                if meant
                    && !known()
                    && is_open(own, repo, package)
                    && admission.may(&read_of(repo, package))
                {
                    hits.push(Hit {
                        package: package.clone(),
                        files: self.files(repo, package).await?,
                    });
                }
                if hits.len() == most {
                    return Ok(());
                }
            }
            match names.last() {
                Some(last) if names.len() == NAMES => after = last.clone(),
                _ => return Ok(()),
            }
        }
    }

    /// What a mirror's upstream finds, and which of that is not to be shown.
    async fn ask_elsewhere(
        self: &Arc<Self>,
        (hosted, own): (&dyn Publishing, &Repo),
        here: &[Arc<Repo>],
        repo: &Arc<Repo>,
        search: &Document,
    ) -> Result<Option<Elsewhere>, Problem> {
        let Some(body) = self.read(repo, search).await? else {
            return Ok(None);
        };
        let mut taken = Vec::new();
        for name in hosted.named(&body)? {
            if !is_open(own, repo, &name) || self.is_taken(own, here, &name).await? {
                taken.push(name);
            }
        }
        Ok(Some(Elsewhere { body, taken }))
    }
}

/// Whether neither a repo nor the one at whose address it is served blocks a package.
fn is_open(own: &Repo, repo: &Repo, package: &str) -> bool {
    own.require_not_blocked(package).is_ok() && repo.require_not_blocked(package).is_ok()
}
