//! Limits of quotas.

use larder_api::Patch;
use larder_model::size;
use std::str::FromStr;

/// Bytes at most: `10GiB`, `500MB`, `1048576`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteLimit(Option<u64>);

/// So many at most: a count, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountLimit(Option<u64>);

/// The word for no limit.
const NONE: &str = "none";

fn bytes(text: &str) -> Option<u64> {
    let (count, unit) = size::split(text);
    count.parse::<u64>().ok()?.checked_mul(unit)
}

impl FromStr for ByteLimit {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(None));
        }
        let limit = bytes(text).ok_or("write a size with its unit (500MB, 10GiB), or none")?;
        Ok(Self(Some(limit)))
    }
}

impl FromStr for CountLimit {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(None));
        }
        let limit = text.parse().map_err(|_| "write a count, or none")?;
        Ok(Self(Some(limit)))
    }
}

impl ByteLimit {
    /// The limit; `None`: there is none.
    pub(crate) const fn limit(self) -> Option<u64> {
        self.0
    }

    /// What an option that may be absent changes.
    pub(crate) fn patch(given: Option<Self>) -> Patch<u64> {
        given.map_or(Patch::Keep, |limit| {
            limit.0.map_or(Patch::Remove, Patch::Set)
        })
    }
}

impl CountLimit {
    /// The limit; `None`: there is none.
    pub(crate) const fn limit(self) -> Option<u64> {
        self.0
    }

    /// What an option that may be absent changes.
    pub(crate) fn patch(given: Option<Self>) -> Patch<u64> {
        given.map_or(Patch::Keep, |limit| {
            limit.0.map_or(Patch::Remove, Patch::Set)
        })
    }
}

#[cfg(test)]
mod tests;
