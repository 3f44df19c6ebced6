//! Folders that nobody needs any more: of repositories that are gone, which hold on to the bytes of their
//! packs, and of those that nobody has asked for.

use super::{
    DOCUMENT, FileKind, NAME, PackageKey, Problem, QUARANTINE, STATE, Workspaces, modified,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that was not used for so long is made anew when it is.
const IDLE: Duration = Duration::from_hours(30 * 24);
/// The folder of a repository that is not kept stays for so long: one that is being pushed or fetched for
/// the first time is not kept yet.
const GONE: Duration = Duration::from_hours(24);

impl Workspaces {
    /// Removes folders that nobody needs; how many.
    pub async fn sweep(&self) -> Result<usize, Problem> {
        let mut removed = 0;
        for repo in entries(&self.0.root)? {
            let name = repo.file_name().and_then(|name| name.to_str());
            let Some(id) = name.filter(|name| *name != QUARANTINE) else {
                continue;
            };
            let Ok(id) = id.parse() else { continue };
            for folder in entries(&repo)? {
                if self.is_needed(id, &folder).await? {
                    continue;
                }
                let turn = self.turn(&folder);
                let _turn = turn.lock().await;
                // Somebody may have had a use for it meanwhile.
                if !self.is_needed(id, &folder).await? {
                    remove(&folder).map_err(Problem::internal)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    async fn is_needed(&self, repo: i64, folder: &Path) -> Result<bool, Problem> {
        let used = modified(&folder.join(STATE)).or_else(|_| modified(folder));
        let now = self.0.metadata.now();
        let unused = used.map(|used| now.since(used)).unwrap_or_default();
        if unused < GONE {
            return Ok(true);
        }
        let Ok(name) = std::fs::read_to_string(folder.join(NAME)) else {
            return Ok(false);
        };
        let package = PackageKey {
            repo,
            package: &name,
        };
        let key = package.file(FileKind::Document, DOCUMENT);
        Ok(unused < IDLE && self.0.metadata.find(key).await?.is_some())
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let entries = std::fs::read_dir(folder).map_err(Problem::internal)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<Result<_, _>>().map_err(Problem::internal)
}

/// Removes a folder, its mark first: what is half gone is taken for nothing.
fn remove(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(folder.join(STATE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::remove_dir_all(folder)
}
