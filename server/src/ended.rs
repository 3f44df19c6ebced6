//! How a command of this machine ends that did not do what it should.

use larder_archive::Fault;
use larder_backup::Occupied;
use larder_cli::Exit;
use std::error::Error;
use std::fmt;

/// Why a command ended, where that is another exit code than [`Exit::Failed`].
#[derive(Debug)]
pub(crate) struct Ended {
    exit: Exit,
    why: String,
}

impl Ended {
    /// It was called the wrong way.
    pub(crate) const fn misused(why: String) -> Self {
        let exit = Exit::Usage;
        Self { exit, why }
    }

    /// It clashes with what is there.
    pub(crate) const fn conflict(why: String) -> Self {
        let exit = Exit::Conflict;
        Self { exit, why }
    }

    /// What it is about is not there.
    pub(crate) const fn not_found(why: String) -> Self {
        let exit = Exit::NotFound;
        Self { exit, why }
    }

    /// A hash is not what it should be.
    pub(crate) const fn damaged(why: String) -> Self {
        let exit = Exit::Integrity;
        Self { exit, why }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for Ended {}

/// The exit code that an error comes to.
pub(crate) fn exit_of(error: &(dyn Error + 'static)) -> Exit {
    match error.downcast_ref::<Ended>() {
        Some(ended) => ended.exit,
        None if error.is::<Fault>() => Exit::Integrity,
        None if error.is::<Occupied>() => Exit::Conflict,
        None => Exit::Failed,
    }
}
