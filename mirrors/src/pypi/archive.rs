//! What all archives have in common: names that stay within, limits, the one file that matters.

use super::bad;
use super::names::normalised;
use super::version::Version;
use larder_model::Problem;
use std::io;

/// Metadata is no longer than this.
pub(super) const MAX_METADATA_BYTES: u64 = 4 << 20;
/// No archive is longer than this once unpacked.
const MAX_BYTES: u64 = 32 << 30;
/// Up to this size it does not matter how much smaller it was.
const ANY_RATIO_BYTES: u64 = 64 << 20;
const MAX_RATIO: u64 = 100;
const MAX_NAME_BYTES: usize = 1024;

/// How much an archive may still unpack to.
pub(super) struct Budget(u64);

impl Budget {
    /// For an archive of so many bytes.
    pub(super) fn new(packed: u64) -> Self {
        Self(
            packed
                .saturating_mul(MAX_RATIO)
                .clamp(ANY_RATIO_BYTES, MAX_BYTES),
        )
    }

    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), Problem> {
        self.0 = self
            .0
            .checked_sub(bytes)
            .ok_or_else(|| bad("the archive unpacks to too much"))?;
        Ok(())
    }
}

/// Whether a name of an archive stays below the folder that it is unpacked to, on every system.
pub(super) fn is_plain(name: &str) -> bool {
    let bad = |char: char| char.is_control() || char == '\\';
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.len() <= MAX_NAME_BYTES
        && !drive
        && !name.contains(bad)
        && name
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Whether a text is the name of a project and a version of it, in any spelling.
pub(super) fn tells(stem: &str, project: &str, version: &Version) -> bool {
    stem.match_indices('-').any(|(at, _)| {
        normalised(&stem[..at]) == project
            && Version::parse(&stem[at + 1..]).is_some_and(|told| told == *version)
    })
}

/// Bytes that are no archive; a disk that cannot be read looks the same from here.
pub(super) fn broken(error: io::Error) -> Problem {
    bad("the archive is broken or cut short").because(error)
}
