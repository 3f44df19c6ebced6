//! What failures of SQLite mean.

use crate::Error;
use rusqlite::ErrorCode;

fn is_duplicate(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{
        SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE,
    };
    let codes = [
        SQLITE_CONSTRAINT_PRIMARYKEY,
        SQLITE_CONSTRAINT_ROWID,
        SQLITE_CONSTRAINT_UNIQUE,
    ];
    error
        .sqlite_error()
        .is_some_and(|error| codes.contains(&error.extended_code))
}

/// Whether a trigger refused a statement: those of immutable versions alone do.
fn is_raised(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) if is_duplicate(&error) => {
                Self::Exists(error.into())
            }
            Some(ErrorCode::ConstraintViolation) if is_raised(&error) => {
                Self::Immutable(error.into())
            }
            Some(ErrorCode::DiskFull) => Self::Full(error.into()),
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseBusy | ErrorCode::CannotOpen) => {
                Self::Unavailable(error.into())
            }
            _ => Self::Database(error.into()),
        }
    }
}
