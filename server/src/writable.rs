//! Whether the server can write where it has to: a copy that another user made, or a mount, is told
//! of at the start, and not by each request that fails.

use larder_config::{Config, StorageKind};
use rustix::fs::{Access, access};
use rustix::process::geteuid;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Fails with a sentence about the first file or folder that is there and cannot be written.
pub(crate) fn require(config: &Config) -> Result<(), String> {
    places(config).iter().try_for_each(|path| look(path))
}

/// All that is written to, the outer before the inner.
fn places(config: &Config) -> Vec<PathBuf> {
    let mut places = vec![config.data.clone(), config.data.join("larder.lock")];
    if config.database.url.is_none() {
        let database = &config.database.path;
        places.extend(database.parent().map(Path::to_owned));
        places.push(database.clone());
        // What SQLite keeps beside it.
        places.extend(["-wal", "-shm"].map(|end| {
            let mut path = database.clone().into_os_string();
            path.push(end);
            PathBuf::from(path)
        }));
    }
    if config.storage.kind == StorageKind::Local {
        places.push(config.storage.path.clone());
        places.push(config.storage.path.join("blobs"));
    }
    places.push(config.storage.staging.clone());
    places
}

fn look(path: &Path) -> Result<(), String> {
    let Ok(found) = path.metadata() else {
        return Ok(()); // it is made later, or that says why it is not
    };
    let mut wanted = Access::WRITE_OK;
    if found.is_dir() {
        wanted |= Access::EXEC_OK;
    }
    match access(path, wanted) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::ROFS) => Err(format!(
            "{} cannot be written: its file system is mounted read-only",
            path.display()
        )),
        Err(error) => Err(told(path, &found, error)),
    }
}

fn told(path: &Path, found: &Metadata, error: rustix::io::Errno) -> String {
    let (shown, uid) = (path.display(), geteuid().as_raw());
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    let advice = if owner == uid {
        format!("chmod u+w {shown}")
    } else {
        format!("chown -R {uid} {shown}, or start the server as user {owner}")
    };
    format!(
        "{shown} cannot be written by user {uid} ({error}): it belongs to user {owner}, with mode \
         {mode:04o}; {advice}"
    )
}
