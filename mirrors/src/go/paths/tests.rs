use super::*;

/// What golang.org/x/mod says of paths (tests/harness/sumdb writes it).
const GOLDEN: &str = include_str!("../testdata/paths.txt");

#[test]
fn paths_are_those_of_the_client() {
    let mut count = 0;
    for line in GOLDEN.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, escaped, split, is_file] = fields[..] else {
            panic!("a line of four fields: {line}");
        };
        let own = is_module_path(path).then(|| escape(path));
        assert_eq!(own.as_deref().unwrap_or("-"), escaped, "{path}");
        if own.is_some() {
            assert_eq!(unescape_path(escaped).as_deref(), Some(path), "{path}");
        }
        let own = split_major(path).map(|(before, major)| format!("{before} {major}"));
        assert_eq!(own.as_deref().unwrap_or("-"), split, "{path}");
        assert_eq!(is_file_path(path).to_string(), is_file, "{path}");
        count += 1;
    }
    assert!(count > 30);
}

#[test]
fn there_is_one_spelling_of_a_path() {
    for other in [
        "example.com/Azure",
        "example.com/!Azure",
        "example.com/a!",
        "example.com/!1",
    ] {
        assert_eq!(unescape_path(other), None, "{other}");
    }
    assert_eq!(
        unescape_path("example.com/!azure").as_deref(),
        Some("example.com/Azure")
    );
    assert_eq!(
        unescape_version("v1.0.0-!r!c1").as_deref(),
        Some("v1.0.0-RC1")
    );
    for other in ["v1.0.0-RC1", "a/b", "", "con", "!!a"] {
        assert_eq!(unescape_version(other), None, "{other}");
    }
}

#[test]
fn what_is_above_a_path_ends_at_its_host() {
    let above: Vec<&str> = above("example.com/a/b").collect();
    assert_eq!(above, ["example.com/a", "example.com"]);
}
