use super::*;
use crate::fault::Place;

fn read<K: Kind>(text: &str) -> Result<K::Value, String> {
    K::read(&Written::loose(Place::Default, text), Path::new(""))
        .map_err(|Wrong(faults)| faults[0].text.clone())
}

#[test]
fn durations_are_read_and_shown() {
    for (text, ms, shown) in [
        ("500ms", 500, "500ms"),
        ("30s", 30_000, "30s"),
        ("5m", 300_000, "5m"),
        ("2h", 7_200_000, "2h"),
        ("7d", 604_800_000, "7d"),
        ("90s", 90_000, "90s"),
        ("120s", 120_000, "2m"),
        ("24h", 86_400_000, "1d"),
        ("0s", 0, "0s"),
        ("36500d", LONGEST_MS, "36500d"),
    ] {
        let duration = read::<Span<0>>(text).expect(text);
        assert_eq!(duration, Duration::from_millis(ms));
        assert_eq!(duration::text(duration), shown);
    }
}

#[test]
fn sizes_are_read_and_shown() {
    for (text, bytes, shown) in [
        ("0", 0, "0"),
        ("1B", 1, "1B"),
        ("1000B", 1000, "1KB"),
        ("64KiB", 65_536, "64KiB"),
        ("4MiB", 4_194_304, "4MiB"),
        ("2GiB", 2_147_483_648, "2GiB"),
        ("10GB", 10_000_000_000, "10GB"),
        ("1TiB", 1 << 40, "1TiB"),
        ("1024KiB", 1 << 20, "1MiB"),
        ("8388607TiB", 8_388_607 << 40, "8388607TiB"),
    ] {
        let size = read::<Size<0>>(text).expect(text);
        assert_eq!(size, bytes);
        assert_eq!(show_size(size), shown);
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        "s",
        "30",
        "0",
        "-5s",
        "5 m",
        "1.5h",
        "10 parsecs",
        "5M",
        "1h30m",
        "36501d",
        "99999999999999999999d",
    ] {
        assert!(read::<Span<0>>(text).is_err(), "{text}");
    }
    for text in [
        "",
        "MiB",
        "30",
        "-1MiB",
        "4 MiB",
        "1.5GiB",
        "4mib",
        "4M",
        "8388608TiB",
        "99999999999999999999TiB",
    ] {
        assert!(read::<Size<0>>(text).is_err(), "{text}");
    }
}

#[test]
fn bounds_name_themselves() {
    assert_eq!(
        read::<Span<60_000>>("59s").expect_err("short"),
        "\"59s\" is too short; write at least \"1m\""
    );
    assert_eq!(
        read::<Size<{ 4 << 20 }>>("4MB").expect_err("small"),
        "\"4MB\" is too small; write at least \"4MiB\""
    );
}

#[test]
fn what_was_meant_by_other_units_is_told() {
    for (text, meant) in [
        ("5 m", "5m"),
        ("5min", "5m"),
        ("30 seconds", "30s"),
        ("30S", "30s"),
        ("2w", "14d"),
        ("1 Year", "365d"),
    ] {
        let said = read::<Span<0>>(text).expect_err(text);
        let told = format!("{text:?} is not a duration; did you mean \"{meant}\"?");
        assert_eq!(said, told);
    }
    for (text, meant) in [
        ("10G", "\"10GiB\" (of 1024) or \"10GB\" (of 1000)"),
        ("64k", "\"64KiB\" (of 1024) or \"64KB\" (of 1000)"),
        ("4 mib", "\"4MiB\""),
        ("10 GB", "\"10GB\""),
        ("512 bytes", "\"512B\""),
    ] {
        let said = read::<Size<0>>(text).expect_err(text);
        assert_eq!(
            said,
            format!("{text:?} is not a size; did you mean {meant}?")
        );
    }
    // What is meant by others nobody can know.
    for text in ["10 parsecs", "1.5h", "1h30m", "soon"] {
        let said = read::<Span<0>>(text).expect_err(text);
        assert!(
            said.ends_with("write e.g. \"30s\", \"5m\", \"2h\", \"7d\""),
            "{said}"
        );
    }
}
