//! A server's time that goes on as a test says.

use std::cell::Cell;
use tempfile::NamedTempFile;

/// The server's time, which goes on between what happens where `turns`.
pub(crate) struct Clock {
    file: NamedTempFile,
    turns: bool,
    hours: Cell<u64>,
}

impl Clock {
    pub(crate) fn new(turns: bool) -> Self {
        let file = NamedTempFile::new().expect("clock");
        std::fs::write(file.path(), "0").expect("clock");
        Self {
            file,
            turns,
            hours: Cell::new(0),
        }
    }

    /// The file that moves the clock of a server.
    pub(crate) fn path(&self) -> &str {
        self.file.path().to_str().expect("path")
    }

    /// How many hours it is ahead.
    pub(crate) const fn hours(&self) -> u64 {
        self.hours.get()
    }

    /// Whether time passes.
    pub(crate) const fn turns(&self) -> bool {
        self.turns
    }

    /// So many hours pass.
    pub(crate) fn turn(&self, hours: u64) {
        if self.turns {
            self.hours.set(self.hours.get() + hours);
            // A reader sees the old time or the new one.
            let new =
                NamedTempFile::new_in(self.file.path().parent().expect("folder")).expect("clock");
            std::fs::write(new.path(), (self.hours.get() * 3600).to_string()).expect("clock");
            std::fs::rename(new.path(), self.file.path()).expect("clock");
        }
    }
}
