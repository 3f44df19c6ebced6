//! Lengths of time.

use std::str::FromStr;

/// A length of time in seconds: `300`, `5m`, `12h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub u64);

/// The seconds of a count with its unit; `None` if it is something else.
pub(crate) fn counted(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    Some(count(&text[..text.len() - 1])? * unit)
}

fn count(text: &str) -> Option<u64> {
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

impl FromStr for Span {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        counted(text)
            .or_else(|| count(text))
            .map(Self)
            .ok_or("write seconds (300) or a time with its unit (30s, 5m, 12h, 7d)")
    }
}

#[cfg(test)]
mod tests;
