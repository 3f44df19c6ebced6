//! Whether a file is a whole backup.

use crate::{Fault, Manifest, Reader};
use larder_model::Digest;
use std::io::Read;

/// What a backup that is as it was written has in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its bytes.
    pub bytes: u64,
    /// The digest of the file.
    pub digest: Digest,
}

/// Reads all of a backup and compares every part with its digest.
pub fn verify(from: impl Read) -> Result<Verified, Fault> {
    let (manifest, mut reader) = Reader::begin(from)?;
    while reader.next_part()?.is_some() {}
    let digest = reader.digest().ok_or(Fault::Cut)?;
    Ok(Verified {
        manifest,
        bytes: reader.position(),
        digest,
    })
}
