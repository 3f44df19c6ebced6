//! Bytes by digest: staging while they arrive, one durable commit, ranged reads, deletion by
//! generation.
//!
//! Knows: folders, files, fsync, object stores. Every IO on blob bytes is here. Must never know:
//! names, repos, users, protocols, HTTP. A blob here is its digest and the generation of its
//! object.
//!
//! A local folder is written and read through plain files of our own (streaming hash, fsync of file
//! and folder, reads that can be sent without a copy); every other store goes through
//! `object_store`.

pub mod durable;

mod backup_name;
mod error;
pub mod key;

pub mod content;
mod direct;
mod doubt;
mod left_open;
mod room;
mod suspects;
pub mod staging;

mod local;
mod multipart;
mod resumed;
mod remote;
mod store;
mod staging_guard;

pub mod open;
pub mod suite;

pub use backup_name::{BackupName, NoBackupName};
pub use content::Content;
pub use error::Error;
pub use key::{ObjectKey, StoredObject};
pub use room::Room;
pub use staging::Staging;
pub use staging_guard::StagingGuard;
pub use store::{BlobStore, Committed};
