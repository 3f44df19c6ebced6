//! Files whose contents are to be right, which nobody knows before all of them came.

use super::encoded::decoded;
use super::faults::other_bytes;
use crate::limits::Budget;
use bytes::Bytes;
use larder_metadata::files::FileRecord;
use larder_model::{Body, Contents, Integrity, Kind, Problem};
use larder_storage::Staging;
use larder_storage::content::FileReader;
use std::io::Cursor;

/// Bytes that small ones are decoded to at most.
pub(super) const MAX_DECODED: usize = 8 << 20;

/// What reading a file takes of memory at most, in bytes.
const MAX_HELD: u64 = 64 << 20;

/// What a file is to be.
#[derive(Clone, Copy)]
pub(super) struct Promise<'a> {
    pub(super) integrity: &'a Integrity,
    /// The path at which it is asked for.
    pub(super) path: &'a str,
    /// Whether nothing but the first bytes tells it.
    pub(super) is_first: bool,
}

/// What is recorded of a staged file that is what was promised. `agrees`: whether its bytes were found
/// to be. A problem of kind `DigestMismatch` if it is something else.
pub(super) async fn require_staged(
    staging: &Staging,
    agrees: bool,
    promised: Promise<'_>,
    budget: &Budget,
) -> Result<String, Problem> {
    if !agrees {
        return Err(mismatch(promised));
    }
    let Some(contents) = promised.integrity.contents() else {
        return Ok(promised.integrity.text());
    };
    // The directory of an archive is in memory while it is read.
    let _share = budget.share(staging.offset().min(MAX_HELD)).await?;
    let file = FileReader::new(staging.file(), 0..staging.offset());
    require(contents, file).await
}

/// Bytes at hand that have the contents that were promised, decoded if they were encoded on their way,
/// and what is recorded of them.
pub(super) async fn contained(
    body: Bytes,
    promised: Promise<'_>,
    is_labelled: bool,
) -> Result<(Bytes, String), Problem> {
    let contents = promised
        .integrity
        .contents()
        .ok_or_else(|| mismatch(promised))?;
    match require(contents, Cursor::new(body.clone())).await {
        Err(problem) if is_mismatch(&problem) && is_labelled => {
            let body = Bytes::from(decoded(&body, MAX_DECODED).ok_or(problem)?);
            let recorded = require(contents, Cursor::new(body.clone())).await?;
            Ok((body, recorded))
        }
        recorded => Ok((body, recorded?)),
    }
}

/// Promises of which the first bytes, or contents, are the rest.
pub(super) enum First<'a> {
    Bytes,
    Contents(&'a Contents),
}

/// Whether nothing was promised, and so the first ones stay.
pub(super) const fn first(integrity: &Integrity) -> Option<First<'_>> {
    match integrity {
        Integrity::None => Some(First::Bytes),
        Integrity::Contents(contents) if contents.sum.is_none() => Some(First::Contents(contents)),
        _ => None,
    }
}

impl First<'_> {
    /// What has to come again in place of a file.
    pub(super) fn again(self, found: &FileRecord) -> Integrity {
        match self {
            Self::Bytes => Integrity::Digest(found.digest),
            Self::Contents(contents) => Integrity::Contents(Contents {
                sum: Some(found.integrity.clone()).filter(|sum| !sum.is_empty()),
                ..contents.clone()
            }),
        }
    }
}

/// Has the contents read, away from the connections.
async fn require(contents: &Contents, mut file: impl Body + 'static) -> Result<String, Problem> {
    let contents = contents.clone();
    let read = move || contents.require(&mut file);
    tokio::task::spawn_blocking(read)
        .await
        .map_err(Problem::internal)?
}

/// Other bytes came than those that were promised.
pub(super) fn mismatch(promised: Promise<'_>) -> Problem {
    other_bytes(promised.integrity, promised.path, promised.is_first)
}

/// Whether a problem is that something else came than was promised.
pub(super) fn is_mismatch(problem: &Problem) -> bool {
    problem.kind == Kind::DigestMismatch
}
