//! Faults of the operating system, switched on and off in a running server (libfiu).

use larder_tests::tools::{run, tool};
use larder_tests::{Larder, Start};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// `fsync` fails.
pub const FSYNC: &str = "posix/io/sync/fsync";
/// `fdatasync` fails.
pub const FDATASYNC: &str = "posix/io/sync/fdatasync";
/// `pwrite` fails: files are written by it, sockets and the log are not.
pub const PWRITE: &str = "posix/io/rw/pwrite";
/// A failure of the device.
pub const EIO: i32 = 5;
/// No room left.
pub const ENOSPC: i32 = 28;

/// The means to make them.
pub struct Faults {
    run: PathBuf,
    control: PathBuf,
    folder: TempDir,
}

impl Faults {
    /// `None`: libfiu is not installed, and that was said.
    #[track_caller]
    pub fn find() -> Option<Self> {
        let (run, control) = (tool("fiu-run")?, tool("fiu-ctrl")?);
        Some(Self {
            run,
            control,
            folder: tempfile::tempdir().expect("temporary folder"),
        })
    }

    fn pipe(&self) -> String {
        self.folder
            .path()
            .join("control")
            .to_string_lossy()
            .into_owned()
    }

    /// A server that listens for faults.
    pub fn below(&self, start: Start) -> Start {
        start.under(&[&self.run.to_string_lossy(), "-x", "-f", &self.pipe()])
    }

    #[track_caller]
    fn tell(&self, larder: &Larder, text: &str) {
        let pid = larder.pid().to_string();
        run(Command::new(&self.control).args(["-f", &self.pipe(), "-c", text, &pid]));
    }

    /// From now on these calls fail.
    #[track_caller]
    pub fn always(&self, larder: &Larder, calls: &[&str], errno: i32) {
        for call in calls {
            self.tell(larder, &format!("enable name={call},failinfo={errno}"));
        }
    }

    /// The next such call fails.
    #[track_caller]
    pub fn once(&self, larder: &Larder, call: &str, errno: i32) {
        self.tell(
            larder,
            &format!("enable name={call},onetime,failinfo={errno}"),
        );
    }

    /// From now on so many of a hundred of these calls fail.
    #[track_caller]
    pub fn sometimes(&self, larder: &Larder, calls: &[&str], errno: i32, percent: u64) {
        for call in calls {
            self.tell(
                larder,
                &format!("enable_random name={call},probability=0.{percent:02},failinfo={errno}"),
            );
        }
    }

    /// They work again.
    #[track_caller]
    pub fn never(&self, larder: &Larder, calls: &[&str]) {
        for call in calls {
            self.tell(larder, &format!("disable name={call}"));
        }
    }
}
