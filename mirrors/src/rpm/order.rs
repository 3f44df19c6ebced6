//! The order of editions, as rpm has it (`rpmvercmp`): numbers by value, words by their bytes, a
//! number above a word, `~` below everything and `^` above the end.

use crate::releases::Numbered;
use std::cmp::Ordering;

/// An edition: `epoch:version-release.arch`.
pub(super) struct Edition {
    epoch: u64,
    version: String,
    release: String,
}

/// Reads an edition; `None` if it is none.
pub(super) fn read(text: &str) -> Option<Numbered<Edition>> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().ok()?, rest),
        None => (0, text),
    };
    let (rest, _arch) = rest.rsplit_once('.')?;
    let (version, release) = rest.rsplit_once('-')?;
    let mut numbers = version.split(['.', '_', '~', '^', '+']).map(leading);
    Some(Numbered {
        major: (epoch, numbers.next()??),
        minor: numbers.next().flatten().unwrap_or_default(),
        is_prerelease: version.contains('~'),
        key: Edition {
            epoch,
            version: version.to_owned(),
            release: release.to_owned(),
        },
    })
}

/// The number that a part begins with.
fn leading(part: &str) -> Option<u64> {
    let end = part.find(|char: char| !char.is_ascii_digit());
    part[..end.unwrap_or(part.len())].parse().ok()
}

/// Which of two editions is higher.
pub(super) fn compare(one: &Edition, other: &Edition) -> Ordering {
    one.epoch
        .cmp(&other.epoch)
        .then_with(|| compare_texts(&one.version, &other.version))
        .then_with(|| compare_texts(&one.release, &other.release))
}

fn compare_texts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^');
    loop {
        one = &one[one.iter().position(is_part).unwrap_or(one.len())..];
        other = &other[other.iter().position(is_part).unwrap_or(other.len())..];
        match (one.first(), other.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (one, other) = (&one[1..], &other[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            // Above the end, below anything else.
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() != b.is_ascii_digit() => {
                return a.is_ascii_digit().cmp(&b.is_ascii_digit());
            }
            (Some(_), Some(_)) => {}
        }
        let ((a, rest_of_one), (b, rest_of_other)) = (take_run(one), take_run(other));
        let ordering = if a.first().is_some_and(u8::is_ascii_digit) {
            compare_numbers(a, b)
        } else {
            a.cmp(b)
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
        (one, other) = (rest_of_one, rest_of_other);
    }
}

/// The digits, or the letters, that a text begins with.
fn take_run(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.first().is_some_and(u8::is_ascii_digit);
    let is_same = |byte: &u8| byte.is_ascii_alphanumeric() && byte.is_ascii_digit() == digits;
    text.split_at(
        text.iter()
            .position(|byte| !is_same(byte))
            .unwrap_or(text.len()),
    )
}

fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().position(|byte| *byte != b'0');
    let one = significant(one).map_or(&[][..], |at| &one[at..]);
    let other = significant(other).map_or(&[][..], |at| &other[at..]);
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}
