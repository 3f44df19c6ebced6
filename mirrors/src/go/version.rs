//! Versions of modules: semantic versions with a `v` before them (golang.org/x/mod/semver), of which
//! some stand for commits without a tag.

use super::paths::split_major;
use crate::releases::Numbered;
use semver::Version as Semver;
use std::cmp::Ordering;

/// What the version of a module without a `go.mod` has behind it from version 2 on.
pub(super) const INCOMPATIBLE: &str = "incompatible";
/// The digits of a time in a version that stands for a commit.
const TIME_DIGITS: usize = 14;

/// A version in its only spelling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Version {
    semver: Semver,
}

impl Version {
    /// Reads a canonical version: `v1.2.3`, `v1.2.3-pre`, `v2.0.0+incompatible`. `None` for any other
    /// text, and for numbers that no program counts to.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('v')?;
        let semver = Semver::parse(rest).ok()?;
        let is_canonical = semver.build.is_empty() || semver.build.as_str() == INCOMPATIBLE;
        is_canonical.then_some(Self { semver })
    }

    /// Whether a path may have this version: its major version is the one that the path ends in.
    pub(super) fn fits(&self, path: &str) -> bool {
        let Some((_, major)) = split_major(path) else {
            return false;
        };
        let major = major.trim_end_matches("-unstable");
        let is_incompatible = !self.semver.build.is_empty();
        match major.trim_start_matches(['/', '.', 'v']) {
            "" => self.semver.major < 2 || is_incompatible,
            // An old bug that is there to stay.
            "1" if major.starts_with('.') && self.is_untagged_zero() => true,
            number => number == self.semver.major.to_string(),
        }
    }

    fn is_untagged_zero(&self) -> bool {
        let Semver {
            major,
            minor,
            patch,
            pre,
            ..
        } = &self.semver;
        (*major, *minor, *patch) == (0, 0, 0) && !pre.is_empty()
    }

    /// Its first number.
    pub(super) fn major(&self) -> u64 {
        self.semver.major
    }

    /// Whether a `go.mod` with this path is one of its major version: the path says so, from version 2 on.
    pub(super) fn is_major_of(&self, path: &str) -> bool {
        self.semver.build.is_empty() && self.fits(path)
    }

    /// Whether it is a release, which is preferred.
    pub(super) fn is_release(&self) -> bool {
        self.semver.pre.is_empty()
    }

    /// Whether it stands for a commit without a tag: a time and the commit's id stand at its end, as
    /// before the first version or before the next one. Such versions are in no list.
    pub(super) fn is_pseudo(&self) -> bool {
        let Some((before, commit)) = self.semver.pre.rsplit_once('-') else {
            return false;
        };
        let is_first = self.semver.minor == 0 && self.semver.patch == 0;
        let (start, time) = before.rsplit_once('.').unwrap_or(("", before));
        let is_place = match start {
            "" => is_first,
            start => start == "0" || start.ends_with(".0"),
        };
        is_place
            && !commit.is_empty()
            && commit.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && time.len() == TIME_DIGITS
            && time.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The order of versions; of those that differ in `+incompatible` alone, the one without it is
    /// lower.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let builds = || self.semver.build.cmp(&other.semver.build);
        self.semver.cmp_precedence(&other.semver).then_with(builds)
    }

    /// The same for lists of releases.
    pub(super) fn numbered(text: &str) -> Option<Numbered<Self>> {
        let version = Self::parse(text)?;
        Some(Numbered {
            major: (0, version.semver.major),
            minor: version.semver.minor,
            is_prerelease: !version.is_release(),
            key: version,
        })
    }
}

/// A version of a `go.mod`, as `1.21` or `1.21.0`; only to be told.
pub(super) fn is_language_version(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_digit());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    begins && text.len() <= 40 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests;
