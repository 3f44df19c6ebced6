//! Retention: what rules let go of repositories, told beforehand or done by a job.
//!
//! Each package is looked at by itself, at a revision. What goes is removed in commits that require
//! that revision and the job: of a package that changes meanwhile all is decided once more.
//!
//! A mirror is looked at as a whole, and more than one where a budget is theirs together; what goes is
//! read once more, and goes only as it is then.

mod seam;
mod look;
mod units;
mod mirror;
mod preview;
mod run;
mod run_mirrors;

pub use preview::{Preview, PreviewItem, Previews};
pub use run::{BUDGET, EvictedCount, Retention};
pub use seam::{Bonds, PackageVersions, Removed, VersionRemoval};

#[cfg(test)]
mod tests;
