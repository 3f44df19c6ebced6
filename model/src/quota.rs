//! Quotas: how much repositories may have, and what lacks where something does not fit.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest limit: programs that read JSON as floating point still read it exactly.
pub const MAX_LIMIT: u64 = (1 << 53) - 1;

/// How much is allowed at most; what is absent has no limit.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaLimits {
    /// Bytes of what is published, each digest of a repository once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Versions of packages, of images tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<u64>,
}

impl QuotaLimits {
    /// Whether there is no limit at all.
    pub const fn is_none(&self) -> bool {
        self.bytes.is_none() && self.versions.is_none()
    }

    /// A limit that is too large, by its field.
    pub fn too_large(&self) -> Option<&'static str> {
        let fields = [("bytes", self.bytes), ("versions", self.versions)];
        let found = fields
            .into_iter()
            .find(|(_, limit)| *limit > Some(MAX_LIMIT));
        found.map(|(field, _)| field)
    }
}

/// What a quota counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuotaUnit {
    /// Bytes.
    Bytes,
    /// Versions of packages, tags of images.
    Versions,
}

/// Something does not fit into a quota.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// The repository as `oci/team`, or the pattern of those that share the quota.
    pub of: Box<str>,
    /// Whether repositories share it.
    pub is_shared: bool,
    /// What lacks.
    pub unit: QuotaUnit,
    /// The limit.
    pub limit: u64,
    /// How much of it is used.
    pub used: u64,
    /// How much of it uploads hold that are not done.
    pub held: u64,
    /// How much more was to come.
    pub wanted: u64,
}

impl Shortage {
    /// How much is left.
    pub const fn left(&self) -> u64 {
        self.limit
            .saturating_sub(self.used)
            .saturating_sub(self.held)
    }
}

impl fmt::Display for Shortage {
    /// A sentence for whoever publishes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |count: u64| Amount(self.unit, count);
        let (of, limit, used) = (&self.of, amount(self.limit), amount(self.used));
        if self.is_shared {
            write!(f, "the quota that repositories {of} share is {limit}")?;
        } else {
            write!(f, "the quota of the repository {of} is {limit}")?;
        }
        write!(f, ": {used} used")?;
        if self.held > 0 {
            write!(
                f,
                ", {} held by uploads that are not done",
                amount(self.held)
            )?;
        }
        let (left, wanted) = (amount(self.left()), amount(self.wanted));
        write!(
            f,
            ", {left} left, and this needs {wanted} more; delete versions that are not needed, or ask \
             for a larger quota"
        )
    }
}

/// A count with its unit, for people: exact, and as they speak of it where it is long.
struct Amount(QuotaUnit, u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let Self(unit, count) = *self;
        if unit == QuotaUnit::Versions {
            return write!(f, "{count} version{}", if count == 1 { "" } else { "s" });
        }
        write!(f, "{count} byte{}", if count == 1 { "" } else { "s" })?;
        let Some((bits, name)) = UNITS.into_iter().find(|(bits, _)| count >> bits > 0) else {
            return Ok(());
        };
        let (whole, rest) = (count >> bits, count & ((1 << bits) - 1));
        write!(f, " ({whole}.{} {name})", (rest * 10) >> bits)
    }
}

#[cfg(test)]
mod tests;
