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
    /// It ended so, and why.
    pub(crate) const fn new(exit: Exit, why: String) -> Self {
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
