//! Packs that pile up: each push brings one, and so does each fetch from an upstream. git looks into all of
//! them for every object, so the small ones are put into one.

use crate::behind::Behind;
use crate::large_files::Place;
use crate::oid::Oid;
use crate::program::Place as Folder;
use crate::repositories::{Repositories, StateChange};
use crate::state::{Pack, State};
use crate::workspace::Kept;
use larder_metadata::Metadata;
use larder_model::{Problem, System};
use std::sync::Arc;

/// Fewer packs hurt nobody.
const MANY: usize = 16;
/// A pack stays that has so many times the bytes of all smaller ones together: what is large is written
/// seldom, and the number of packs grows with the logarithm of their bytes.
const FACTOR: u64 = 2;
/// How often a state is written when others are first.
const TRIES: usize = 8;

/// The packs of all repositories. Cheap to share.
#[derive(Clone)]
pub struct Repacking {
    metadata: Metadata,
    repositories: Arc<Repositories>,
    behind: Behind,
}

/// The packs that are to become one; none, if there are few.
fn small(packs: &[Pack]) -> Vec<Pack> {
    if packs.len() < MANY {
        return Vec::new();
    }
    let mut sorted = packs.to_vec();
    sorted.sort_by_key(|pack| pack.size);
    let (mut together, mut count) = (0_u64, 0);
    for (index, pack) in sorted.iter().enumerate() {
        if pack.size < together.saturating_mul(FACTOR) {
            count = index + 1;
        }
        together = together.saturating_add(pack.size);
    }
    sorted.truncate(count);
    sorted
}

impl Repacking {
    /// The packs of these repositories.
    pub fn new(metadata: Metadata, repositories: Arc<Repositories>) -> Self {
        Self {
            metadata,
            repositories,
            behind: Behind::new("putting packs together"),
        }
    }

    /// Begins to put the packs of a repository together, if there are many.
    pub fn begin(&self, place: &Place, kept: &Kept) {
        if small(&kept.state.packs).is_empty() {
            return;
        }
        let (this, own) = (self.clone(), place.clone());
        let work = || async move { this.repack(&own).await };
        self.behind.begin(place.package(), work);
    }

    async fn repack(&self, place: &Place) -> Result<(), Problem> {
        let (repositories, package) = (&self.repositories, place.package());
        let Some(found) = repositories.find(package).await? else {
            return Ok(());
        };
        let small = small(&found.kept.state.packs);
        if small.is_empty() {
            return Ok(());
        }
        let done = self.put_together(place, &found.kept, small).await;
        let now = repositories.find(package).await?;
        // Whatever came in between is no fault: another server was first, or a push. The next request looks
        // again.
        let is_past = now.is_none_or(|now| now.kept.digest != found.kept.digest);
        if is_past { Ok(()) } else { done }
    }

    async fn put_together(
        &self,
        place: &Place,
        kept: &Kept,
        small: Vec<Pack>,
    ) -> Result<(), Problem> {
        let (repositories, package) = (&self.repositories, place.package());
        let folder = &repositories.workspaces().at(package, kept).await?;
        repositories.workspaces().require_room()?;
        let quarantine = repositories.workspaces().quarantine()?;
        let at = Folder {
            folder,
            quarantine: Some(quarantine.path()),
        };
        let names: Vec<&Oid> = small.iter().map(|pack| &pack.name).collect();
        let name = repositories.program().await?.pack_packs(at, &names).await?;
        // One of them may have all objects of the others.
        let gone: Vec<Pack> = small.into_iter().filter(|it| it.name != name).collect();
        for _ in 0..TRIES {
            let revision = self.metadata.revision(package).await?;
            let Some(now) = repositories.find(package).await? else {
                return Ok(());
            };
            let mut state = State::clone(&now.kept.state);
            if !gone.iter().all(|pack| state.packs.contains(pack)) {
                return Ok(()); // another server was first
            }
            state.packs.retain(|pack| !gone.contains(pack));
            let is_new = state.packs.iter().all(|pack| pack.name != name);
            let pack = if is_new {
                Some(repositories.take_in(&quarantine, &name).await?)
            } else {
                None
            };
            let change = StateChange {
                package,
                full_name: &place.full_name(),
                revision,
                before: Some(now.kept.digest),
                by: &System::Larder,
                checked_at: None,
                state,
                refs: Vec::new(),
                pack,
                gone: gone.clone(),
            };
            if repositories.write(change).await? {
                tracing::debug!(
                    path = &*place.path,
                    packs = gone.len(),
                    "packs were put together"
                );
                return Ok(());
            }
        }
        Ok(()) // others always wrote a state first
    }
}

impl std::fmt::Debug for Repacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repacking").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
