//! Who else on the machine may read what the server keeps: nobody but its group.

use larder_config::Config;
use rustix::fs::Mode;
use rustix::process::{geteuid, umask};
use std::fs::{Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What is taken from the modes of all files and folders that are made.
const UMASK: u32 = 0o027;
/// What everyone else may do.
const OTHERS: u32 = 0o007;
/// What anyone but the owner may do.
const NOT_OWNER: u32 = 0o077;

/// Files and folders of the data folder. It may have been made by others, with others' files in it.
/// (The file with the first password is not among them: by its mode a first start knows whether it
/// wrote it.)
const OWN: [&str; 9] = [
    "larder.db",
    "larder.db-wal",
    "larder.db-shm",
    "storage",
    "staging",
    larder_git::FOLDER,
    "backups",
    "tls",
    "larder.lock",
];

/// From now on nobody but the group reads what is made.
pub(crate) fn keep_to_ourselves() {
    umask(Mode::from_raw_mode(UMASK));
}

/// Takes from everyone else what was made before, or by others; tells what it was.
pub(crate) fn close(config: &Config) -> Result<(), String> {
    let in_data = OWN.iter().map(|name| config.data.join(name));
    let database = ["", "-wal", "-shm"].map(|end| {
        let mut path = config.database.path.clone().into_os_string();
        path.push(end);
        PathBuf::from(path)
    });
    let stores = [&config.storage.path, &config.storage.staging];
    let elsewhere = database.into_iter().chain(stores.into_iter().cloned());
    for path in in_data.chain(elsewhere) {
        take(&path, OTHERS)?;
    }
    take(&config.auth.token_key, NOT_OWNER)
}

/// Takes some rights to a file or a folder away. What is not there has none.
fn take(path: &Path, rights: u32) -> Result<(), String> {
    let Some(found) = look(path).map_err(|error| format!("{}: {error}", path.display()))? else {
        return Ok(());
    };
    let mode = found.mode() & 0o7777;
    if mode & rights == 0 {
        return Ok(());
    }
    let (shown, closed) = (path.display(), mode & !rights);
    if found.uid() != geteuid().as_raw() {
        tracing::warn!(
            path = %shown,
            mode = %octal(mode),
            "others on this machine may read this, and it is not ours to close: chmod {closed:o} it"
        );
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(closed))
        .map_err(|error| format!("{shown} cannot be closed to others: {error}; chmod it"))?;
    tracing::warn!(
        path = %shown,
        was = %octal(mode),
        is = %octal(closed),
        "others on this machine could read this; they cannot any more"
    );
    Ok(())
}

fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => Ok(None), // what it leads to is for whoever set it
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
