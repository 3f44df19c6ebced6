//! Retention: what rules let go of repositories, told beforehand or done by a job.
//!
//! Each package is looked at by itself, at a revision. What goes is removed in commits that require
//! that revision and the job: of a package that changes meanwhile all is decided once more.

mod seam;
mod look;
mod preview;
mod run;

pub use preview::{Preview, PreviewItem, Previews};
pub use run::Retention;
pub use seam::{PackageVersions, Removed, VersionRemoval};

#[cfg(test)]
mod tests;
