use super::*;

fn order(one: &str, other: &str) -> Ordering {
    let key = |text: &str| read(text).expect("version").key;
    compare(&key(one), &key(other))
}

/// As `dpkg --compare-versions` orders them.
#[test]
fn versions_are_ordered_as_dpkg_orders_them() {
    for pair in [
        ["1.0~rc1", "1.0"],
        ["1.0~~", "1.0~"],
        ["1.0", "1.0-1"],
        ["1.0-1", "1.0-1.1"],
        ["1.9", "1.10"],
        ["1.0", "1:0.1"],
        ["1.0a", "1.0+b"],
        ["1.0-1~bpo1", "1.0-1"],
        ["2.10-3", "2.10-3+b1"],
        ["1.0", "1.0a"],
    ] {
        assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
    for pair in [["1.0", "1.00"], ["0:1.0", "1.0"], ["1.0-0", "1.0"]] {
        assert_eq!(order(pair[0], pair[1]), Ordering::Equal, "{pair:?}");
    }
}

#[test]
fn what_all_read_alike_is_a_version() {
    for text in ["1", "1:2.10-3+b1", "0~git20240101.abc-1"] {
        assert!(is_version(text), "{text}");
    }
    for text in ["", "a", "1 2", "1/2", "x:1", "1_2", "1\n"] {
        assert!(!is_version(text), "{text}");
    }
}
