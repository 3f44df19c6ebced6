//! Bitmaps: which objects can be reached from a commit (gitformat-bitmap), so that git need not walk through
//! all history for each clone. They lie beside the packs of a folder, can be made anew, and are nowhere kept.

use crate::behind::Behind;
use crate::large_files::Place;
use crate::program::Place as Folder;
use crate::repositories::Repositories;
use crate::workspace::Kept;
use larder_model::Problem;
use std::sync::Arc;

/// Of less a clone is quick without them.
const MIN_BYTES: u64 = 2 << 20;
/// They are made anew once the packs have half as much again.
const GROWTH: (u64, u64) = (3, 2);

/// The bitmaps of all repositories. Cheap to share.
#[derive(Clone)]
pub struct Indexing {
    repositories: Arc<Repositories>,
    behind: Behind,
}

impl Indexing {
    /// The bitmaps of these repositories.
    pub fn new(repositories: Arc<Repositories>) -> Self {
        Self {
            repositories,
            behind: Behind::new("making bitmaps"),
        }
    }

    /// Begins to make those of a repository, if there is much in it for which there are none.
    pub fn begin(&self, place: &Place, kept: &Kept) {
        let bytes = kept.state.packed_bytes();
        if bytes < MIN_BYTES {
            return;
        }
        let indexed = self
            .repositories
            .workspaces()
            .indexed_bytes(place.package());
        if indexed.is_some_and(|it| bytes * GROWTH.1 < it * GROWTH.0) {
            return;
        }
        let (this, own) = (self.clone(), place.clone());
        let work = || async move { this.index(&own).await };
        self.behind.begin(place.package(), work);
    }

    async fn index(&self, place: &Place) -> Result<(), Problem> {
        let (repositories, package) = (&self.repositories, place.package());
        let Some(found) = repositories.find(package).await? else {
            return Ok(());
        };
        let workspaces = repositories.workspaces();
        let folder = &workspaces.at(package, &found.kept).await?;
        workspaces.require_room()?;
        // Aside, for the folder's packs may change meanwhile.
        let quarantine = workspaces.quarantine()?;
        workspaces.link_packs(folder, &quarantine).await?;
        let at = Folder {
            folder,
            quarantine: Some(quarantine.path()),
        };
        repositories.program().await?.index_packs(at).await?;
        let bytes = found.kept.state.packed_bytes();
        workspaces.take_index(package, (&quarantine, bytes)).await
    }
}

impl std::fmt::Debug for Indexing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indexing").finish_non_exhaustive()
    }
}
