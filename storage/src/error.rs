//! What can go wrong with bytes.

use larder_model::{Kind, Problem};
use std::fmt;
use std::io;
use std::time::Duration;

/// A failure of the store.
#[derive(Debug)]
pub enum Error {
    /// No such object.
    Missing,
    /// The object has so many bytes, which are not as many as it should have.
    Size(u64),
    /// No room left on the device or in the quota.
    Full(io::Error),
    /// Written bytes could not be made durable; nothing was acknowledged and writes pause until a
    /// probe succeeds.
    NotDurable(io::Error),
    /// Any other failure of the file system.
    Io(io::Error),
    /// The bucket, with where it should be, does not exist.
    NoBucket(String),
    /// The key with which the bucket is opened is not what it has to be.
    Key(&'static str),
    /// A failure of the remote object store.
    Remote(object_store::Error),
    /// The blocking task was cancelled by shutdown.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such object"),
            Self::Size(bytes) => {
                write!(f, "the object has {bytes} bytes, not as many as it should")
            }
            Self::Full(error) => write!(f, "no room left: {error}"),
            Self::NotDurable(error) => write!(f, "bytes could not be made durable: {error}"),
            Self::Io(error) => write!(f, "file system: {error}"),
            Self::NoBucket(bucket) => write!(
                f,
                "{bucket} does not exist: make it, or name another (storage.bucket)"
            ),
            Self::Key(kind) => write!(f, "storage.secret_access_key is not {kind}"),
            Self::Remote(error) => write!(f, "object store: {error}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full(error) | Self::NotDurable(error) | Self::Io(error) => Some(error),
            Self::Remote(error) => Some(error),
            Self::Missing | Self::Size(_) | Self::NoBucket(_) | Self::Key(_) | Self::Stopped => {
                None
            }
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

impl Error {
    /// A write that failed: there is no room, or the bytes could not be made durable.
    pub(crate) fn of_write(error: io::Error) -> Self {
        match Self::from(error) {
            Self::Io(error) => Self::NotDurable(error),
            Self::Missing => Self::NotDurable(io::ErrorKind::NotFound.into()),
            error => error,
        }
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            error => Self::Remote(error),
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Stopped
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Full(_) => Self::new(
                Kind::Full,
                "storage",
                "the server's storage is full; what it acknowledged before is kept, nothing more was",
            )
            .because(error),
            Error::NotDurable(_) | Error::Remote(_) | Error::NoBucket(_) => Self::busy(
                "the server's storage fails; nothing was kept, try again",
                Duration::from_secs(5),
            )
            .because(error),
            error => Self::internal(error),
        }
    }
}
