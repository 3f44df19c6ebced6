//! What a restore queues. Queues are in no snapshot: one of them is of uploads, which stay with their
//! server, and one of objects to remove, which are those of its store. All that may be gone can be
//! told from the other rows.

use crate::Value;
use crate::whole::Load;
use larder_model::Timestamp;

/// The first schema that has queues; the migration to it fills those of an older one.
const FIRST_SCHEMA: i64 = 15;

const BLOBS: &str = "insert into gc_blobs (digest, since) \
    select digest, cast(?1 as bigint) from blobs \
    where not exists (select 1 from files where files.digest = blobs.digest)";
const LINKS: &str = "insert into gc_links (repo, package, digest, since) \
    select f.repo, f.package, f.path, f.checked_at from files f \
    where f.kind = 'blob' and f.repo in (select id from repos where kind = 'hosted') \
    and not exists (select 1 from edges e where e.child = f.path and e.repo = f.repo \
    and e.package = f.package and e.kind <> 'subject')";

/// Queues what no file and no manifest names, once all rows of a snapshot of this schema are there.
/// Links wait from when a client was told of them last, as always; bytes from `now`, for when their
/// last name went nobody knows.
pub(crate) fn requeue(schema: i64, now: Timestamp) -> Vec<Load> {
    if schema < FIRST_SCHEMA {
        return Vec::new();
    }
    let load = |text: &'static str, values: Vec<Value>| Load::Rows {
        text: text.into(),
        rows: vec![values],
    };
    vec![load(BLOBS, vec![now.into()]), load(LINKS, Vec::new())]
}
