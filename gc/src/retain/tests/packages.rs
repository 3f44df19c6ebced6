use super::super::{Action, decide};
use super::{NOW, candidate, policy, rule, rule_on};

/// Rules, further fields, versions of the package `app/web`, and those that stay.
type Case<'a> = (&'a [String], &'a str, &'a str, &'a str);

#[track_caller]
fn check(number: usize, (rules, rest, versions, expected): Case<'_>) {
    let policy = policy(&rules.join(","), rest);
    let versions: Vec<_> = versions.split_whitespace().map(candidate).collect();
    let decisions = decide(&policy, "app/web", &versions, NOW);
    let stay: Vec<&str> = versions
        .iter()
        .zip(&decisions)
        .filter(|(_, decision)| decision.action == Action::Keep)
        .map(|(version, _)| &*version.name)
        .collect();
    assert_eq!(stay.join(" "), expected, "case {number}: {policy:?}");
}

const FIVE: &str = "a@5 b@4 c@3 d@2 e@1";
const SERIES: &str = "1.0.0@9 1.0.1@8 1.1.0@7 2.0.0@6 2.0.1-rc1@5 latest@1";

#[test]
fn survivors_of_the_table() {
    let one = |keep: &str| vec![rule(keep)];
    let on = |packages: &str, versions: &str, keep: &str| vec![rule_on(packages, versions, keep)];
    let both = |one: &str, other: &str| vec![rule(one), rule(other)];
    #[rustfmt::skip]
    let cases: Vec<(Vec<String>, &str, &str, &str)> = vec![
        // Without a rule, or with one that fits nothing, all stays.
        (vec![], "", FIVE, "a b c d e"),
        (on("lib/*", "*", "{}"), "", FIVE, "a b c d e"),
        (on("app/web/", "*", "{}"), "", FIVE, "a b c d e"),
        (on("app", "*", "{}"), "", FIVE, "a b c d e"),
        (on("APP/*", "*", "{}"), "", FIVE, "a b c d e"),
        (on("*", "x*", "{}"), "", FIVE, "a b c d e"),
        // A rule that keeps nothing lets all go that it fits.
        (one("{}"), "", FIVE, ""),
        (one("{}"), "", "", ""),
        (on("app/*", "*", "{}"), "", FIVE, ""),
        (on("app/web", "*", "{}"), "", FIVE, ""),
        (on("*/web", "a", "{}"), "", FIVE, "b c d e"),
        (on("*", "*.*", "{}"), "", SERIES, "latest"),
        // The newest, by push and then by name.
        (one(r#"{"newest":0}"#), "", FIVE, ""),
        (one(r#"{"newest":1}"#), "", FIVE, "e"),
        (one(r#"{"newest":2}"#), "", FIVE, "d e"),
        (one(r#"{"newest":5}"#), "", FIVE, "a b c d e"),
        (one(r#"{"newest":4294967295}"#), "", FIVE, "a b c d e"),
        (one(r#"{"newest":2}"#), "", "a@1 b@1 c@1", "b c"),
        (one(r#"{"newest":2}"#), "", "c@1 a@1 b@1", "c b"),
        (one(r#"{"newest":1}"#), "", "old@1 new@9", "old"),
        // It counts what its rule fits alone.
        (on("*", "?", r#"{"newest":1}"#), "", FIVE, "a b c d e"),
        (on("*", "r-*", r#"{"newest":1}"#), "", "r-1@9 r-2@8 x@1", "r-2 x"),
        // Protected and immutable ones take their place among the newest.
        (one(r#"{"newest":1}"#), r#","protect":["e"]"#, FIVE, "e"),
        (one(r#"{"newest":1}"#), "", "a@5 b@4!", "b"),
        // Pushed and pulled within.
        (one(r#"{"pushed_within":"3d"}"#), "", FIVE, "c d e"),
        (one(r#"{"pushed_within":"0s"}"#), "", "a@1 b@0", "b"),
        (one(r#"{"pushed_within":"71h"}"#), "", FIVE, "d e"),
        (one(r#"{"pulled_within":"3d"}"#), "", "a@9/1 b@9/3 c@9/4 d@1", "a b"),
        (one(r#"{"pulled_within":"3d"}"#), "", "a@1 b@1", ""),
        // Each condition keeps by itself.
        (one(r#"{"newest":1,"pushed_within":"3d"}"#), "", FIVE, "c d e"),
        (one(r#"{"newest":1,"pulled_within":"2d"}"#), "", "a@9/1 b@8 c@7", "a c"),
        (one(r#"{"pushed_within":"2d","pulled_within":"2d"}"#), "", "a@9/1 b@1 c@9/9", "a b"),
        (one(r#"{"newest":1,"matching":["a"]}"#), "", FIVE, "a e"),
        // Names that match.
        (one(r#"{"matching":["v*"]}"#), "", "v1@9 w1@9 v@9 xv@9", "v1 v"),
        (one(r#"{"matching":["a","c","z"]}"#), "", FIVE, "a c"),
        (one(r#"{"matching":["*"]}"#), "", FIVE, "a b c d e"),
        (one(r#"{"matching":["A"]}"#), "", FIVE, ""),
        (one(r#"{"matching":["*-*"]}"#), "", SERIES, "2.0.1-rc1"),
        // The newest of each series: the highest, whenever it was pushed.
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", SERIES, "1.0.1 1.1.0 2.0.0"),
        (one(r#"{"newest_per":{"of":"major","count":1}}"#), "", SERIES, "1.1.0 2.0.0"),
        (one(r#"{"newest_per":{"of":"major","count":2}}"#), "", SERIES, "1.0.1 1.1.0 2.0.0 2.0.1-rc1"),
        (one(r#"{"newest_per":{"of":"major","count":3}}"#), "", SERIES, "1.0.0 1.0.1 1.1.0 2.0.0 2.0.1-rc1"),
        (one(r#"{"newest_per":{"of":"minor","count":0}}"#), "", SERIES, ""),
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", "1.2.10@9 1.2.9@1", "1.2.10"),
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", "v1.2.0@2 1.2.0@1", "1.2.0"),
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", "1.2.0@1 v1.2.0@1", "v1.2.0"),
        // A pre-release stands behind all releases of its series, and leads one without any.
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", "1.0.0@2 1.0.1-rc@1", "1.0.0"),
        (one(r#"{"newest_per":{"of":"minor","count":1}}"#), "", "1.0.0-a@2 1.1.0-a@1", "1.0.0-a 1.1.0-a"),
        (one(r#"{"newest_per":{"of":"major","count":1}}"#), "", "1.0.0-a@2 1.1.0-a@1", "1.1.0-a"),
        (one(r#"{"newest_per":{"of":"major","count":2},"newest":1}"#), "", SERIES,
            "1.0.1 1.1.0 2.0.0 2.0.1-rc1 latest"),
        (on("*", "1.*", r#"{"newest_per":{"of":"major","count":1}}"#), "", SERIES, "1.1.0 2.0.0 2.0.1-rc1 latest"),
        // Protected, whatever rules say.
        (one("{}"), r#","protect":["latest"]"#, SERIES, "latest"),
        (one("{}"), r#","protect":["1.*","latest"]"#, SERIES, "1.0.0 1.0.1 1.1.0 latest"),
        (one("{}"), r#","protect":["*"]"#, FIVE, "a b c d e"),
        (one("{}"), r#","protect":["z"]"#, FIVE, ""),
        // Immutable ones cannot go.
        (one("{}"), "", "a@9! b@9", "a"),
        (one(r#"{"newest":1}"#), "", "a@9! b@8 c@7", "a c"),
        // Of several rules one that keeps is enough, and one that fits.
        (both("{}", r#"{"newest":1}"#), "", FIVE, "e"),
        (both(r#"{"newest":1}"#, r#"{"matching":["a"]}"#), "", FIVE, "a e"),
        (both(r#"{"newest":1}"#, r#"{"pushed_within":"4d"}"#), "", FIVE, "b c d e"),
        (vec![rule_on("lib/*", "*", r#"{"matching":["*"]}"#), rule("{}")], "", FIVE, ""),
        (vec![rule_on("*", "a", r#"{"newest":1}"#), rule_on("*", "b", "{}")], "", FIVE, "a c d e"),
        (vec![rule_on("*", "a", "{}"), rule_on("app/*", "*", r#"{"newest":5}"#)], "", FIVE, "a b c d e"),
        (vec![rule_on("*", "x", r#"{"matching":["*"]}"#), rule("{}")], "", "x@9 y@9", "x"),
        // What is not enabled is decided on all the same: previews ask.
        (one(r#"{"newest":1}"#), r#","protect":[]"#, FIVE, "e"),
    ];
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for (number, (rules, rest, versions, expected)) in cases.iter().enumerate() {
        check(number, (rules, rest, versions, expected));
    }
}

#[test]
fn reasons_say_what_a_rule_keeps() {
    let rules = [
        rule_on("*", "1.*", r#"{"newest":1}"#),
        rule(r#"{"pushed_within":"2d","newest_per":{"of":"major","count":1}}"#),
    ];
    let policy = policy(&rules.join(","), r#","protect":["latest"]"#);
    let versions = "1.0.0@9 1.1.0@8 2.0.0@7 latest@9 edge@1 old@9 kept@9!";
    let versions: Vec<_> = versions.split_whitespace().map(candidate).collect();
    let told: Vec<_> = decide(&policy, "p", &versions, NOW)
        .into_iter()
        .map(|decision| (decision.reason, decision.rule))
        .collect();
    let expected = [
        (
            "not among the newest 1, not pushed within 2d, not among the highest 1 of its major version",
            Some(0),
        ),
        ("among the newest 1", Some(0)),
        ("among the highest 1 of its major version", Some(1)),
        ("it is protected: `latest`", None),
        ("pushed within 2d", Some(1)),
        (
            "not pushed within 2d, not among the highest 1 of its major version",
            Some(1),
        ),
        ("it is immutable", None),
    ];
    let expected: Vec<_> = expected.map(|(text, rule)| (text.to_owned(), rule)).into();
    assert_eq!(told, expected);
}
