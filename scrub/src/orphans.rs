//! The second phase: objects that no row names.

use crate::run::Run;
use crate::state::Phase;
use larder_jobs::{Item, WorkError};
use larder_metadata::scrub::Orphan;
use larder_model::{Algorithm, Problem, Timestamp};

/// The algorithms of digests.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// Which part of the store comes after the one that is noted; `None`: that was all.
fn part(after: &str) -> Option<(Algorithm, u8)> {
    let parts = ALGORITHMS
        .into_iter()
        .flat_map(|algorithm| (0..=u8::MAX).map(move |first| (algorithm, first)));
    let mut parts = parts.skip_while(|part| !after.is_empty() && name(*part) != after);
    if !after.is_empty() {
        parts.next();
    }
    parts.next()
}

fn name((algorithm, first): (Algorithm, u8)) -> String {
    format!("{}:{first:02x}", algorithm.name())
}

/// The text behind all digests that begin with this byte.
fn end((algorithm, first): (Algorithm, u8)) -> String {
    match first.checked_add(1) {
        Some(next) => name((algorithm, next)),
        None => format!("{}:g", algorithm.name()), // `g` is the letter behind the digits
    }
}

impl Run<'_> {
    /// Looks for objects that no row names, part by part of the store.
    pub(crate) async fn orphans(&mut self) -> Result<(), WorkError> {
        while self.is_in(Phase::Orphans) {
            let Some(next) = part(&self.state.after) else {
                if !self.dry {
                    let since = Timestamp(self.state.begun);
                    self.metadata.forget_orphans(self.job.held(), since).await?;
                }
                return self.end_phase(Phase::Images).await;
            };
            self.orphans_in(next).await?;
            self.state.after = name(next);
            self.state.done += 1;
            self.went_on().await?;
        }
        Ok(())
    }

    async fn orphans_in(&mut self, part: (Algorithm, u8)) -> Result<(), WorkError> {
        let listed = self.blobs.list_from(part.0, part.1).await;
        let listed = listed.map_err(Problem::from)?;
        if listed.is_empty() {
            return Ok(());
        }
        // Read after the store: the row of an object that is listed was written before, or comes soon.
        let known = self.metadata.known_objects(&name(part), &end(part)).await?;
        let now = self.metadata.shared_now().await?;
        let until = now.before(self.grace);
        for object in listed {
            let (digest, generation) = (object.key.digest, object.key.generation);
            if known.contains(&(digest, generation)) || object.changed_at > until {
                continue;
            }
            let size = object.size;
            let orphan = Orphan {
                digest,
                generation,
                size,
            };
            self.state.outcome.orphans += 1;
            let gone = if self.dry {
                false
            } else {
                let held = self.job.held();
                self.metadata
                    .settle_orphan(held, &orphan, (now, until))
                    .await?
            };
            let reason = if gone {
                self.state.outcome.orphans_removed += 1;
                "no row names the object, as the time before: the collector removes it"
            } else {
                "no row names the object; it goes if that is so once more after gc.grace"
            };
            self.job
                .item(&Item {
                    action: "orphan".to_owned(),
                    digest: Some(digest.to_string()),
                    bytes: Some(size),
                    reason: reason.to_owned(),
                    ..Item::default()
                })
                .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
