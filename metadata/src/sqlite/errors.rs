//! What failures of SQLite mean.

use crate::Error;
use rusqlite::ErrorCode;

fn has_code(error: &rusqlite::Error, codes: &[i32]) -> bool {
    let failed = error.sqlite_error();
    failed.is_some_and(|failed| codes.contains(&failed.extended_code))
}

fn is_duplicate(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi as code;
    let (key, rowid) = (
        code::SQLITE_CONSTRAINT_PRIMARYKEY,
        code::SQLITE_CONSTRAINT_ROWID,
    );
    has_code(error, &[key, rowid, code::SQLITE_CONSTRAINT_UNIQUE])
}

/// Whether a trigger refused a statement: those of immutable versions alone do.
fn is_raised(error: &rusqlite::Error) -> bool {
    has_code(error, &[rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER])
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
