//! Backups: one state of the database, the server's keys and the objects that it names, as one file;
//! and the way back.
//!
//! Knows: what belongs into a backup, how a consistent one is made while the server serves, what is
//! checked before one is restored. Must never know: HTTP, who may ask for one, SQL, how parts are
//! framed.
//!
//! ```text
//! hold objects ── freeze the database ── rows into a staging file ── let it go ── keys, rows, objects
//!                                        └ the state is held no longer than this takes
//! ```
//!
//! A restore reads the file twice: once to see that all of it is as it was written and fits together,
//! and once to put it where it belongs. Rows are in one transaction that is committed last.

mod key_file;
mod rows;

mod hold;
mod reading;

mod export;

mod check;
mod kept;

mod restore;

#[cfg(test)]
mod tests;

pub use check::{Checked, check};
pub use export::{Backups, Contents, Export, export_before_upgrade};
pub use kept::{Keep, KeptBackup};
pub use key_file::KeyFile;
pub use restore::{Occupied, Restored, Target, restore};
