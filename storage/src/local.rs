//! A local folder: `blobs/<algorithm>/<ab>/<hex>.<generation>`, files of our own.

use crate::{Error, ObjectKey};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder below which blobs lie.
pub(crate) struct Local {
    root: PathBuf,
    /// Fan-out folders known to exist durably.
    folders: Mutex<HashSet<String>>,
}

impl Local {
    /// Opens or makes the folder, durably.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let blobs = root.join("blobs");
        std::fs::create_dir_all(&blobs)?;
        sync_folder(root)?;
        if let Some(parent) = root
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_folder(parent)?;
        }
        Ok(Self {
            root: blobs,
            folders: Mutex::default(),
        })
    }

    /// Gives a sealed file its key as a second name, durably. Blocking.
    pub(crate) fn keep(&self, sealed: &Path, key: &ObjectKey) -> Result<(), Error> {
        let folder = self.root.join(key.folder());
        self.ensure_folder(key.folder())?;
        let kept = folder.join(key.file());
        match std::fs::hard_link(sealed, &kept) {
            // Not every file system has links. A crash before the row is written then costs the
            // upload its bytes.
            Err(error) if lacks_links(&error) => std::fs::rename(sealed, &kept),
            linked => linked,
        }
        .map_err(Error::of_write)?;
        sync_folder(&folder).map_err(|error| {
            drop(std::fs::remove_file(&kept)); // no row will ever name it; left behind it would only take room
            Error::NotDurable(error)
        })
    }

    /// Opens an object. A missing one is an error of its own.
    pub(crate) fn open_object(&self, key: &ObjectKey) -> Result<File, Error> {
        Ok(File::open(self.root.join(key.folder()).join(key.file()))?)
    }

    /// Removes an object durably; whether it was there. Blocking.
    pub(crate) fn remove(&self, key: &ObjectKey) -> Result<bool, Error> {
        let folder = self.root.join(key.folder());
        match std::fs::remove_file(folder.join(key.file())) {
            Ok(()) => sync_folder(&folder)
                .map_err(Error::NotDurable)
                .map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keys and sizes of all objects, folder by folder; strange files are passed over. Blocking.
    pub(crate) fn list(&self, mut each: impl FnMut(ObjectKey, u64)) -> Result<(), Error> {
        for algorithm in std::fs::read_dir(&self.root)? {
            for fan in std::fs::read_dir(algorithm?.path())? {
                for object in std::fs::read_dir(fan?.path())? {
                    let object = object?;
                    let path = object.path();
                    let below = path.strip_prefix(&self.root).ok().and_then(Path::to_str);
                    if let Some(key) = below.and_then(ObjectKey::parse) {
                        each(key, object.metadata()?.len());
                    }
                }
            }
        }
        Ok(())
    }

    fn ensure_folder(&self, name: String) -> Result<(), Error> {
        let mut known = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&name) {
            return Ok(());
        }
        let folder = self.root.join(&name);
        std::fs::create_dir_all(&folder).map_err(Error::of_write)?;
        for parent in folder.ancestors().skip(1).take(2) {
            sync_folder(parent).map_err(Error::NotDurable)?;
        }
        known.insert(name);
        Ok(())
    }
}

fn lacks_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported | io::ErrorKind::TooManyLinks
    )
}

/// Makes the entries of a folder durable. Blocking.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
