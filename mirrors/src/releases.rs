//! What the names of versions say: their series, and which is higher.

use larder_model::Release;
use semver::Version;
use std::cmp::Ordering;

/// A version in the order of its protocol, with what it tells beside.
pub(crate) struct Numbered<T> {
    /// Epoch and major version.
    pub(crate) major: (u64, u64),
    /// The minor version.
    pub(crate) minor: u64,
    /// It comes before the release of its number.
    pub(crate) is_prerelease: bool,
    /// What it is compared by.
    pub(crate) key: T,
}

/// What versions say, in their order; `None` for what is no version. `read` reads one, `compare` says
/// which of two is higher.
pub(crate) fn ranked<T>(
    versions: &[&str],
    read: impl Fn(&str) -> Option<Numbered<T>>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<Option<Release>> {
    let numbered: Vec<Option<Numbered<T>>> = versions.iter().map(|text| read(text)).collect();
    let mut order: Vec<(usize, &T)> = numbered
        .iter()
        .enumerate()
        .filter_map(|(at, version)| Some((at, &version.as_ref()?.key)))
        .collect();
    order.sort_by(|(_, one), (_, other)| compare(one, other));
    let mut ranks = vec![0; versions.len()];
    let mut rank = 0;
    for (place, (at, key)) in order.iter().enumerate() {
        if place > 0 && compare(order[place - 1].1, key) != Ordering::Equal {
            rank = place;
        }
        ranks[*at] = rank;
    }
    let release = |(version, rank): (&Option<Numbered<T>>, usize)| {
        let version = version.as_ref()?;
        Some(Release {
            major: version.major,
            minor: version.minor,
            is_prerelease: version.is_prerelease,
            rank,
        })
    };
    numbered.iter().zip(ranks).map(release).collect()
}

/// The order of semantic versions (semver.org).
pub(crate) fn semantic(versions: &[&str]) -> Vec<Option<Release>> {
    ranked(
        versions,
        |text| Some(numbered(Version::parse(text).ok()?)),
        Version::cmp_precedence,
    )
}

/// Tags that look like versions: one to three numbers, with or without a `v` before them, and what
/// follows a `-` or a `+`. What is left out is 0, and `1.2.3-alpine` counts as a pre-release of `1.2.3`.
pub(crate) fn tags(versions: &[&str]) -> Vec<Option<Release>> {
    ranked(
        versions,
        |text| Some(numbered(tag(text)?)),
        Version::cmp_precedence,
    )
}

fn numbered(version: Version) -> Numbered<Version> {
    Numbered {
        major: (0, version.major),
        minor: version.minor,
        is_prerelease: !version.pre.is_empty(),
        key: version,
    }
}

fn tag(text: &str) -> Option<Version> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = text.find(['-', '+', '_']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts = numbers.split('.').map(number);
    let mut next = || parts.next().unwrap_or(Some(0));
    let (major, minor, patch) = (next()?, next()?, next()?);
    if parts.next().is_some() {
        return None;
    }
    let mut version = Version::new(major, minor, patch);
    // Helm writes `+` as `_` in tags.
    let (before, build) = match rest.split_once(['+', '_']) {
        Some((before, build)) => (before, build),
        None => (rest, ""),
    };
    if let Some(before) = before.strip_prefix('-') {
        // Identifiers of tags may be what semver does not allow, as `-01`: then they are one word.
        version.pre = semver::Prerelease::new(before)
            .or_else(|_| semver::Prerelease::new(&format!("x-{}", before.replace(['_', '+'], "-"))))
            .ok()?;
    }
    version.build = semver::BuildMetadata::new(build).unwrap_or(semver::BuildMetadata::EMPTY);
    Some(version)
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests;
