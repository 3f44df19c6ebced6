//! What `larder login` remembers: `larder/profile.toml` in the user's configuration folder,
//! readable by its owner alone.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A server and how to show oneself there. `Debug` is left out: it holds a secret.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The server's address.
    pub(crate) server: String,
    /// The token to show.
    pub(crate) token: String,
    /// The token's id, if login made it: then logout ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_id: Option<String>,
    /// An authority to trust besides the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

fn path(config: &Path) -> PathBuf {
    config.join("larder").join("profile.toml")
}

impl Profile {
    /// Reads the profile; `None` if there is none.
    pub(crate) fn load(config: &Path) -> Result<Option<Self>, Failure> {
        let path = path(config);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(&path, error)),
        };
        // The error's own text would show the line, and with it the token.
        let wrong = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            Failure::file(
                &path,
                format!("line {line} is wrong; run larder login URL to write it anew"),
            )
        };
        toml::from_str(&text).map(Some).map_err(wrong)
    }

    /// Writes the profile whole or not at all.
    pub(crate) fn save(&self, config: &Path) -> Result<(), Failure> {
        let path = path(config);
        let text = toml::to_string(self).map_err(|error| Failure::file(&path, error))?;
        let fresh = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(config.join("larder"))?;
            remove(&fresh)?; // what an earlier try left behind may be readable by others
            let mut file: File = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)
        };
        write().map_err(|error| Failure::file(&path, error))
    }

    /// Removes the profile.
    pub(crate) fn forget(config: &Path) -> Result<(), Failure> {
        let path = path(config);
        remove(&path).map_err(|error| Failure::file(&path, error))
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
