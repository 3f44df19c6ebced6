//! Secrets of the server that are files.

use larder_storage::durable;
use std::io;
use std::path::PathBuf;

/// A file without which what the database holds is of no use: it was sealed with what is in it, or is
/// trusted because of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    /// Its name in a backup.
    pub name: &'static str,
    /// Where it is on this machine.
    pub path: PathBuf,
    /// Whether a server cannot be without it.
    pub is_needed: bool,
}

impl KeyFile {
    /// What is in it; `None`: it is not there.
    pub(crate) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, durably, so that its owner alone can read it. What is there already must be the
    /// same.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if self.read()?.as_deref() == Some(bytes) {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            durable::make_folder(folder, durable::FOLDER)?;
        }
        durable::create(&self.path, bytes, durable::SECRET)
    }
}
