//! All SQL: one text for two databases, behind a narrow trait.
//!
//! Knows: tables, statements, migrations, the two drivers, how a batch becomes one durable commit.
//! Must never know: HTTP, protocols' dialects, where bytes lie, who may do what.
//!
//! Reads are single statements. A write is a [`Batch`]: statements with requirements on the rows
//! that they change, all or none. There are no interactive transactions, so SQLite's one writer and
//! PostgreSQL's pool look alike.

mod error;
mod value;

mod keys;
mod statements;
mod use_marks;
mod announced;
mod records;
mod whole;
mod sql;

mod ids;
mod lookups;
mod migrate;
mod upgrade;

mod postgres;
mod sqlite;

pub mod snapshot;
pub mod database;
mod store;
#[cfg(test)]
mod plans;

pub mod files;
mod uses;

pub mod audit;
pub mod backups;
pub mod denied;
pub mod history;
pub mod idempotency;
pub mod jobs;
pub mod settings;

pub mod schedules;
pub mod trash;

pub mod shown;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod groups;
pub mod grants;
pub mod quotas;
pub mod repos;
pub mod reservations;
pub mod uploads;

pub mod blobs;
pub mod documents;
pub mod manifests;
pub mod file_copies;
pub mod publishing;

pub mod copies;

pub mod index;
pub mod listing;
pub mod downloads;
pub mod series;
pub mod usage;
pub mod trash_restore;
pub mod retention;
pub mod collection;
pub mod leftovers;
pub mod mirrored;
pub mod listed_files;
pub mod scrub;
pub mod search;

pub mod restore;

pub mod suite;

pub use error::{Error, Requirement};
pub use sql::{Batch, Sql};
pub use statements::Statements;
pub use store::Metadata;
pub use value::{Row, Value};
