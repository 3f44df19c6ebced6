//! The order of versions, as dpkg has it: `epoch:upstream-revision`, in which numbers are compared by
//! value, letters come before all else, and `~` before the end.

use crate::releases::Numbered;
use std::cmp::Ordering;

/// A version.
pub(super) struct Version {
    epoch: u64,
    upstream: String,
    revision: String,
}

/// Reads a version; `None` if it is none.
pub(super) fn read(text: &str) -> Option<Numbered<Version>> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().ok()?, rest),
        None => (0, text),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let mut numbers = upstream.split(['.', '~', '+', '-']).map(leading);
    Some(Numbered {
        major: (epoch, numbers.next()??),
        minor: numbers.next().flatten().unwrap_or_default(),
        is_prerelease: upstream.contains('~'),
        key: Version {
            epoch,
            upstream: upstream.to_owned(),
            revision: revision.to_owned(),
        },
    })
}

/// Whether a text can be a version: one that all programs read alike.
pub(super) fn is_version(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+~-".contains(&byte);
    let is_epoch =
        epoch.len() <= 9 && !epoch.is_empty() && epoch.bytes().all(|it| it.is_ascii_digit());
    let begins = rest
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_digit());
    is_epoch && begins && rest.len() <= 200 && rest.bytes().all(plain)
}

/// The number that a part begins with.
fn leading(part: &str) -> Option<u64> {
    let end = part.find(|char: char| !char.is_ascii_digit());
    part[..end.unwrap_or(part.len())].parse().ok()
}

/// Which of two versions is higher.
pub(super) fn compare(one: &Version, other: &Version) -> Ordering {
    one.epoch
        .cmp(&other.epoch)
        .then_with(|| compare_texts(&one.upstream, &other.upstream))
        .then_with(|| compare_texts(&one.revision, &other.revision))
}

/// The place of a byte among those that are no digits.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(digit) if digit.is_ascii_digit() => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

fn compare_texts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while !one.is_empty() || !other.is_empty() {
        // What is no number, byte by byte,
        let is_word = |text: &[u8]| text.first().is_some_and(|byte| !byte.is_ascii_digit());
        while is_word(one) || is_word(other) {
            let order = weight(one.first()).cmp(&weight(other.first()));
            if order != Ordering::Equal {
                return order;
            }
            one = one.get(1..).unwrap_or_default();
            other = other.get(1..).unwrap_or_default();
        }
        // then a number by its value.
        let (first, rest) = number(one);
        let (second, its_rest) = number(other);
        let order = first
            .len()
            .cmp(&second.len())
            .then_with(|| first.cmp(second));
        if order != Ordering::Equal {
            return order;
        }
        (one, other) = (rest, its_rest);
    }
    Ordering::Equal
}

/// The digits at the beginning, without zeros before them, and the rest.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests;
