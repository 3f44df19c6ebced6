//! Why a file is no backup, or not a whole one.

use std::fmt;
use std::io;

/// What is wrong with a backup.
#[derive(Debug)]
pub enum Fault {
    /// It cannot be read.
    Io(io::Error),
    /// It does not begin as a backup does.
    Foreign,
    /// Its format is newer than this program's.
    TooNew {
        /// The format of the file.
        found: u64,
        /// The newest that this program reads.
        known: u64,
    },
    /// It ends before its end.
    Cut,
    /// Something in it is not what it was when it was written: what, and where.
    Damaged(String),
}

impl Fault {
    /// Something is not as it was written.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the backup cannot be read: {error}"),
            Self::Foreign => f.write_str("this is no backup of a larder server"),
            Self::TooNew { found, known } => write!(
                f,
                "the backup has format {found}, and this larder reads formats up to {known}: use \
                 the larder that wrote it, or a newer one"
            ),
            Self::Cut => f.write_str(
                "the backup is cut off: a part of it is missing at the end; make or fetch it again",
            ),
            Self::Damaged(what) => write!(f, "the backup is damaged: {what}"),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Cut,
            _ => Self::Io(error),
        }
    }
}
