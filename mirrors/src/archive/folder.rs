//! A few files of a gzipped tar archive whose paths begin with one folder, read to describe it.

use super::tar::{Kind, Tar};
use super::{Fault, Limits};
use crate::describing::{MAX_README_BYTES, Readme};
use flate2::bufread::MultiGzDecoder;
use std::io::{BufReader, Read};

const BUFFER_BYTES: usize = 1 << 16;
/// A longer file is left out, unless it is a readme, which is cut.
const MAX_BYTES: u64 = 4 << 20;

/// Files of an archive, by their paths below its folder.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// Reads the files whose names below the first folder, whatever that is called, are wanted.
pub(crate) fn wanted(
    packed: impl Read,
    (limits, size): (&Limits, u64),
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Files, Fault> {
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, packed));
    let mut archive = Tar::new(unpacked, limits, size);
    let mut files = Files::new();
    while let Some(entry) = archive.next()? {
        let below = entry.path.split_once('/').map(|(_, name)| name.to_owned());
        let Some(name) = below.filter(|name| entry.kind == Kind::File && is_wanted(name)) else {
            continue;
        };
        // One of two files of the same name is what some clients unpack and others do not.
        let is_known = files.iter().any(|(known, _)| *known == name);
        if !is_known && entry.size <= MAX_BYTES {
            files.push((name, archive.contents(&entry, MAX_BYTES)?));
        }
    }
    Ok(files)
}

/// Whether a name is that of a readme at the top of an archive.
pub(crate) fn is_readme(name: &str) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    !name.contains('/') && stem.eq_ignore_ascii_case("readme")
}

/// The readme among files: the one of this name, else the one in Markdown, else the first.
pub(crate) fn readme(files: &Files, name: Option<&str>) -> Option<Readme> {
    let named = |wanted: &str| files.iter().find(|(name, _)| name == wanted);
    let mut all: Vec<_> = files.iter().filter(|(name, _)| is_readme(name)).collect();
    all.sort_by_key(|(name, _)| (!name.to_ascii_lowercase().ends_with(".md"), name.clone()));
    let (name, bytes) = name.and_then(named).or(all.first().copied())?;
    // One byte more shows that there is more.
    let end = bytes.len().min(MAX_README_BYTES + 4);
    Readme::of_file(name, &bytes[..end])
}
