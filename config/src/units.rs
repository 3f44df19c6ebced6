//! Durations and sizes: numbers that mean nothing without their unit.

use std::path::Path;
use std::time::Duration;

use crate::kind::{Kind, Wrong, quoted};
use crate::written::{Raw, Written};
use larder_model::{duration, size};

/// A century: longer waits overflow somebody's clock.
const LONGEST_MS: u64 = 36_500 * 86_400_000;

/// The largest size: what a signed column of a database holds.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// A duration of at least so many milliseconds.
pub struct Span<const MIN_MS: u64>;

impl<const MIN_MS: u64> Kind for Span<MIN_MS> {
    type Value = Duration;

    fn read(written: &Written, _: &Path) -> Result<Duration, Wrong> {
        const EXAMPLES: &str = "write e.g. \"30s\", \"5m\", \"2h\", \"7d\"";
        let ms = match measure(written, &duration::UNITS) {
            Measure::Of(ms) => ms,
            Measure::NoUnit(_) => {
                return Err(Wrong::value(written, &format!("has no unit; {EXAMPLES}")));
            }
            Measure::Malformed => {
                return Err(Wrong::value(
                    written,
                    &meant_duration(&text_of(written)).map_or_else(
                        || format!("is not a duration; {EXAMPLES}"),
                        |meant| format!("is not a duration; did you mean \"{meant}\"?"),
                    ),
                ));
            }
        };
        if ms < MIN_MS {
            let least = duration::text(Duration::from_millis(MIN_MS));
            return Err(Wrong::value(
                written,
                &format!("is too short; write at least \"{least}\""),
            ));
        }
        if ms > LONGEST_MS {
            return Err(Wrong::value(
                written,
                "is too long; write at most \"36500d\"",
            ));
        }
        Ok(Duration::from_millis(ms))
    }

    fn show(value: &Duration) -> String {
        quoted(duration::text(*value))
    }
}

/// A size of at least so many bytes.
pub struct Size<const MIN: u64>;

impl<const MIN: u64> Kind for Size<MIN> {
    type Value = u64;

    fn read(written: &Written, _: &Path) -> Result<u64, Wrong> {
        const EXAMPLES: &str = "write e.g. \"64KiB\", \"4MiB\", \"2GiB\", \"10GB\"";
        let bytes = match measure(written, &size::UNITS) {
            // Nothing is nothing in every unit.
            Measure::Of(bytes) | Measure::NoUnit(bytes @ 0) => bytes,
            Measure::NoUnit(_) => {
                return Err(Wrong::value(written, &format!("has no unit; {EXAMPLES}")));
            }
            Measure::Malformed => {
                let told = match meant_size(&text_of(written)).as_slice() {
                    [] => format!("is not a size; {EXAMPLES}"),
                    [meant] => format!("is not a size; did you mean \"{meant}\"?"),
                    [binary, decimal, ..] => format!(
                        "is not a size; did you mean \"{binary}\" (of 1024) or \"{decimal}\" (of 1000)?"
                    ),
                };
                return Err(Wrong::value(written, &told));
            }
        };
        if bytes < MIN {
            return Err(Wrong::value(
                written,
                &format!("is too small; write at least \"{}\"", show_size(MIN)),
            ));
        }
        if bytes > LARGEST {
            return Err(Wrong::value(
                written,
                "is too large; write at most \"8388607TiB\"",
            ));
        }
        Ok(bytes)
    }

    fn show(value: &u64) -> String {
        quoted(show_size(*value))
    }
}

/// A number, with its unit applied if it has one.
enum Measure {
    Of(u64),
    NoUnit(u64),
    Malformed,
}

/// Reads digits and a unit. What overflows is as large as can be, for the bounds to refuse.
fn measure(written: &Written, units: &[(&str, u64)]) -> Measure {
    let text = match &written.raw {
        Raw::Text(text) | Raw::Loose(text) | Raw::Bare(text) => text.as_str(),
        _ => return Measure::Malformed,
    };
    let (digits, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    if digits.is_empty() {
        return Measure::Malformed;
    }
    let number = digits.parse().unwrap_or(u64::MAX);
    match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => Measure::Of(number.saturating_mul(*factor)),
        None if unit.is_empty() => Measure::NoUnit(number),
        None => Measure::Malformed,
    }
}

/// The text of a value that has a unit.
fn text_of(written: &Written) -> String {
    match &written.raw {
        Raw::Text(text) | Raw::Loose(text) | Raw::Bare(text) => text.clone(),
        _ => String::new(),
    }
}

/// A number and, in small letters, what stands behind it.
fn number_and_word(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, word) = text.split_at(end);
    Some((digits.parse().ok()?, word.trim().to_ascii_lowercase()))
}

/// What was probably meant by a number and another word for a unit of time.
fn meant_duration(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text)?;
    let (factor, unit) = match word.as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => (1, "ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => (1, "s"),
        "m" | "min" | "mins" | "minute" | "minutes" => (1, "m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => (1, "h"),
        "d" | "day" | "days" => (1, "d"),
        "w" | "week" | "weeks" => (7, "d"),
        "y" | "year" | "years" => (365, "d"),
        _ => return None,
    };
    Some(format!("{}{unit}", number.checked_mul(factor)?))
}

/// What was probably meant by a number and another word for a unit of bytes: of a letter alone the
/// multiple of 1024, then that of 1000.
fn meant_size(text: &str) -> Vec<String> {
    let Some((number, word)) = number_and_word(text) else {
        return Vec::new();
    };
    if ["b", "byte", "bytes"].contains(&word.as_str()) {
        return vec![format!("{number}B")];
    }
    let known = size::UNITS.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == word || word.len() == 1 && name.len() > 1 && name.starts_with(&word)
    });
    known.map(|(name, _)| format!("{number}{name}")).collect()
}

/// A size in the unit that makes the smallest number of it.
fn show_size(bytes: u64) -> String {
    if bytes == 0 {
        return "0".to_owned();
    }
    let (number, unit) = size::in_units(bytes);
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests;
