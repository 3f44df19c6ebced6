//! A client's configuration file on this machine: read, written whole or not at all, removed.

use crate::failure::Failure;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// The largest that is edited, in bytes.
const LARGEST: u64 = 1 << 20;
/// The mode of one with a secret in it.
const SECRET: u32 = 0o600;
/// The mode of a new one without.
const USUAL: u32 = 0o644;

/// A file as it is.
pub(crate) struct Found {
    /// Where it really is: behind links.
    pub(crate) path: PathBuf,
    /// Its text; `None`: it is not there.
    pub(crate) text: Option<String>,
    /// Its mode, if it is there.
    pub(crate) mode: Option<u32>,
}

/// Reads a file. Fails if it is no file of text, or larger than any configuration.
pub(crate) fn find(path: &Path) -> Result<Found, Failure> {
    let path = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => {
            return Ok(Found {
                path: real(path)?,
                text: None,
                mode: None,
            });
        }
        Err(error) => return Err(Failure::file(path, error)),
    };
    let failure = |error| Failure::file(&path, error);
    let metadata = std::fs::metadata(&path).map_err(failure)?;
    if !metadata.is_file() {
        return Err(refused(&path, "it is no file"));
    }
    if metadata.len() > LARGEST {
        return Err(refused(&path, "it is too large for a configuration"));
    }
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(failure)?;
    let text = String::from_utf8(bytes).map_err(|_| refused(&path, "it is not UTF-8"))?;
    Ok(Found {
        mode: Some(metadata.permissions().mode() & 0o7777),
        text: Some(text),
        path,
    })
}

/// Where a file that is not there would really be: its folders may be links.
pub(crate) fn real(path: &Path) -> Result<PathBuf, Failure> {
    let failure = |error| Failure::file(path, error);
    let path = std::path::absolute(path).map_err(failure)?;
    for folder in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (folder.canonicalize(), path.strip_prefix(folder)) {
            return Ok(if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            });
        }
    }
    Ok(path)
}

/// Why a file is left alone.
pub(crate) fn refused(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::Clash(format!(
        "{path} cannot be edited safely: {why}; nothing was written (without --write the lines are \
         printed)"
    ))
}

/// The mode that a file gets: with a secret in it only its owner may read it.
pub(crate) const fn mode(before: Option<u32>, secret: bool) -> u32 {
    match (before, secret) {
        (Some(mode), true) => mode & SECRET,
        (None, true) => SECRET,
        (Some(mode), false) => mode,
        (None, false) => USUAL,
    }
}

/// Folders above a file that are not there, the outermost first.
pub(crate) fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1);
    let mut missing: Vec<PathBuf> = above
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

/// Writes a file whole or not at all, with a mode; its owner stays.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.larder-new"));
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(folder)?;
        }
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(SECRET)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        if let Ok(before) = std::fs::metadata(path) {
            let new = file.metadata()?;
            if (before.uid(), before.gid()) != (new.uid(), new.gid()) {
                fchown(&file, Some(before.uid()), Some(before.gid()))?;
            }
        }
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    };
    written().map_err(|error| {
        drop(std::fs::remove_file(&fresh)); // half a file is of no use to anyone
        Failure::file(path, error)
    })
}

/// Removes a file, and those of the folders that are empty then.
pub(crate) fn remove(path: &Path, folders: &[PathBuf]) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Failure::file(path, error));
        }
        _ => {}
    }
    for folder in folders.iter().rev() {
        if std::fs::remove_dir(folder).is_err() {
            break; // someone else put something in it
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
