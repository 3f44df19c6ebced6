//! Byte ranges (RFC 9110 14): strange ones get the whole.

use std::ops::Range;

/// Ranges of one request that are answered; of more than that the whole is given. Clients of layers
/// that are made to be read in parts ask for so many at once.
const MAX_RANGES: usize = 1024;

/// What a `Range` header asks of a body of known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeRequest {
    /// All of it: there is no range, or none that is understood.
    Whole,
    /// This part; never empty.
    Part(Range<u64>),
    /// These parts, in the order in which they are asked for; at least two, none of them empty, and
    /// no byte in two of them.
    Parts(Vec<Range<u64>>),
    /// No range that lies within.
    Outside,
}

impl RangeRequest {
    /// Whether the first byte is among what is wanted.
    pub fn has_first(&self) -> bool {
        match self {
            Self::Whole => true,
            Self::Part(part) => part.start == 0,
            Self::Parts(parts) => parts.iter().any(|part| part.start == 0),
            Self::Outside => false,
        }
    }
}

/// Reads a `Range` header.
pub fn wanted(header: &str, size: u64) -> RangeRequest {
    match header.trim().strip_prefix("bytes=") {
        None => RangeRequest::Whole,
        Some(specs) if specs.contains(',') => several(specs, size),
        Some(spec) => one(spec, size),
    }
}

/// Reads a list of ranges (RFC 9110 14.2): those that lie outside are left out.
fn several(specs: &str, size: u64) -> RangeRequest {
    let specs = specs.split(',').map(str::trim);
    let (mut parts, mut count) = (Vec::new(), 0);
    for spec in specs.filter(|spec| !spec.is_empty()) {
        count += 1;
        match one(spec, size) {
            _ if count > MAX_RANGES => return RangeRequest::Whole,
            RangeRequest::Part(part) => parts.push(part),
            RangeRequest::Outside => {}
            RangeRequest::Whole | RangeRequest::Parts(_) => return RangeRequest::Whole,
        }
    }
    let mut parts = joined(parts);
    match parts.pop() {
        None if count == 0 => RangeRequest::Whole,
        None => RangeRequest::Outside,
        Some(only) if parts.is_empty() => RangeRequest::Part(only),
        Some(last) => {
            parts.push(last);
            RangeRequest::Parts(parts)
        }
    }
}

/// Joins ranges that overlap, so that no request makes more of a body than there is. Those that only
/// touch stay apart: there are clients that count the parts.
fn joined(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = parts.into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, part)| part.start);
    let mut joined: Vec<(usize, Range<u64>)> = Vec::with_capacity(sorted.len());
    for (place, part) in sorted {
        match joined.last_mut() {
            Some((first, last)) if part.start < last.end => {
                last.end = last.end.max(part.end);
                *first = place.min(*first);
            }
            _ => joined.push((place, part)),
        }
    }
    joined.sort_by_key(|(place, _)| *place);
    joined.into_iter().map(|(_, part)| part).collect()
}

/// Reads one range.
fn one(spec: &str, size: u64) -> RangeRequest {
    let Some((first, last)) = spec.trim().split_once('-') else {
        return RangeRequest::Whole;
    };
    let number = |text: &str| -> Option<Option<u64>> {
        if text.is_empty() {
            return Some(None);
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Some(text.parse().unwrap_or(u64::MAX)))
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => {
            // A range that ends before it begins may be refused (RFC 9110 14.2), and clients that
            // send one want to know.
            if first >= size || last.is_some_and(|last| last < first) {
                return RangeRequest::Outside;
            }
            RangeRequest::Part(first..last.map_or(size, |last| size.min(last.saturating_add(1))))
        }
        (Some(None), Some(Some(length))) => match length.min(size) {
            0 => RangeRequest::Outside,
            length => RangeRequest::Part(size - length..size),
        },
        _ => RangeRequest::Whole,
    }
}

#[cfg(test)]
mod tests;
