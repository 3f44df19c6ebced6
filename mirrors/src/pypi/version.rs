//! Versions and their order (packaging specifications, "Version specifiers").

use crate::releases::Numbered;
use std::cmp::Ordering;
use std::fmt;

/// The longest version that is read.
const MAX_BYTES: usize = 128;
const SEPARATORS: [char; 3] = ['-', '_', '.'];
/// Names of pre-releases, the longer ones first, with their rank.
const BEFORE: [(&str, u8); 8] = [
    ("alpha", 1),
    ("a", 1),
    ("beta", 2),
    ("b", 2),
    ("preview", 3),
    ("pre", 3),
    ("rc", 3),
    ("c", 3),
];
const AFTER: [(&str, u8); 3] = [("post", 0), ("rev", 0), ("r", 0)];
const UNDERWAY: [(&str, u8); 1] = [("dev", 0)];

/// A part of the local version, which follows `+`; words sort before numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    Word(String),
    Number(u64),
}

impl Label {
    /// Reads a part of a local version; `None` if it is invalid.
    fn read(part: &str) -> Option<Self> {
        let mut digits = part;
        if let Some(number) = take_number(&mut digits).filter(|_| digits.is_empty()) {
            return Some(Self::Number(number));
        }
        let is_word = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_word.then(|| Self::Word(part.to_owned()))
    }
}

/// A version; `1.0` and `1.0.0` are equal. Its text is in normal form.
#[derive(Clone, Debug)]
pub(super) struct Version {
    epoch: u64,
    release: Vec<u64>,
    before: Option<(u8, u64)>,
    after: Option<u64>,
    underway: Option<u64>,
    local: Vec<Label>,
}

impl Version {
    /// Reads a version in any spelling.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES || !text.is_ascii() {
            return None;
        }
        let text = text.to_ascii_lowercase();
        let (public, local) = text
            .split_once('+')
            .map_or((&*text, None), |(public, local)| (public, Some(local)));
        let mut rest = public.strip_prefix('v').unwrap_or(public);
        // The epoch: `1!`.
        let mut epoch = 0;
        if let Some((number, after)) = rest.split_once('!') {
            let mut digits = number;
            epoch = take_number(&mut digits).filter(|_| digits.is_empty())?;
            rest = after;
        }
        // The release: `1.2.3`.
        let mut release = vec![take_number(&mut rest)?];
        while let Some(mut after) = rest.strip_prefix('.')
            && let Some(number) = take_number(&mut after)
        {
            release.push(number);
            rest = after;
        }
        // The prerelease, and the postrelease, which may be a bare `-1`.
        let before = take_word(&mut rest, &BEFORE)?;
        let mut implicit = rest.strip_prefix('-').unwrap_or_default();
        let after = match take_number(&mut implicit) {
            Some(number) => {
                rest = implicit;
                Some(number)
            }
            None => take_word(&mut rest, &AFTER)?.map(|(_, number)| number),
        };
        let underway = take_word(&mut rest, &UNDERWAY)?.map(|(_, number)| number);
        let local = local.map_or(Some(Vec::new()), |local| {
            local.split(SEPARATORS).map(Label::read).collect()
        })?;
        rest.is_empty().then_some(Self {
            epoch,
            release,
            before,
            after,
            underway,
            local,
        })
    }

    /// A version with its series; `None` if the text is no version.
    pub(super) fn numbered(text: &str) -> Option<Numbered<Self>> {
        let version = Self::parse(text)?;
        let part = |at: usize| version.release.get(at).copied().unwrap_or_default();
        Some(Numbered {
            major: (version.epoch, part(0)),
            minor: part(1),
            is_prerelease: version.before.is_some() || version.underway.is_some(),
            key: version,
        })
    }

    /// A text that is the same for all spellings of it.
    pub(super) fn same(&self) -> String {
        format!("{:?}", self.key())
    }

    /// The key by which versions are ordered.
    fn key(&self) -> impl Ord + fmt::Debug {
        let zeros = self
            .release
            .iter()
            .rev()
            .take_while(|number| **number == 0)
            .count();
        let release = self.release[..self.release.len() - zeros].to_vec();
        // A development release of the release itself sorts before all pre-releases.
        let before = self.before.unwrap_or(match (self.after, self.underway) {
            (None, Some(_)) => (0, 0),
            _ => (u8::MAX, 0),
        });
        let underway = self.underway.map_or((1, 0), |number| (0, number));
        (
            self.epoch,
            release,
            before,
            self.after,
            underway,
            self.local.clone(),
        )
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != 0 {
            write!(f, "{}!", self.epoch)?;
        }
        for (at, number) in self.release.iter().enumerate() {
            write!(f, "{}{number}", if at == 0 { "" } else { "." })?;
        }
        if let Some((rank, number)) = self.before {
            write!(
                f,
                "{}{number}",
                ["a", "b", "rc"][usize::from(rank.clamp(1, 3) - 1)]
            )?;
        }
        for (word, number) in [("post", self.after), ("dev", self.underway)] {
            if let Some(number) = number {
                write!(f, ".{word}{number}")?;
            }
        }
        for (at, label) in self.local.iter().enumerate() {
            f.write_str(if at == 0 { "+" } else { "." })?;
            match label {
                Label::Word(word) => f.write_str(word)?,
                Label::Number(number) => write!(f, "{number}")?,
            }
        }
        Ok(())
    }
}

/// Takes the digits at the beginning; `None` if there are none, or too many for any version in use.
fn take_number(rest: &mut &str) -> Option<u64> {
    let end = rest
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(rest.len());
    let number = rest[..end].parse().ok()?;
    *rest = &rest[end..];
    Some(number)
}

/// Takes one of the words and its number, if one comes next; the outer `None` if the number cannot
/// be read.
#[expect(
    clippy::option_option,
    reason = "no word is a success too; only a number that is too large is a failure"
)]
fn take_word(rest: &mut &str, words: &[(&str, u8)]) -> Option<Option<(u8, u64)>> {
    let inner = rest.strip_prefix(SEPARATORS).unwrap_or(rest);
    let Some((rank, after)) = words
        .iter()
        .find_map(|(word, rank)| Some((*rank, inner.strip_prefix(word)?)))
    else {
        return Some(None);
    };
    let mut digits = after.strip_prefix(SEPARATORS).unwrap_or(after);
    let mut number = 0;
    *rest = after;
    if digits.starts_with(|first: char| first.is_ascii_digit()) {
        number = take_number(&mut digits)?;
        *rest = digits;
    }
    Some(Some((rank, number)))
}

#[cfg(test)]
mod tests;
