//! Small objects that were read last, left open: to open one takes longer than to have the kernel send it.

use crate::content::require_size;
use crate::{Error, ObjectKey};
use quick_cache::sync::Cache;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

/// How many stay open.
const FILES: usize = 256;
/// Objects up to this size, in bytes: with a larger one the time is in sending it. What was freed, and was
/// opened by a reader just then, takes room for as long as it stays open.
const MAX_BYTES: u64 = 1 << 20;

/// Open files by their keys, under which no other bytes ever stand.
pub(crate) struct LeftOpen(Cache<ObjectKey, Arc<File>>);

impl Default for LeftOpen {
    fn default() -> Self {
        Self(Cache::new(FILES))
    }
}

impl LeftOpen {
    /// The object, which has `size` bytes ([`Error::Size`] if it has not), opened by `open` unless it is
    /// still open. A file whose name is gone counts as gone: so none is left open that has another name
    /// beside its key's, as while its upload is discarded. (One that gets another later, and then loses its
    /// own, is read until it is closed: the bytes are those.)
    pub(crate) fn get(
        &self,
        key: &ObjectKey,
        size: u64,
        open: impl FnOnce() -> Result<File, Error>,
    ) -> Result<Arc<File>, Error> {
        if size <= MAX_BYTES
            && let Some(file) = self.0.get(key)
        {
            if has_one_name(&file, size)? {
                return Ok(file);
            }
            self.forget(key);
        }
        let file = Arc::new(open()?);
        require_size(&file, size)?;
        if size <= MAX_BYTES && has_one_name(&file, size)? {
            self.0.insert(*key, Arc::clone(&file));
        }
        Ok(file)
    }

    /// Leaves an object open no longer.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.0.remove(key);
    }
}

/// Whether a file has one name, and so many bytes.
fn has_one_name(file: &File, size: u64) -> Result<bool, Error> {
    let about = file.metadata()?;
    Ok(about.nlink() == 1 && about.len() == size)
}

#[cfg(test)]
mod tests;
