//! Multipart uploads under way. An object store keeps the parts of one until it is completed or
//! aborted, and tells nobody that they are there: so each is noted in a file beside the staged
//! uploads, until it has ended. Who starts later aborts those whose server ended before they did.

use crate::Error;
use crate::durable::{FOLDER as FOLDER_MODE, make_folder, sync_folder};
use object_store::path::Path as Key;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder of the notes, beside the staged uploads.
const FOLDER: &str = "multipart";

/// The notes of a server.
#[derive(Clone)]
pub(crate) struct Notes(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// Those of this process.
    under_way: Mutex<HashSet<String>>,
}

/// An upload that is noted. When it is dropped the upload has ended, or is for [`Notes::left`].
pub(crate) struct Note {
    notes: Notes,
    name: String,
}

/// An upload whose server ended before it did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// The name of its note.
    name: String,
    /// The key of its object.
    pub(crate) key: Key,
    /// Its id at the store.
    pub(crate) id: String,
}

impl Drop for Note {
    fn drop(&mut self) {
        self.notes.under_way().remove(&self.name);
    }
}

impl Note {
    /// The upload was completed or aborted.
    pub(crate) async fn ended(self) -> Result<(), Error> {
        self.notes.forget(&self.name).await
    }
}

impl Notes {
    /// Beside the uploads that are staged in a folder.
    pub(crate) fn beside(staging: &Path) -> io::Result<Self> {
        let folder = staging.join(FOLDER);
        make_folder(&folder, FOLDER_MODE)?;
        let under_way = Mutex::default();
        Ok(Self(Arc::new(Inner { folder, under_way })))
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        let under_way = self.0.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes durably that an upload is under way.
    pub(crate) async fn begin(&self, key: &Key, id: &str) -> Result<Note, Error> {
        // No two objects have the same digest and generation.
        let name = key.as_ref().replace('/', "_");
        self.under_way().insert(name.clone());
        let note = Note {
            notes: self.clone(),
            name,
        };
        let (path, text) = (self.0.folder.join(&note.name), format!("{key}\n{id}\n"));
        let folder = self.0.folder.clone();
        let write = move || -> io::Result<()> {
            let mut file = File::create(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            sync_folder(&folder)
        };
        tokio::task::spawn_blocking(write).await??;
        Ok(note)
    }

    /// Uploads that were under way when their server ended.
    pub(crate) async fn left(&self) -> Result<Vec<Left>, Error> {
        let (folder, notes) = (self.0.folder.clone(), self.clone());
        let read = move || -> io::Result<Vec<Left>> {
            let mut left = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let text = match std::fs::read_to_string(entry.path()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // it ended
                    text => text?,
                };
                // Looked up once its note was seen: it may have begun just now.
                if notes.under_way().contains(&name) {
                    continue;
                }
                // A note that was cut off was made before the upload began to send.
                let (key, id) = text.split_once('\n').unwrap_or_default();
                let key = Key::from(key);
                let id = id.trim_end().to_owned();
                left.push(Left { name, key, id });
            }
            Ok(left)
        };
        Ok(tokio::task::spawn_blocking(read).await??)
    }

    /// An upload that was left is aborted.
    pub(crate) async fn aborted(&self, left: &Left) -> Result<(), Error> {
        self.forget(&left.name).await
    }

    async fn forget(&self, name: &str) -> Result<(), Error> {
        let path = self.0.folder.join(name);
        match tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await? {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
