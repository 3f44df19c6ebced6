//! Sizes as people write them.

use larder_model::{Problem, size};

/// As pages write the unit that is `KB` elsewhere.
const KILOBYTE: &str = "kB";

/// The bytes of `10 GB`, `1.5GiB` or `4096`; `None`: nothing was written.
pub(crate) fn read(field: &'static str, text: &str) -> Result<Option<u64>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || {
        Problem::invalid(
            field,
            format!("`{text}` is no size: write one as 10 GB or 500 MiB"),
        )
    };
    let (count, unit) = match text.strip_suffix(KILOBYTE) {
        Some(count) => (count, 1000),
        None => size::split(text),
    };
    let count = count.trim_end();
    let (whole, part) = count.split_once('.').unwrap_or((count, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let bytes = whole
        .parse::<u64>()
        .ok()
        .and_then(|it| it.checked_mul(unit));
    // Millionths of the unit, so that no part is rounded before it is multiplied.
    let millionths: u128 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let rest = u64::try_from(millionths * u128::from(unit) / 1_000_000).map_err(|_| wrong())?;
    let bytes = bytes.and_then(|bytes| bytes.checked_add(rest));
    bytes.map(Some).ok_or_else(wrong)
}

/// Bytes so that they are read as what they are: in the largest unit of which they are a multiple.
pub(crate) fn write(bytes: u64) -> String {
    let (number, unit) = size::in_units(bytes);
    let unit = if unit == "KB" { KILOBYTE } else { unit };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [
            ("10 GB", 10_000_000_000),
            ("10GiB", 10 << 30),
            ("1.5 GiB", 3 << 29),
            ("4096", 4096),
            ("0", 0),
            ("12 B", 12),
        ] {
            let read = read("bytes", text).expect("a size").expect("given");
            assert_eq!(read, bytes, "{text}");
            assert_eq!(
                super::read("bytes", &write(bytes)).expect("a size"),
                Some(bytes)
            );
        }
        assert_eq!(read("bytes", "  ").expect("nothing"), None);
        for wrong in ["x", "GB", "-1", "1.2.3", "1 XB", "99999999999 TB", "1,5 GB"] {
            assert!(read("bytes", wrong).is_err(), "{wrong}");
        }
    }
}
