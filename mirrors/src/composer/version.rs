//! Versions, as Composer reads them (`Composer\Semver\VersionParser`): a text becomes its normal form,
//! by which versions are compared.

use crate::releases::Numbered;
use larder_model::Release;

/// Longer texts are no versions.
const MAX_BYTES: usize = 200;
/// Parts of a classical version.
const PARTS: usize = 4;
/// What stands for a part of a branch that is open.
const OPEN: &str = "9999999";
/// Branches that may be named without their prefix.
const DEFAULT_BRANCHES: [&str; 3] = ["master", "trunk", "default"];
/// What may follow the numbers, with its normal spelling. Of two that fit the first counts.
const STAGES: [(&str, Stage); 9] = [
    ("stable", Stage::Stable),
    ("beta", Stage::Beta),
    ("b", Stage::Beta),
    ("rc", Stage::Candidate),
    ("alpha", Stage::Alpha),
    ("a", Stage::Alpha),
    ("patch", Stage::Patch),
    ("pl", Stage::Patch),
    ("p", Stage::Patch),
];

/// How far a version is, in its order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    Alpha,
    Beta,
    Candidate,
    Stable,
    Patch,
}

impl Stage {
    const fn word(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Candidate => "RC",
            Self::Stable => "stable",
            Self::Patch => "patch",
        }
    }
}

/// The normal form of a version; `None` if Composer takes the text for none.
pub(super) fn normalized(version: &str) -> Option<String> {
    let mut version = version.trim();
    if version.is_empty() || version.len() > MAX_BYTES {
        return None;
    }
    version = without_alias(version);
    version = without_flag(version);
    if DEFAULT_BRANCHES.contains(&version) {
        return Some(format!("dev-{version}"));
    }
    if let Some(branch) = without_prefix(version, "dev-") {
        return Some(format!("dev-{branch}"));
    }
    version = without_build(version);
    if let Some(normal) = classical(version).or_else(|| dated(version)) {
        return Some(normal);
    }
    let branch = version.len().checked_sub(3).and_then(|at| {
        let (branch, end) = (version.get(..at)?, version.get(at..)?);
        end.eq_ignore_ascii_case("dev").then_some(branch)
    })?;
    numeric_branch(branch.strip_suffix(['.', '-']).unwrap_or(branch))
}

/// Whether a version is one of a branch, which moves. Such stand in a document of their own.
pub(super) fn is_branch(version: &str) -> bool {
    let normal = normalized(version);
    let normal = normal.as_deref().unwrap_or(version);
    normal.starts_with("dev-") || normal.ends_with("-dev")
}

/// What the names of versions say. Branches are none.
pub(super) fn releases(versions: &[&str]) -> Vec<Option<Release>> {
    crate::releases::ranked(versions, numbered, Ord::cmp)
}

/// By what versions are compared: their numbers, how far they are, and the numbers of that.
type Key = (Vec<u64>, Stage, Vec<u64>);

fn numbered(version: &str) -> Option<Numbered<Key>> {
    let normal = normalized(version)?;
    if normal.starts_with("dev-") || normal.ends_with("-dev") {
        return None;
    }
    let (numbers, stage) = normal.split_once('-').unwrap_or((&normal, ""));
    let numbers: Vec<u64> = numbers.split('.').map(number).collect();
    let word_end = stage.find(|char: char| char.is_ascii_digit());
    let (word, rest) = stage.split_at(word_end.unwrap_or(stage.len()));
    let found = STAGES.iter().find(|(_, stage)| stage.word() == word);
    let stage = found.map_or(Stage::Stable, |(_, stage)| *stage);
    let rest = rest.split(['.', '-']).filter(|part| !part.is_empty());
    Some(Numbered {
        major: (0, numbers.first().copied().unwrap_or_default()),
        minor: numbers.get(1).copied().unwrap_or_default(),
        is_prerelease: stage < Stage::Stable,
        key: (numbers, stage, rest.map(number).collect()),
    })
}

/// A number; one that is too large is as large as can be.
fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

/// `1.0.x-dev as 1.0.0` without what it is an alias of.
fn without_alias(version: &str) -> &str {
    let is_word = |text: &str| !text.is_empty() && !text.contains([',', ' ', '\t']);
    match version.split_once(" as ") {
        Some((one, other)) if is_word(one.trim()) && is_word(other.trim()) => one.trim(),
        _ => version,
    }
}

/// `1.0@beta` without its stability.
fn without_flag(version: &str) -> &str {
    let flags = ["stable", "rc", "beta", "alpha", "dev"];
    match version.rsplit_once('@') {
        Some((before, flag)) if flags.iter().any(|it| it.eq_ignore_ascii_case(flag)) => before,
        _ => version,
    }
}

/// `1.0+build` without its build.
fn without_build(version: &str) -> &str {
    let is_plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    match version.split_once('+') {
        Some((before, build)) if is_plain(before) && is_plain(build) && !before.contains(',') => {
            before
        }
        _ => version,
    }
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// Text after its first digits, and those; at most so many.
fn digits(text: &str, max: usize) -> (&str, &str) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let count = text.bytes().take_while(is_digit).count().min(max);
    text.split_at(count)
}

fn without_v(version: &str) -> &str {
    version.strip_prefix(['v', 'V']).unwrap_or(version)
}

/// One to four numbers, and what follows them.
fn classical(version: &str) -> Option<String> {
    let (first, mut rest) = digits(without_v(version), 5);
    if first.is_empty() {
        return None;
    }
    let mut normal = first.to_owned();
    let mut parts = 1;
    while parts < PARTS {
        let Some((part, after)) = rest.strip_prefix('.').map(|rest| digits(rest, usize::MAX))
        else {
            break;
        };
        if part.is_empty() {
            break;
        }
        normal.push('.');
        normal.push_str(part);
        (rest, parts) = (after, parts + 1);
    }
    for _ in parts..PARTS {
        normal.push_str(".0");
    }
    modified(normal, rest)
}

/// A date, perhaps with a time, and what follows it.
fn dated(version: &str) -> Option<String> {
    let version = without_v(version);
    let (year, after) = digits(version, 4);
    if year.len() < 4 {
        return None;
    }
    // The ends that the groups of two digits may have, the last one first.
    let mut ends = Vec::new();
    let mut rest = after;
    while ends.len() < 6 {
        let bare = rest.strip_prefix(['.', ':', '-']).unwrap_or(rest);
        let (group, next) = digits(bare, 2);
        if group.len() < 2 {
            break;
        }
        ends.push(next);
        rest = next;
    }
    for end in ends.iter().rev() {
        let bare = end.strip_prefix(['.', ':', '-']).unwrap_or(end);
        let (last, _) = digits(bare, 3);
        let tails = (1..=last.len()).rev().map(|count| &bare[count..]);
        for tail in tails.chain([*end]) {
            let date = &version[..version.len() - tail.len()];
            let normal = date.replace(|char: char| !char.is_ascii_digit(), ".");
            if let Some(normal) = modified(normal, tail) {
                return Some(normal);
            }
        }
    }
    None
}

/// Numbers with the stage that the rest of a version tells; `None` if that is none.
fn modified(mut normal: String, rest: &str) -> Option<String> {
    let rest = rest.to_ascii_lowercase();
    let rest = rest.strip_prefix(['.', '_', '-']).unwrap_or(&rest);
    if let Some(is_dev) = dev(rest) {
        if is_dev {
            normal.push_str("-dev");
        }
        return Some(normal);
    }
    for (word, stage) in STAGES {
        let Some(after) = rest.strip_prefix(word) else {
            continue;
        };
        let mut end = after;
        loop {
            let bare = end.strip_prefix(['.', '-']).unwrap_or(end);
            let (number, next) = digits(bare, usize::MAX);
            if number.is_empty() {
                break;
            }
            end = next;
        }
        let Some(is_dev) = dev(end) else { continue };
        if stage == Stage::Stable {
            return Some(normal);
        }
        let numbers = &after[..after.len() - end.len()];
        normal.push('-');
        normal.push_str(stage.word());
        normal.push_str(numbers.trim_start_matches(['.', '-']));
        if is_dev {
            normal.push_str("-dev");
        }
        return Some(normal);
    }
    None
}

/// Whether the end of a version says that it is of a branch; `None` if it says something else.
fn dev(end: &str) -> Option<bool> {
    match end {
        "" => Some(false),
        "dev" | "-dev" | ".dev" => Some(true),
        _ => None,
    }
}

/// The normal form of a branch whose name is a number with open parts.
fn numeric_branch(branch: &str) -> Option<String> {
    let parts: Vec<&str> = without_v(branch.trim()).split('.').collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_open = |part: &str| matches!(part, "x" | "X" | "*");
    let (first, others) = parts.split_first()?;
    if parts.len() > PARTS
        || !is_number(first)
        || !others.iter().all(|part| is_number(part) || is_open(part))
    {
        return None;
    }
    let part = |at: usize| {
        let part = parts.get(at).copied();
        part.filter(|part| is_number(part)).unwrap_or(OPEN)
    };
    let all: Vec<&str> = (0..PARTS).map(part).collect();
    Some(format!("{}-dev", all.join(".")))
}

#[cfg(test)]
mod tests;
