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

/// A size for people, with one decimal of the largest binary unit that fits: `2.2 GiB`.
pub fn text(bytes: u64) -> String {
    let unit = UNITS
        .iter()
        .find(|(name, factor)| (name.ends_with("iB") || *name == "B") && bytes >= *factor);
    let (name, factor) = unit.unwrap_or(&("B", 1));
    let (whole, rest) = (bytes / factor, bytes % factor);
    // As a product of 128 bits, for ten times the rest may be more than fits.
    let tenth = u128::from(rest) * 10 / u128::from(*factor);
    match tenth {
        0 => format!("{whole} {name}"),
        _ => format!("{whole}.{tenth} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_with_one_decimal() {
        for (bytes, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1_600_000, "1.5 MiB"),
            (2_362_232_013, "2.2 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(text(bytes), told);
        }
    }

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
