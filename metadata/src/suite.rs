//! What every database must do: many small checks, each of one behaviour.
//!
//! On SQLite each check is a test of its own, with a database of its own. [`all`] runs the same
//! checks one after the other on one database, which may have been used before.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a check fails")]

use crate::Metadata;
use larder_model::{Clock, Timestamp};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A check: any panic is a failure.
#[derive(Clone, Copy)]
struct Check {
    name: &'static str,
    run: for<'a> fn(&'a Metadata) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

/// Lists the checks of a module, and makes each of them a test, which `by` runs on SQLite.
macro_rules! checks {
    ($($check:ident),* $(,)?) => {
        checks![by crate::suite::tests::on_sqlite; $($check),*];
    };
    (by $runner:path; $($check:ident),* $(,)?) => {
        pub(super) const CHECKS: &[crate::suite::Check] = &[$(crate::suite::Check {
            name: concat!(module_path!(), "::", stringify!($check)),
            run: |metadata| Box::pin($check(metadata)),
        },)*];

        #[cfg(test)]
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $runner(super::$check).await;
            })*
        }
    };
}

mod fixture;

mod audit;
mod audit_chain;
mod audit_list;
mod audit_people;
mod blobs;
mod collection;
mod collection_bytes;
mod copies;
mod denied;
mod documents;
mod downloads;
mod files;
mod gone;
mod groups;
mod history;
mod idempotency;
mod index;
mod jobs;
mod listing;
mod manifests;
mod people;

mod grants;
mod publishing;
mod races;
mod repos;
mod reservations;
mod schedules;
mod search;
mod series;
mod settings;
mod tokens;
mod sessions;
mod snapshots;
mod trash;
mod trash_ends;
mod quotas;
mod quota_counts;
mod quota_races;
mod retention;
mod mirrored;
mod listed_files;
mod leftovers;
mod scrub;
mod uploads;
mod usage;
mod uses;

pub mod old_schemas;

const ALL: &[&[Check]] = &[
    audit::CHECKS,
    audit_chain::CHECKS,
    audit_list::CHECKS,
    audit_people::CHECKS,
    blobs::CHECKS,
    collection::CHECKS,
    collection_bytes::CHECKS,
    copies::CHECKS,
    denied::CHECKS,
    documents::CHECKS,
    downloads::CHECKS,
    files::CHECKS,
    gone::CHECKS,
    grants::CHECKS,
    groups::CHECKS,
    history::CHECKS,
    idempotency::CHECKS,
    index::CHECKS,
    jobs::CHECKS,
    listing::CHECKS,
    manifests::CHECKS,
    people::CHECKS,
    tokens::CHECKS,
    publishing::CHECKS,
    quotas::CHECKS,
    quota_counts::CHECKS,
    quota_races::CHECKS,
    races::CHECKS,
    repos::CHECKS,
    reservations::CHECKS,
    schedules::CHECKS,
    search::CHECKS,
    series::CHECKS,
    sessions::CHECKS,
    settings::CHECKS,
    snapshots::CHECKS,
    trash::CHECKS,
    trash_ends::CHECKS,
    retention::CHECKS,
    mirrored::CHECKS,
    listed_files::CHECKS,
    leftovers::CHECKS,
    scrub::CHECKS,
    uploads::CHECKS,
    usage::CHECKS,
    uses::CHECKS,
];

/// Runs all checks on a database that is fresh or was used by this suite before; a failed one does
/// not keep the others from running. Fails with the names of those that failed.
pub async fn all(metadata: &Metadata) {
    let mut failed = Vec::new();
    for check in ALL.iter().copied().flatten() {
        let metadata = metadata.clone();
        let run = tokio::spawn(async move { (check.run)(&metadata).await });
        if run.await.is_err() {
            failed.push(check.name);
        }
    }
    assert!(failed.is_empty(), "these checks failed: {failed:#?}");
}

pub use audit_list::{Measure, million};
pub use snapshots::{moves, one_before};

/// A clock that moves on by a millisecond whenever it is read. Clones are the same clock.
pub fn clock() -> Clock {
    const START: i64 = 1_800_000_000_000_000;
    let now = Arc::new(AtomicI64::new(START));
    Clock::new(move || Timestamp(now.fetch_add(1000, Ordering::SeqCst)))
}

#[cfg(test)]
mod tests;
