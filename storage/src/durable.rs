//! Folders and small files that outlive a power cut once a call has returned. Blocking.
//!
//! A file's bytes are durable when the file was synced, its name when its folder was, and the
//! folder's when the one above it was (POSIX `fsync`).

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The permission bits of folders, of which the umask takes some.
pub const FOLDER: u32 = 0o777;
/// The permission bits of what only its owner reads.
pub const SECRET: u32 = 0o600;
/// The permission bits of what everyone may read.
pub const PUBLIC: u32 = 0o644;

/// Makes a folder and those above it that are not there, with these permission bits. One that is
/// there may have been made just before a crash: its name is made durable too.
pub fn make_folder(folder: &Path, mode: u32) -> io::Result<()> {
    let above: Vec<&Path> = folder.ancestors().skip(1).map(or_current).collect();
    let missing = above.iter().take_while(|folder| !folder.exists()).count();
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)?;
    for (made, folder) in above.into_iter().take(missing + 1).enumerate() {
        match sync_folder(folder) {
            // It lies in a folder that others made and that is not for us to read.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && made == missing => {}
            synced => synced?,
        }
    }
    Ok(())
}

fn or_current(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the name of what is at `path` durable.
pub fn sync_name(path: &Path) -> io::Result<()> {
    sync_folder(or_current(path.parent().unwrap_or(path)))
}

/// Gives a file that is synced another name, in the same folder.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_name(to)
}

/// Writes a small file: after a crash it is as it was before, or as it is to be.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let part = part(path);
    // What a crash left has the permissions of then.
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&part, path)
}

/// Writes a small file that is not there yet; one that is, is an error of its own
/// ([`io::ErrorKind::AlreadyExists`]). For folders that nobody else writes to.
pub fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // A link is there too, wherever it leads.
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(path, bytes, mode),
        Err(error) => Err(error),
    }
}

fn part(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests;
