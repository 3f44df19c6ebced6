//! Lists of differences (`Packages.diff/Index`): which files bring an older list of packages up to date,
//! with their digests. The list of the suite names this list, and it alone names those files.

use super::listing::{Listed, Listing};
use super::paths::{self, split};
use super::stanzas::{Line, Lines};
use crate::resource::{Fetch, Table};
use crate::text::bad_document;
use crate::unpack::unpack;
use larder_model::Problem;

/// The field with the digests of the files as they are fetched.
const FILES: &str = "SHA256-Download";
/// Limit on the bytes of such a list. Real ones have some ten thousand.
const MAX_BYTES: u64 = 4 << 20;

/// The files of one folder of differences.
pub(super) struct Differences(Listing);

impl Differences {
    /// Reads a list.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let what = "a list of differences that can be read";
        let list = unpack(body).map_err(|error| bad_document(what).because(error))?;
        let mut lines = Lines::new(list, MAX_BYTES);
        let (mut files, mut in_files) = (Vec::new(), false);
        while let Some(line) = lines
            .next()
            .map_err(|fault| bad_document(what).because(fault))?
        {
            match line {
                Line::Field(name, _) => in_files = name.eq_ignore_ascii_case(FILES),
                Line::More(text) if in_files => files.extend(Listed::part(text)),
                Line::More(_) => {}
                Line::End => in_files = false,
            }
        }
        Listing::of(files).map(Self)
    }
}

impl Table for Differences {
    fn find(&self, _: &str, path: &str) -> Option<Fetch> {
        let (_, file) = split(path);
        let found = self.0.find("", file)?;
        Some(Fetch {
            url: paths::url(path),
            ..found
        })
    }

    fn named(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn weight(&self) -> usize {
        self.0.weight()
    }
}

#[cfg(test)]
mod tests;
