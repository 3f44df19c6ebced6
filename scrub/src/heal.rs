//! What becomes of a damaged blob: nobody reads it from now on, and what can be mended is.

use crate::run::Run;
use larder_jobs::WorkError;
use larder_metadata::scrub::{Damage, ScrubBlob};
use larder_metadata::{Error, Requirement};
use larder_model::{Digest, Problem};
use larder_storage::{Content, ObjectKey, Staging};

/// Files of mirrors that are asked for.
const MAX_FILES: u64 = 16;

/// How a blob became right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Healed {
    /// Another object had its bytes.
    SecondCopy,
    /// An upstream gave it.
    Upstream,
    /// It was made of other things here, which are made anew.
    Made,
    /// Somebody brought it, or it is gone.
    Elsewhere,
}

impl Healed {
    const fn reason(self) -> &'static str {
        match self {
            Self::SecondCopy => "the store had a second copy",
            Self::Upstream => "it was fetched from its upstream once more",
            Self::Made => "it was made here, and is made anew for whoever asks next",
            Self::Elsewhere => "somebody brought it again, or deleted it",
        }
    }
}

impl Run<'_> {
    /// Quarantines a blob and tries to heal it; whether it was as it was read: if not, it is to be
    /// looked at once more.
    pub(crate) async fn damaged(
        &mut self,
        blob: &ScrubBlob,
        damage: Damage,
    ) -> Result<bool, WorkError> {
        if damage == Damage::Missing {
            self.require_objects().await?;
        }
        if self.dry {
            self.count(damage, false);
            let reason = damage.to_string();
            let size = Some(blob.size);
            self.tell("quarantine", &blob.digest, size, reason).await?;
            return Ok(true);
        }
        let held = self.job.held();
        match self.metadata.quarantine_blob(held, blob, damage).await {
            Err(Error::Unmet(Requirement::Blob)) => return Ok(false),
            noted => noted?,
        }
        let digest = &blob.digest;
        tracing::error!(%digest, damage = damage.word(), "a damaged blob is kept from everyone");
        let (healed, why) = self.heal(blob).await?;
        self.count(damage, healed.is_some());
        let (action, reason) = match healed {
            Some(healed) => ("heal", format!("{damage}; {}", healed.reason())),
            None => ("quarantine", format!("{damage}; {why}")),
        };
        self.tell(action, digest, Some(blob.size), reason).await?;
        Ok(true)
    }

    fn count(&mut self, damage: Damage, healed: bool) {
        let outcome = &mut self.state.outcome;
        if matches!(damage, Damage::Missing) {
            outcome.missing += 1;
        }
        if healed {
            outcome.healed += 1;
        } else {
            outcome.quarantined += 1;
        }
        self.found.add_damaged(healed);
    }

    /// Fails if the store has no object at all: then it is not there, and its blobs are not damaged.
    async fn require_objects(&mut self) -> Result<(), WorkError> {
        if self.has_objects {
            return Ok(());
        }
        self.has_objects = self.blobs.has_objects().await.map_err(Problem::from)?;
        if self.has_objects {
            return Ok(());
        }
        let detail = "the store has no object at all, and rows name some: look whether its folder is \
                      mounted, or its bucket the right one; nothing was changed";
        Err(WorkError::failed("storage_empty", detail))
    }

    /// Tries what may heal a blob; where nothing did, why.
    async fn heal(&mut self, blob: &ScrubBlob) -> Result<(Option<Healed>, String), WorkError> {
        let digest = &blob.digest;
        if self.heal_from_copy(blob).await? {
            return Ok((Some(Healed::SecondCopy), String::new()));
        }
        let mut why = "push or publish it again to heal it".to_owned();
        for file in self.metadata.mirror_files(digest, MAX_FILES).await? {
            if self.is_cancelled() {
                break;
            }
            // An upstream may take its time; what it was asked for goes on without this run.
            let fetched = tokio::select! {
                fetched = self.upstreams.fetch_again(&file) => fetched,
                () = self.job.cancelled() => break,
            };
            if let Err(problem) = fetched {
                tracing::warn!(problem = problem.with_causes(), %digest, "a damaged file could not be fetched again");
                why = format!("its upstream did not give it again: {}", problem.detail);
            }
            if !self.is_damaged(digest).await? {
                return Ok((Some(Healed::Upstream), String::new()));
            }
        }
        let named = self.metadata.is_blob_named(digest).await?;
        self.metadata.drop_made(self.job.held(), digest).await?;
        if !self.is_damaged(digest).await? {
            return Ok((Some(Healed::Elsewhere), String::new()));
        }
        if !self.metadata.is_blob_named(digest).await? {
            let healed = if named {
                Healed::Made
            } else {
                Healed::Elsewhere
            };
            return Ok((Some(healed), String::new()));
        }
        Ok((None, why))
    }

    async fn is_damaged(&self, digest: &Digest) -> Result<bool, WorkError> {
        let now = self.metadata.blob_to_scrub(digest).await?;
        Ok(now.is_some_and(|now| now.damaged))
    }

    /// Looks for another object of the digest whose bytes are right, and keeps them as a new one: whose
    /// that one is, and whether it stays, is not known.
    async fn heal_from_copy(&self, blob: &ScrubBlob) -> Result<bool, WorkError> {
        let (digest, size) = (blob.digest, blob.size);
        let listed = self
            .blobs
            .list_from(digest.algorithm(), digest.bytes()[0])
            .await;
        let listed = listed.map_err(Problem::from)?;
        let is_copy = |key: &ObjectKey| {
            key.digest == digest && (blob.body.is_some() || key.generation != blob.generation)
        };
        for object in listed {
            if !is_copy(&object.key) || object.size != size {
                continue;
            }
            match self.copy(object.key, size).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(problem) => {
                    let problem = problem.with_causes();
                    tracing::warn!(problem, %digest, "a second copy could not be read");
                }
            }
        }
        Ok(false)
    }

    async fn copy(&self, from: ObjectKey, size: u64) -> Result<bool, Problem> {
        let digest = from.digest;
        let content = self.blobs.open_sized(&from, size, 0..size).await?;
        let work = async |mut staging: Staging| {
            fill(&mut staging, content).await?;
            if staging.digest().await? != digest {
                return Ok(false);
            }
            let prepared = self.content.prepare_staged(staging).await?;
            let held = self.job.held();
            let write = async |blob| self.metadata.heal_blob(held, blob).await;
            match self.content.keep(prepared, write).await {
                Ok(()) => Ok(true),
                Err(Error::Unmet(Requirement::Blob)) => Ok(false),
                Err(error) => Err(error.into()),
            }
        };
        self.content.with_staging(digest.algorithm(), work).await
    }
}

/// Writes all of a content into a staging file.
async fn fill(staging: &mut Staging, content: Content) -> Result<(), Problem> {
    use futures_util::StreamExt as _;
    use larder_storage::content::{PIECE_BYTES, read_piece};
    match content {
        Content::Ready(bytes) => staging.append(bytes).await?,
        Content::Stream(mut stream) => {
            while let Some(piece) = stream.next().await {
                staging.append(piece?).await?;
            }
        }
        Content::File { file, range } => {
            let mut at = range.start;
            while at < range.end {
                let length = (range.end - at).min(PIECE_BYTES as u64);
                let (file, count) = (file.clone(), usize::try_from(length).unwrap_or(0));
                let read = tokio::task::spawn_blocking(move || read_piece(&file, at, count));
                let piece = read.await.map_err(Problem::internal)?;
                staging.append(piece?).await?;
                at += length;
            }
        }
    }
    Ok(())
}
