//! Room that stays free on the disk where bytes gather: what is there can go on being served, and
//! deleted, once nothing more is taken in.

use crate::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of a disk so much stays free where nothing is said, and at most so many bytes.
const SHARE: u64 = 50;
const MOST: u64 = 1 << 30;

/// The disk of a folder, and how much of it stays free. Cheap to share.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// `None`: a fiftieth of the disk, at most 1 GiB.
    keep_free: Option<u64>,
}

impl Room {
    pub(crate) fn new(folder: &Path, keep_free: Option<u64>) -> Self {
        let folder = folder.to_owned();
        Self(Arc::new(Inner { folder, keep_free }))
    }

    /// The same disk, of which so many bytes stay free.
    pub(crate) fn keeping(&self, bytes: Option<u64>) -> Self {
        Self::new(&self.0.folder, bytes)
    }

    /// The disk of another folder, of which as much stays free.
    pub(crate) fn at(&self, folder: &Path) -> Self {
        Self::new(folder, self.0.keep_free)
    }

    /// Bytes that are free, and all bytes.
    pub(crate) fn space(&self) -> Result<(u64, u64), Error> {
        let disk = rustix::fs::statvfs(&self.0.folder).map_err(io::Error::from)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok((bytes(disk.f_bavail), bytes(disk.f_blocks)))
    }

    /// Whether more can be taken in. [`Error::Full`]: no more than what stays free is.
    pub fn require(&self) -> Result<(), Error> {
        // A disk that cannot be asked says itself when it is full.
        let Ok((free, all)) = self.space() else {
            return Ok(());
        };
        let keep = self.0.keep_free.unwrap_or(MOST.min(all / SHARE));
        if free > keep {
            return Ok(());
        }
        let detail = format!("{free} bytes are free, of which {keep} stay so (storage.keep_free)");
        let error = io::Error::new(io::ErrorKind::StorageFull, detail);
        Err(Error::Full(error))
    }
}

#[cfg(test)]
mod tests;
