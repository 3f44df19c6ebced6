//! What `larder connect --write` wrote, and how it was before: `larder/connected.json` in the
//! user's configuration folder, readable by its owner alone. It is the backup.

use crate::failure::Failure;
use crate::private_file;
use larder_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A file that was written. `Debug` is left out: it may hold a secret.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Whose lines they are: `npm npm/main`.
    pub(crate) owner: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// Its text before; `None`: it was not there.
    pub(crate) before: Option<String>,
    /// Its mode before.
    pub(crate) mode: Option<u32>,
    /// Its text with the lines.
    pub(crate) after: String,
    /// Folders that were made for it, the outermost first.
    pub(crate) folders: Vec<PathBuf>,
    /// The token that stands in it.
    pub(crate) secret: Option<String>,
    /// That token's id, if it was made for it: then undo ends it.
    pub(crate) token_id: Option<String>,
    /// When that token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_ends: Option<Timestamp>,
}

/// All files that were written, in the order in which they were.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Connected {
    /// The files.
    pub(crate) files: Vec<Written>,
}

fn path(config: &Path) -> PathBuf {
    config.join("larder").join("connected.json")
}

impl Connected {
    /// Reads them; there may be none.
    pub(crate) fn load(config: &Path) -> Result<Self, Failure> {
        let path = path(config);
        let text = private_file::read(&path).map_err(|error| Failure::file(&path, error))?;
        // The error's own text could show a secret.
        let wrong = |error: serde_json::Error| {
            Failure::file(&path, format!("line {} is wrong", error.line()))
        };
        text.map_or(Ok(Self::default()), |text| {
            serde_json::from_str(&text).map_err(wrong)
        })
    }

    /// Writes them whole or not at all; none at all is no file.
    pub(crate) fn save(&self, config: &Path) -> Result<(), Failure> {
        let path = path(config);
        let failure = |error| Failure::file(&path, error);
        if self.files.is_empty() {
            return private_file::remove(&path).map_err(failure);
        }
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| Failure::file(&path, error))?;
        private_file::replace(&path, &text).map_err(failure)
    }

    /// What was written for an owner into a file.
    pub(crate) fn find(&self, owner: &str, path: &Path) -> Option<&Written> {
        let mut files = self.files.iter();
        files.find(|file| file.owner == owner && file.path == path)
    }

    /// What was written for an owner with a secret that has not ended at `now`.
    pub(crate) fn with_secret(&self, owner: &str, now: Timestamp) -> Option<&Written> {
        let lives = |file: &&Written| file.token_ends.is_none_or(|end| now < end);
        let mut files = self.files.iter().filter(lives);
        files.find(|file| file.owner == owner && file.secret.is_some())
    }

    /// Whether a token stands in any file.
    pub(crate) fn has_token(&self, id: &str) -> bool {
        let mut files = self.files.iter();
        files.any(|file| file.token_id.as_deref() == Some(id))
    }

    /// Forgets what was written for an owner into a file.
    pub(crate) fn forget(&mut self, owner: &str, path: &Path) {
        self.files
            .retain(|file| file.owner != owner || file.path != path);
    }
}
