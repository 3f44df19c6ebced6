//! How long things took: counts within bounds, from which quantiles are told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of all but the last count, in microseconds.
pub const BOUNDS: [u64; 12] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    300_000_000,
];
const COUNTS: usize = BOUNDS.len() + 1;

/// The parts of a distribution, as a database keeps them: how many were within each bound and not
/// within the one before, and the sum in microseconds.
pub const PARTS: [&str; COUNTS + 1] = [
    "500",
    "1000",
    "2500",
    "5000",
    "10000",
    "50000",
    "100000",
    "500000",
    "1000000",
    "5000000",
    "30000000",
    "300000000",
    "more",
    "sum",
];

/// Durations that are counted while they come, by any number of threads.
#[derive(Debug, Default)]
pub struct Durations {
    counts: [AtomicU64; COUNTS],
    micros: AtomicU64,
}

impl Durations {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS.partition_point(|bound| *bound < micros);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            counts: self.counts.each_ref().map(|it| it.load(Ordering::Relaxed)),
            micros: self.micros.load(Ordering::Relaxed),
        }
    }
}

/// Durations that were counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Distribution {
    counts: [u64; COUNTS],
    micros: u64,
}

impl Distribution {
    /// Its parts, by the names of [`PARTS`].
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let values = self.counts.into_iter().chain([self.micros]);
        PARTS.into_iter().zip(values)
    }

    /// Adds to one of [`PARTS`]; whether it is one.
    pub fn add(&mut self, part: &str, value: u64) -> bool {
        let Some(at) = PARTS.iter().position(|known| *known == part) else {
            return false;
        };
        let known = self.counts.get_mut(at).unwrap_or(&mut self.micros);
        *known = known.saturating_add(value);
        true
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All together.
    pub const fn sum(&self) -> Duration {
        Duration::from_micros(self.micros)
    }

    /// How long one took on average; `None`: there was none.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.micros.checked_div(self.count());
        mean.map(Duration::from_micros)
    }

    /// How long the fastest so many of a thousand took at most, as far as the bounds tell: within a
    /// bound durations are taken to be spread evenly. `None`: there was none.
    pub fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let all = u128::from(self.count());
        // The place of the one that is meant, in thousandths, from 0.
        let place = all * u128::from(per_mille.min(1000));
        let (mut before, mut lower) = (0_u128, 0);
        for (at, count) in self.counts.iter().enumerate() {
            let upper = BOUNDS.get(at).copied().unwrap_or(lower);
            let within = u128::from(*count) * 1000;
            if within > 0 && before + within >= place {
                let part = u128::from(upper - lower) * (place - before) / within;
                return Some(Duration::from_micros(
                    lower + u64::try_from(part).unwrap_or_default(),
                ));
            }
            before += within;
            lower = upper;
        }
        None
    }
}

#[cfg(test)]
mod tests;
