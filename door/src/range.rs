//! Byte ranges (RFC 9110 14): one range is answered, several or strange ones get the whole.

use std::ops::Range;

/// What a `Range` header asks of a body of known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeRequest {
    /// All of it: there is no range, or none that is understood.
    Whole,
    /// This part; never empty.
    Part(Range<u64>),
    /// A range that lies outside.
    Outside,
}

/// Reads a `Range` header.
pub fn wanted(header: &str, size: u64) -> RangeRequest {
    let Some(spec) = header.trim().strip_prefix("bytes=") else {
        return RangeRequest::Whole;
    };
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
