//! Class 29: a package is taken over by another spelling of its name.
//!
//! Spellings that a protocol takes for the same are one name, in publishing, in reading and in
//! groups: `tests/packages/spellings.rs`, `tests/packages/confusion.rs`, and for patterns of grants
//! `web/src/acts/scope/tests.rs`. Here are names that only look the same: none of them can be
//! published at all.

use crate::callers::larder;
use larder_tests::parcel::{in_path, package_of, publish};

/// Names that people take for `demo-app`, and names that programs could.
const LOOKALIKES: [&str; 20] = [
    "dem\u{43e}-app",   // a Cyrillic o
    "demo-\u{430}pp",   // a Cyrillic a
    "demo\u{2010}app",  // a hyphen of another kind
    "demo\u{2212}app",  // a minus sign
    "\u{ff44}emo-app",  // a full-width d
    "demo-app\u{200b}", // a space without width
    "demo\u{200d}-app", // a joiner
    "\u{202e}ppa-omed", // turned around
    "demo-app\u{301}",  // with an accent of its own
    "d\u{e9}mo-app",    // with an accent
    "demo\u{ad}-app",   // a soft hyphen
    "demo-app\u{feff}", // a byte order mark
    "demo-app ",
    " demo-app",
    "demo -app",
    "demo-app\t",
    "demo-app\u{0}",
    "demo/../demo-app",
    "demo\\app",
    "demo%2dapp",
];

#[test]
fn what_only_looks_like_a_name_is_none() {
    let larder = larder();
    let admin = larder.admin();
    for protocol in ["npm", "cargo", "pypi", "composer"] {
        let first = publish(&admin, protocol, "demo-app", "1.0.0", b"ours");
        assert!(matches!(first.status, 200 | 201), "{}", first.text());
        for name in LOOKALIKES {
            let answer = publish(&admin, protocol, name, "2.0.0", b"x");
            assert!(
                (400..500).contains(&answer.status),
                "{protocol} {name:?}: {}",
                answer.status
            );
        }
        let packages = format!("repositories/{protocol}/local/packages");
        let list = larder.api("GET", &packages, "", 200);
        let names: Vec<_> = list["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| &item["name"])
            .collect();
        let own = package_of(protocol, "demo-app");
        assert_eq!(names, [&own], "{protocol}");
        let versions = format!("{packages}/{}/versions", in_path(&own));
        let versions = larder.api("GET", &versions, "", 200);
        assert_eq!(
            versions["items"].as_array().map(Vec::len),
            Some(1),
            "{protocol}: {versions}"
        );
    }
}
