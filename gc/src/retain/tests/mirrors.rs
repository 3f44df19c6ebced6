//! What stays of mirrors: a table of cases, and random ones against the plainest reading of the rules.

use super::super::{Budget, Decision, IN_USE, Part, Unit, UnitKind, decide_mirror, freed_by};
use super::oracle::Random;
use super::{NOW, digest};
use larder_model::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn hours(count: u64) -> Duration {
    Duration::from_hours(count)
}

/// `package/name@hours since it was used:bytes,bytes`, where bytes are a letter and how many:
/// `a/1@5:x10,y20`. A name `#` is the documents of the package, `=name` an index. `!` at the end: it is
/// settled that it stays; `-`: a rule lets it go.
fn unit(text: &str, packages: &mut Vec<String>) -> Unit {
    let (text, settled) = match (text.strip_suffix('!'), text.strip_suffix('-')) {
        (Some(text), _) => (text, Some(Decision::keep("it is protected", None))),
        (_, Some(text)) => (text, Some(Decision::delete("rule 0 fits it", Some(0)))),
        _ => (text, None),
    };
    let (place, bytes) = text.split_once(':').expect("bytes");
    let (place, used) = place.split_once('@').expect("hours");
    let (package, name) = place.split_once('/').expect("package/name");
    let number = packages.iter().position(|known| known == package);
    let number = number.unwrap_or_else(|| {
        packages.push(package.to_owned());
        packages.len() - 1
    });
    let part = |text: &str| {
        let (name, size) = text.split_at(1);
        Part::of(&digest(name), size.parse().expect("size"))
    };
    Unit {
        package: number,
        kind: match name.as_bytes()[0] {
            b'#' => UnitKind::Documents,
            b'=' => UnitKind::Index,
            _ => UnitKind::Version,
        },
        name: (name != "#").then(|| name.into()),
        digest: None,
        used_at: NOW.before(hours(used.parse().expect("hours"))),
        parts: bytes.split(',').map(part).collect(),
        settled,
    }
}

/// The units of a line that stay, by what stands before their `@`.
fn staying(line: &str, unused_after: Option<u64>, budget: Option<(u64, u64)>) -> String {
    let mut packages = Vec::new();
    let units: Vec<Unit> = line
        .split_whitespace()
        .map(|text| unit(text, &mut packages))
        .collect();
    let budget = budget.map(|(bytes, leaves)| Budget {
        name: "max_bytes",
        bytes,
        leaves,
        in_use: IN_USE,
    });
    let unused_after = unused_after.map(|span| Span(hours(span)));
    let outcome = decide_mirror(&units, unused_after, budget, NOW);
    let names = line.split_whitespace().zip(&outcome.decisions);
    let stays = names.filter(|(_, decision)| !decision.deletes());
    let stays = stays.map(|(text, _)| text.split('@').next().unwrap_or_default());
    stays.collect::<Vec<_>>().join(" ")
}

/// Units, `unused_after` in hours, a budget with what it leaves, and the units that stay.
type Case = (&'static str, Option<u64>, Option<(u64, u64)>, &'static str);

const CASES: &[Case] = &[
    // Nothing says that anything goes.
    ("a/1@9000:x1 a/#@9000:i1", None, None, "a/1 a/#"),
    // Unused: by the time of the last use, to the moment.
    ("a/1@24:x1 a/2@25:y1 a/3@23:z1", Some(24), None, "a/3"),
    ("a/1@48:x1 b/1@2:y1", Some(24), None, "b/1"),
    // Documents count as used when anything of the package was.
    ("a/1@48:x1 a/#@48:i1", Some(24), None, ""),
    ("a/1@48:x1 a/#@2:i1", Some(24), None, "a/#"),
    ("a/1@2:x1 a/#@48:i1", Some(24), None, "a/1 a/#"),
    ("a/1@48:x1 a/2@2:y1 a/#@48:i1", Some(24), None, "a/2 a/#"),
    ("a/#@48:i1 b/#@2:j1", Some(24), None, "b/#"),
    // An index goes by itself.
    ("a/=i@48:i1 a/1@2:x1", Some(24), None, "a/1"),
    ("a/=i@2:i1 a/1@48:x1", Some(24), None, "a/=i"),
    // What is settled to stay stays, with its documents.
    ("a/1@48:x1! a/2@48:y1 a/#@48:i1", Some(24), None, "a/1 a/#"),
    // What a rule lets go goes, its documents by their own time.
    ("a/1@2:x1- a/#@2:i1", None, None, "a/#"),
    ("a/1@30:x1- a/#@30:i1", Some(24), None, ""),
    // A running build wins over everything.
    ("a/1@0:x1- a/2@0:y9", Some(0), Some((1, 1)), "a/1 a/2"),
    ("a/1@1:x1 a/2@0:y9", Some(0), None, "a/2"),
    // A budget: least lately used first, as much as is needed.
    (
        "a/1@9:x10 a/2@8:y10 a/3@7:z10",
        None,
        Some((30, 30)),
        "a/1 a/2 a/3",
    ),
    (
        "a/1@9:x10 a/2@8:y10 a/3@7:z10",
        None,
        Some((29, 29)),
        "a/2 a/3",
    ),
    (
        "a/1@9:x10 a/2@8:y10 a/3@7:z10",
        None,
        Some((20, 20)),
        "a/2 a/3",
    ),
    ("a/3@7:z10 a/1@9:x10 a/2@8:y10", None, Some((15, 15)), "a/3"),
    ("a/1@9:x10 a/2@8:y10 a/3@7:z10", None, Some((0, 0)), ""),
    // Where it is over, less is left, so that it is not over at once again.
    (
        "a/1@9:x10 a/2@8:y10 a/3@7:z10",
        None,
        Some((30, 10)),
        "a/1 a/2 a/3",
    ),
    ("a/1@9:x10 a/2@8:y10 a/3@7:z10", None, Some((29, 10)), "a/3"),
    // Of one moment: by package and name.
    (
        "b/1@9:x10 a/2@9:y10 a/1@9:z10",
        None,
        Some((20, 20)),
        "a/2 a/1",
    ),
    ("a/2@9:y10 a/1@9:z10", None, Some((10, 10)), "a/2"),
    // Bytes count once.
    (
        "a/1@9:x10 b/1@8:x10 c/1@7:x10",
        None,
        Some((10, 10)),
        "a/1 b/1 c/1",
    ),
    ("a/1@9:x10,s50 a/2@8:y10,s50", None, Some((69, 69)), "a/2"),
    ("a/1@9:x10,s50 a/2@8:y10,s50", None, Some((59, 59)), ""),
    (
        "a/1@9:s50 a/2@8:s50! a/3@7:z10",
        None,
        Some((55, 55)),
        "a/2",
    ),
    // Documents go last of their package, and only with all of it.
    (
        "a/1@9:x10 a/#@9:i5 b/1@8:y10",
        None,
        Some((24, 24)),
        "a/# b/1",
    ),
    ("a/1@9:x10 a/#@9:i5 b/1@8:y10", None, Some((14, 14)), "b/1"),
    (
        "a/1@9:x10 a/#@12:i5 b/1@8:y10",
        None,
        Some((24, 24)),
        "a/# b/1",
    ),
    (
        "a/#@9:i5 a/1@3:x10 b/1@8:y10",
        None,
        Some((15, 15)),
        "a/# a/1",
    ),
    (
        "a/1@9:x10! a/#@9:i5 b/1@8:y10",
        None,
        Some((10, 10)),
        "a/1 a/#",
    ),
    (
        "a/1@0:x10 a/#@9:i5 b/1@8:y10",
        None,
        Some((10, 10)),
        "a/1 a/#",
    ),
    // What is settled to stay is over the budget by itself.
    ("a/1@9:x10! a/2@8:y10", None, Some((5, 5)), "a/1"),
    // Both: what is unused goes first, and counts no more.
    (
        "a/1@48:x10 a/2@8:y10 a/3@7:z10",
        Some(24),
        Some((20, 20)),
        "a/2 a/3",
    ),
    (
        "a/1@48:x10 a/2@8:y10 a/3@7:z10",
        Some(24),
        Some((19, 19)),
        "a/3",
    ),
    (
        "a/1@2:x10- a/2@8:y10 a/3@7:z10",
        None,
        Some((20, 20)),
        "a/2 a/3",
    ),
];

#[test]
fn what_stays_is_what_the_table_says() {
    for (line, unused_after, budget, expected) in CASES {
        assert_eq!(
            staying(line, *unused_after, *budget),
            *expected,
            "{line} {unused_after:?} {budget:?}"
        );
    }
}

#[test]
fn each_says_why() {
    let mut packages = Vec::new();
    let line = "a/1@48:x10 a/2@20:y10 a/3@19:z10 a/4@0:w10 a/5@30:v10!";
    let units: Vec<Unit> = line
        .split_whitespace()
        .map(|text| unit(text, &mut packages))
        .collect();
    let budget = Budget {
        name: "cache.size",
        bytes: 35,
        leaves: 30,
        in_use: IN_USE,
    };
    let outcome = decide_mirror(&units, Some(Span(hours(24))), Some(budget), NOW);
    let reasons: Vec<String> = outcome.decisions.into_iter().map(|it| it.reason).collect();
    let used = |at: u64| NOW.before(hours(at)).to_string();
    let expected = [
        format!("unused since {}, which is more than 1d", used(48)),
        format!(
            "over cache.size, 35 bytes, and least lately used: at {}",
            used(20)
        ),
        "it was used within 1d".to_owned(),
        "it was used within the last hour".to_owned(),
        "it is protected".to_owned(),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(outcome.freed, 20);
}

/// Bytes of units, each letter once.
fn bytes(units: &[&Unit]) -> u64 {
    let parts = units.iter().flat_map(|unit| &unit.parts);
    let parts: BTreeMap<String, u64> = parts.map(|part| (format!("{part:?}"), part.size)).collect();
    parts.values().sum()
}

/// What goes, as it reads: one after the other, and all looked at anew each time.
fn goes(units: &[Unit], unused_after: Option<Span>, budget: Option<Budget>) -> BTreeSet<usize> {
    let all = || 0..units.len();
    let is_held = |it: usize| {
        let settled = units[it].settled.as_ref();
        settled.is_some_and(|settled| !settled.deletes()) || used(units, it) > NOW.before(hours(1))
    };
    let mut gone: BTreeSet<usize> = all()
        .filter(|it| units[*it].kind != UnitKind::Documents && !is_held(*it))
        .filter(|it| {
            let unused = unused_after.is_some_and(|span| used(units, *it) <= NOW.before(span.0));
            units[*it].settled.is_some() || unused
        })
        .collect();
    let is_needed = |it: usize, gone: &BTreeSet<usize>| {
        units[it].kind == UnitKind::Documents
            && all().any(|other| {
                units[other].package == units[it].package
                    && units[other].kind != UnitKind::Documents
                    && !gone.contains(&other)
            })
    };
    let documents: Vec<usize> = all()
        .filter(|it| units[*it].kind == UnitKind::Documents && !is_held(*it))
        .filter(|it| unused_after.is_some_and(|span| used(units, *it) <= NOW.before(span.0)))
        .filter(|it| !is_needed(*it, &gone))
        .collect();
    gone.extend(documents);
    let left = |gone: &BTreeSet<usize>| {
        let left = all().filter(|it| !gone.contains(it)).map(|it| &units[it]);
        bytes(&left.collect::<Vec<_>>())
    };
    let Some(budget) = budget.filter(|budget| left(&gone) > budget.bytes) else {
        return gone;
    };
    while left(&gone) > budget.leaves {
        let next = all()
            .filter(|it| !gone.contains(it) && !is_held(*it) && !is_needed(*it, &gone))
            .min_by_key(|it| {
                let unit = &units[*it];
                (used(units, *it), unit.package, unit.kind, unit.name.clone())
            });
        let Some(next) = next else { break };
        gone.insert(next);
    }
    gone
}

fn used(units: &[Unit], it: usize) -> Timestamp {
    let own = units[it].used_at;
    let of_package = units
        .iter()
        .filter(|other| other.package == units[it].package)
        .map(|other| other.used_at);
    match units[it].kind {
        UnitKind::Documents => of_package.max().unwrap_or(own),
        _ => own,
    }
}

#[test]
fn random_mirrors_keep_what_a_plain_reading_keeps() {
    let mut random = Random::new(0x1d2e_57a3);
    let mut evicted = 0;
    for round in 0..2000 {
        let mut packages = Vec::new();
        let mut line = Vec::new();
        for package in 0..=random.below(4) {
            for name in 0..random.below(5) {
                let letters = ["a", "b", "c", "d", "e", "f", "g"];
                let mut parts: BTreeSet<&str> = BTreeSet::new();
                for _ in 0..=random.below(3) {
                    parts.insert(random.one_of(letters));
                }
                let size = |letter: &&str| format!("{letter}{}", letter.as_bytes()[0]);
                let parts: Vec<String> = parts.iter().map(size).collect();
                let name = match random.below(8) {
                    0 => format!("={name}"),
                    _ => format!("{name}"),
                };
                let settled = random.one_of(["", "", "", "", "!", "-"]);
                let used = random.below(60);
                let parts = parts.join(",");
                line.push(format!("p{package}/{name}@{used}:{parts}{settled}"));
            }
            if random.below(3) > 0 {
                line.push(format!("p{package}/#@{}:z7", random.below(60)));
            }
        }
        let units: Vec<Unit> = line.iter().map(|it| unit(it, &mut packages)).collect();
        let unused_after = random.one_of([None, Some(Span(hours(40))), Some(Span(hours(20)))]);
        let bytes = random.below(700);
        let budget = random.one_of([false, true]).then_some(Budget {
            name: "max_bytes",
            bytes,
            leaves: bytes - random.below(1 + bytes / 10),
            in_use: IN_USE,
        });
        let outcome = decide_mirror(&units, unused_after, budget, NOW);
        let expected = goes(&units, unused_after, budget);
        let found: BTreeSet<usize> = (0..units.len())
            .filter(|it| outcome.decisions[*it].deletes())
            .collect();
        assert_eq!(
            found, expected,
            "round {round}: {line:?} {unused_after:?} {budget:?}"
        );
        assert_eq!(outcome.freed, freed_by(&units, |it| expected.contains(&it)));
        evicted += found.len();
    }
    assert!(evicted > 2000, "{evicted}");
}
