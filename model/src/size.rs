//! Sizes as people write them: a number with its unit.

/// Bytes of each unit, the larger ones first.
pub const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// A size as a whole number of the largest unit of which it is a multiple, and that unit.
pub fn in_units(bytes: u64) -> (u64, &'static str) {
    let exact = UNITS
        .into_iter()
        .find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor));
    let (unit, factor) = exact.unwrap_or(("B", 1));
    (bytes / factor, unit)
}

/// The number in front of a unit, and the bytes of that unit; without a unit they are bytes.
pub fn split(text: &str) -> (&str, u64) {
    let unit = UNITS.iter().find_map(|(name, factor)| {
        let count = text.strip_suffix(name)?;
        Some((count, *factor))
    });
    unit.unwrap_or((text, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_split_and_put_together() {
        for (text, count, factor) in [
            ("10GiB", "10", 1 << 30),
            ("10 GB", "10 ", 1_000_000_000),
            ("7B", "7", 1),
            ("7", "7", 1),
            ("GB", "", 1_000_000_000),
        ] {
            assert_eq!(split(text), (count, factor), "{text}");
        }
        for (bytes, written) in [
            (0, (0, "B")),
            (999, (999, "B")),
            (10 << 30, (10, "GiB")),
            (3_000_000, (3, "MB")),
            (1 << 20, (1, "MiB")),
        ] {
            assert_eq!(in_units(bytes), written);
        }
    }
}
