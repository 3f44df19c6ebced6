//! When a token ends: after a time or at a date.

use crate::span::counted;
use larder_model::Timestamp;
use std::str::FromStr;
use std::time::Duration;

const FORMS: &str = "write a time (12h, 30d, 52w) or a date (2030-01-31, 2030-01-31T12:00:00Z)";

/// When something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So long after now.
    After(Duration),
    /// At this moment.
    At(Timestamp),
}

impl Expiry {
    /// The moment, if it is `now`.
    pub(crate) fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            // Nobody needs the fraction of a second.
            Self::After(time) => Timestamp(now.after(time).seconds() * 1_000_000),
            Self::At(moment) => moment,
        }
    }
}

impl FromStr for Expiry {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        if let Ok(moment) = format!("{text}T00:00:00Z").parse() {
            return Ok(Self::At(moment));
        }
        let seconds = counted(text).filter(|seconds| *seconds > 0).ok_or(FORMS)?;
        Ok(Self::After(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests;
