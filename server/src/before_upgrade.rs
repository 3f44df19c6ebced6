//! A copy of a database of an older version, made before it is migrated: the way back to the program
//! before.

use larder_backup::{Export, KeyFile, export_before_upgrade};
use larder_metadata::database::{Database, copy_sqlite};
use larder_model::Clock;
use larder_storage::{BlobStore, durable};
use std::error::Error;
use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Copies that are kept.
const KEPT: usize = 2;

/// Copies the SQLite database at `path`, which has the schema `version`, beside it.
pub(crate) async fn copy(path: &Path, version: i64, clock: Clock) -> Result<(), Box<dyn Error>> {
    let place = Place::beside(path, ".before-", "")?;
    let (from, copy, part) = (path.to_owned(), place.of(version), place.part(version));
    let made = tokio::task::spawn_blocking(move || {
        forget(&part)?;
        copy_sqlite(&from, &part, &clock)?;
        std::fs::set_permissions(&part, Permissions::from_mode(0o600))?;
        durable::rename(&part, &copy)?;
        Ok::<_, Box<dyn Error + Send + Sync>>(copy)
    });
    match made.await? {
        Ok(copy) => tell(&copy, version),
        Err(error) => return Err(failed(version, error.as_ref())),
    }
    place.forget_older()
}

/// Writes a backup of a database elsewhere, which has the schema `version`, into the data folder:
/// with the `keys`, without blobs.
pub(crate) async fn write(
    data: &Path,
    database: &Database,
    blobs: &BlobStore,
    (keys, version): (&[KeyFile], i64),
) -> Result<(), Box<dyn Error>> {
    let place = Place::beside(&data.join("database"), ".before-", ".tar")?;
    let (copy, part) = (place.of(version), place.part(version));
    let export = export_before_upgrade(database, blobs, keys).await;
    let written = match export {
        Ok(export) => write_file(export, &part).await,
        Err(problem) => Err(problem.into()),
    };
    written.map_err(|error| failed(version, error.as_ref()))?;
    durable::rename(&part, &copy)?;
    tell(&copy, version);
    place.forget_older()
}

async fn write_file(mut export: Export, path: &Path) -> Result<(), Box<dyn Error>> {
    forget(path)?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    // Nothing else is served yet, so it may block.
    while let Some(bytes) = export.next().await? {
        file.write_all(&bytes)?;
    }
    Ok(file.sync_all()?)
}

fn tell(copy: &Path, version: i64) {
    tracing::info!(
        version,
        copy = %copy.display(),
        "the database is of an older version and is migrated; this copy is the way back"
    );
}

fn failed(version: i64, error: &(dyn Error + 'static)) -> Box<dyn Error> {
    format!(
        "the database has schema version {version} and is to be migrated, but could not be copied \
         before: {error}; nothing was changed"
    )
    .into()
}

fn forget(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where copies are: `<name>.before-<version>` in a folder.
struct Place {
    folder: PathBuf,
    before: String,
    after: &'static str,
}

impl Place {
    fn beside(path: &Path, before: &str, after: &'static str) -> Result<Self, Box<dyn Error>> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| format!("{} has no name", path.display()))?;
        Ok(Self {
            folder: path.parent().unwrap_or(Path::new(".")).to_owned(),
            before: format!("{name}{before}"),
            after,
        })
    }

    fn of(&self, version: i64) -> PathBuf {
        let Self { before, after, .. } = self;
        self.folder.join(format!("{before}{version}{after}"))
    }

    fn part(&self, version: i64) -> PathBuf {
        let mut path = self.of(version).into_os_string();
        path.push(".part");
        path.into()
    }

    /// Deletes all copies but the newest [`KEPT`].
    fn forget_older(&self) -> Result<(), Box<dyn Error>> {
        let folder = Some(self.folder.as_path()).filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut versions = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let version = name.to_str().and_then(|name| {
                let rest = name.strip_prefix(&self.before)?;
                rest.strip_suffix(self.after)?.parse::<i64>().ok()
            });
            versions.extend(version);
        }
        versions.sort_unstable();
        for version in versions.iter().rev().skip(KEPT) {
            forget(&self.of(*version))?;
        }
        Ok(())
    }
}
