//! `repomd.xml`: the file that lists all others.

use super::item::{Item, Unfit};
use super::scan::{RECORDS, Scan};
use crate::text::bad_document;
use crate::xml::Fault;
use larder_model::Problem;

/// Limit on the bytes of a file. Real ones have some thousands.
const MAX_BYTES: u64 = 16 << 20;
/// Limit on the records of a file. Real ones have some dozens.
const MAX_RECORDS: usize = 1024;

/// One file of metadata.
pub(super) struct Record {
    /// Its kind: `primary`, `filelists`, `primary_zck`, …
    pub(super) kind: String,
    /// Whether it has a checksum of any kind.
    pub(super) has_checksum: bool,
    pub(super) item: Item,
}

/// All records that have a location.
pub(super) fn read(body: &[u8]) -> Result<Vec<Record>, Problem> {
    let unreadable = |fault: Fault| bad_document("a repomd.xml that can be read").because(fault);
    let mut scan = Scan::new(Box::new(body), RECORDS, MAX_BYTES);
    let mut records = Vec::new();
    while let Some(raw) = scan.next().map_err(unreadable)? {
        if raw.href.is_none() {
            continue;
        }
        let item = Item::read(&raw, "repodata/").map_err(|unfit| match unfit {
            Unfit::Place => bad_document("a repomd.xml whose locations are within its repository"),
            Unfit::Integrity => bad_document("a repomd.xml with checksums and sizes"),
        })?;
        if item.path.starts_with("../") {
            return Err(bad_document(
                "a repomd.xml whose locations are within its repository",
            ));
        }
        if records.len() == MAX_RECORDS {
            return Err(bad_document("a repomd.xml with at most 1024 records"));
        }
        records.push(Record {
            kind: raw.kind,
            has_checksum: raw.checksum.is_some(),
            item,
        });
    }
    Ok(records)
}
