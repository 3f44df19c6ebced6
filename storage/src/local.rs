//! A local folder: `blobs/<algorithm>/<ab>/<hex>.<generation>`, files of our own.

use crate::content::require_size;
use crate::durable::{FOLDER, make_folder, sync_folder};
use crate::key::StoredObject;
use crate::left_open::LeftOpen;
use crate::{BackupName, Error, ObjectKey};
use larder_model::Timestamp;
use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder below which blobs lie.
pub(crate) struct Local {
    root: PathBuf,
    /// The folder of backups, made with the first.
    backups: PathBuf,
    /// Fan-out folders known to exist durably.
    folders: Mutex<HashSet<String>>,
    left_open: LeftOpen,
}

impl Local {
    /// Opens or makes the folder, durably.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let blobs = root.join("blobs");
        make_folder(root, FOLDER)?;
        make_folder(&blobs, FOLDER)?;
        Ok(Self {
            root: blobs,
            backups: root.join("backups"),
            folders: Mutex::default(),
            left_open: LeftOpen::default(),
        })
    }

    /// Gives a sealed file its key as a second name, durably. Blocking.
    pub(crate) fn keep(&self, sealed: &Path, key: &ObjectKey) -> Result<(), Error> {
        let folder = self.root.join(key.folder());
        self.ensure_folder(key.folder())?;
        let kept = folder.join(key.file());
        name(sealed, &kept).map_err(Error::of_write)?;
        sync_folder(&folder).map_err(|error| {
            drop(std::fs::remove_file(&kept)); // no row will ever name it; left behind it would only take room
            Error::NotDurable(error)
        })
    }

    /// Opens an object. A missing one is an error of its own.
    pub(crate) fn open_object(&self, key: &ObjectKey) -> Result<File, Error> {
        Ok(File::open(self.root.join(key.to_string()))?)
    }

    /// Opens an object that has `size` bytes.
    pub(crate) fn open_sized(&self, key: &ObjectKey, size: u64) -> Result<Arc<File>, Error> {
        let file = self.open_object(key)?;
        require_size(&file, size)?;
        Ok(Arc::new(file))
    }

    /// The same, opened now or by an earlier reader.
    pub(crate) fn open_again(&self, key: &ObjectKey, size: u64) -> Result<Arc<File>, Error> {
        self.left_open.get(key, size, || self.open_object(key))
    }

    /// Removes an object durably; whether it was there. Blocking.
    pub(crate) fn remove(&self, key: &ObjectKey) -> Result<bool, Error> {
        let was_there = remove(&self.root.join(key.folder()), &key.file());
        self.left_open.forget(key); // its room is wanted
        was_there
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

    /// The objects of a folder below `blobs/`; none where it is not there. Blocking.
    pub(crate) fn list_folder(&self, folder: &str) -> Result<Vec<StoredObject>, Error> {
        let entries = match std::fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let file = entry.file_name();
            let path = file.to_str().map(|file| format!("{folder}/{file}"));
            let Some(key) = path.as_deref().and_then(ObjectKey::parse) else {
                continue;
            };
            let about = match entry.metadata() {
                // It was removed meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?,
            };
            // Bytes may have been staged long before they got this name, which changes the inode.
            let seconds = about.ctime().max(about.mtime());
            found.push(StoredObject {
                key,
                size: about.len(),
                changed_at: Timestamp(seconds.saturating_add(1).saturating_mul(1_000_000)),
            });
        }
        Ok(found)
    }

    /// Whether there is any object. Blocking.
    pub(crate) fn has_objects(&self) -> Result<bool, Error> {
        for algorithm in std::fs::read_dir(&self.root)? {
            for fan in std::fs::read_dir(algorithm?.path())? {
                if std::fs::read_dir(fan?.path())?.next().is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Gives a sealed file the name of a backup, durably; its owner alone can read it. Blocking.
    pub(crate) fn keep_backup(&self, sealed: &Path, backup: &BackupName) -> Result<(), Error> {
        make_folder(&self.backups, FOLDER).map_err(Error::of_write)?;
        std::fs::set_permissions(sealed, Permissions::from_mode(0o600))?;
        let kept = self.backups.join(backup.to_string());
        name(sealed, &kept).map_err(Error::of_write)?;
        sync_folder(&self.backups).map_err(Error::NotDurable)
    }

    /// The backups and their sizes. Blocking.
    pub(crate) fn backups(&self) -> Result<Vec<(BackupName, u64)>, Error> {
        let entries = match std::fs::read_dir(&self.backups) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let backup = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(backup) = backup {
                found.push((backup, entry.metadata()?.len()));
            }
        }
        Ok(found)
    }

    /// Opens a backup. A missing one is an error of its own.
    pub(crate) fn open_backup(&self, backup: &BackupName) -> Result<File, Error> {
        Ok(File::open(self.backups.join(backup.to_string()))?)
    }

    /// Removes a backup durably; whether it was there. Blocking.
    pub(crate) fn remove_backup(&self, backup: &BackupName) -> Result<bool, Error> {
        remove(&self.backups, &backup.to_string())
    }

    fn ensure_folder(&self, name: String) -> Result<(), Error> {
        let mut known = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&name) {
            return Ok(());
        }
        let folder = self.root.join(&name);
        if let Some(algorithm) = folder.parent() {
            make_folder(algorithm, FOLDER).map_err(Error::of_write)?;
        }
        make_folder(&folder, FOLDER).map_err(Error::of_write)?;
        known.insert(name);
        Ok(())
    }
}

/// Gives a file a second name.
fn name(sealed: &Path, kept: &Path) -> io::Result<()> {
    match std::fs::hard_link(sealed, kept) {
        // Not every file system has links. A crash before the row is written then costs the upload
        // its bytes.
        Err(error) if lacks_links(&error) => std::fs::rename(sealed, kept),
        linked => linked,
    }
}

/// Removes a file of a folder durably; whether it was there.
fn remove(folder: &Path, file: &str) -> Result<bool, Error> {
    match std::fs::remove_file(folder.join(file)) {
        Ok(()) => sync_folder(folder)
            .map_err(Error::NotDurable)
            .map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn lacks_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported | io::ErrorKind::TooManyLinks
    )
}
