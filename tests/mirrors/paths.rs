//! Paths that others might read otherwise: none of them is asked of an upstream.

use crate::bed::Bed;
use larder_tests::random::Random;
use serde_json::json;

/// Segments that are refused wherever they stand.
pub(crate) const BAD: [&str; 28] = [
    "",
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "..%2f..",
    "%2e%2e%2fetc",
    "a%2f..%2fb",
    "%2fetc%2fpasswd",
    "a%2f",
    "a%2f%2fb",
    "..\\..",
    "%5c",
    "a%5cb",
    "..%5c..",
    "a;b",
    ";",
    "a%3bb",
    "..;",
    "%252e%252e",
    "a%252fb",
    "%00",
    "a%0d%0aHost:%20b",
    "%c0%ae%c0%ae",
    "%zz",
    "%",
];

/// A path with a segment more, at each place below the repo's address.
fn with_segment(path: &str, bad: &str) -> Vec<String> {
    let below = path
        .match_indices('/')
        .nth(2)
        .map_or(path.len(), |(at, _)| at);
    let places = path
        .match_indices('/')
        .map(|(at, _)| at)
        // Right below the repo two slashes are one, as clients join addresses.
        .filter(|at| *at >= below && (*at > below || !bad.is_empty()));
    let mut paths: Vec<String> = places
        .map(|at| format!("{}/{bad}{}", &path[..at], &path[at..]))
        .collect();
    if !bad.is_empty() {
        paths.push(format!("{path}/{bad}"));
    }
    // With dots and a slash a name goes on, and may.
    let lower = bad.to_ascii_lowercase();
    if bad.contains(['%', '\\', ';']) && !lower.contains("%2e") && !lower.contains("%2f") {
        paths.push(format!("{path}{bad}"));
    }
    paths
}

#[test]
fn no_confusing_path_reaches_an_upstream() {
    let bed = Bed::new();
    let mut count = 0;
    for shelf in bed.mirrors(b"a body") {
        for path in [shelf.index_here(), shelf.artifact_here("1.0.0")] {
            for bad in BAD {
                for path in with_segment(&path, bad) {
                    let (answer, _) = bed.taken(&path);
                    let asked = bed.upstream.take_asked();
                    // apt leaves dots in addresses: they are removed, so nothing has two names.
                    let is_joined = (shelf.protocol, bad) == ("deb", ".");
                    assert!(
                        matches!(answer.status, 400 | 404) || is_joined && answer.status == 200,
                        "{path}: {}",
                        answer.status
                    );
                    let mut asked = asked.iter();
                    let wrong = asked.find(|it| !is_joined || it.path.contains("/."));
                    assert!(wrong.is_none(), "{path}: {wrong:?}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn no_other_spelling_of_a_repo_is_one() {
    let bed = Bed::new();
    for shelf in bed.mirrors(b"a body") {
        let (name, path) = (shelf.protocol, shelf.artifact_here("1.0.0"));
        let rest = &path[name.len() + 4..];
        let spellings = [
            format!("//{name}/up{rest}"),
            format!("/{name}//up{rest}"),
            format!("/{name}/UP{rest}"),
            format!("/{}/up{rest}", name.to_uppercase()),
            format!("/{name}/u%70{rest}"),
            format!("/{name}/up%2f{rest}"),
            format!("/{name}%2fup{rest}"),
            format!("/{name}/up;{rest}"),
            format!("/{name}/up.{rest}"),
            format!("/{name}/./up{rest}"),
            format!("/x/../{name}/up{rest}"),
            format!("/{name}/x/../up{rest}"),
            format!("/{name}\\up{rest}"),
            format!("/{name}/up%00{rest}"),
            format!("/{name}/up%20{rest}"),
        ];
        for path in spellings {
            let (answer, _) = bed.taken(&path);
            assert!(
                matches!(answer.status, 400 | 401 | 404),
                "{path}: {}",
                answer.status
            );
        }
        assert_eq!(
            bed.upstream.total(),
            0,
            "{name}: {:?}",
            bed.upstream.take_asked()
        );
    }
}

/// Random bytes, escapes and separators; whatever comes back, what is asked of the upstream stays
/// below its address.
#[test]
fn random_paths_stay_below_the_upstreams_address() {
    let bed = Bed::with(&[("LARDER_CACHE__NOT_FOUND", "0s")]);
    let mut random = Random::seeded();
    let pieces = [
        "/", "..", ".", "%2e", "%2f", "%5c", "\\", ";", "%3b", "%25", "%00", "?", "#", "//", "@",
        ":", "demo", "-", "simple", "repodata", "api", "v1", "crates", "1.0.0", ".tgz", ".rpm",
        "%40", "http:", "%0a", "~", "+", "%20", "é",
    ];
    let shelves = bed.mirrors(b"a body");
    let mut answered = 0;
    for _ in 0..1500 {
        let mut below = String::new();
        for _ in 0..=random.below(8) {
            below.push_str(
                pieces[usize::try_from(random.below(pieces.len() as u64)).expect("piece")],
            );
        }
        let shelf = &shelves[usize::try_from(random.below(4)).expect("shelf")];
        let path = format!("/{}/up/{below}", shelf.protocol);
        if let Ok((answer, _)) = bed.client.take(&path, &[]) {
            assert!(
                answer.status < 500,
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            answered += 1;
        }
        for asked in bed.upstream.take_asked() {
            let root = format!("{}/", shelf.root);
            let target = asked
                .path
                .split('?')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            let climbs = target
                .split(['/', '\\'])
                .any(|segment| segment.replace("%2e", ".") == "..");
            let odd = [
                "%2f..", "..%2f", "%5c", ";", "%3b", "%25", "%00", "%0a", "//",
            ];
            let odd = odd.iter().any(|odd| target.contains(odd));
            assert!(
                asked.path.starts_with(&root) && !climbs && !odd,
                "{path} became {}",
                asked.path
            );
        }
    }
    assert!(answered > 1000, "{answered}");
    for shelf in &shelves {
        bed.right(&shelf.artifact_here("1.0.0"), b"a body");
    }
}

/// Spellings that are one thing are asked for once.
#[test]
fn one_thing_is_asked_for_once() {
    let bed = Bed::new();
    for protocol in ["npm", "cargo", "pypi", "composer"] {
        bed.mirror(protocol, b"a body");
    }
    let packument = json!({"name": "@sc/name", "dist-tags": {}, "versions": {}});
    bed.upstream.put("/npm/@sc%2fname", packument.to_string());
    for spelling in [
        "@sc%2fname",
        "@sc%2Fname",
        "@sc/name",
        "%40sc%2fname",
        "%40sc/n%61me",
    ] {
        bed.get(&format!("/npm/up/{spelling}")).expect(200);
    }
    assert_eq!(bed.upstream.count("/npm/@sc%2fname"), 1);
    for spelling in ["de/mo/demo", "De/Mo/Demo", "de/mo/DEMO", "de/mo/d%65mo"] {
        bed.get(&format!("/cargo/up/{spelling}")).expect(200);
    }
    assert_eq!(bed.upstream.count("/cargo/de/mo/demo"), 1);
    for spelling in ["Demo/", "DEMO", "demo"] {
        let moved = bed.get(&format!("/pypi/up/simple/{spelling}")).expect(301);
        assert_eq!(moved.header("location"), Some("/pypi/up/simple/demo/"));
    }
    bed.get("/pypi/up/simple/demo/").expect(200);
    assert_eq!(bed.upstream.count("/pypi/simple/demo/"), 1);
    for spelling in ["acme/demo", "Acme/DEMO", "acme/d%65mo"] {
        bed.get(&format!("/composer/up/p2/{spelling}.json"))
            .expect(200);
    }
    assert_eq!(bed.upstream.count("/composer/packages.json"), 1);
    assert_eq!(bed.upstream.count("/composer/p2/acme/demo.json"), 1);
    assert_eq!(bed.upstream.total(), 5, "{:?}", bed.upstream.take_asked());
}
