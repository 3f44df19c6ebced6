//! Rules on the versions of one package.

use super::decision::Decision;
use larder_model::{
    NewestPer, Pattern, Release, RetentionPolicy, RetentionRule, Series, Timestamp,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// A version of a package: a tag of an image, or what was published as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its name.
    pub name: Box<str>,
    /// When it was pushed last.
    pub pushed_at: Timestamp,
    /// When it was read last; `None`: never, as far as is known.
    pub used_at: Option<Timestamp>,
    /// Nobody can delete it.
    pub is_immutable: bool,
    /// What its name says; `None`: it is no version.
    pub release: Option<Release>,
}

/// What a rule keeps, with the sentence that says why.
struct Kept<'a> {
    rule: usize,
    keep: &'a larder_model::Keep,
    newest: HashSet<&'a str>,
    newest_per: HashSet<&'a str>,
}

/// What is to become of each version of a package, in their order.
///
/// A version goes when at least one rule fits it, no fitting rule keeps it, and it is neither
/// protected nor immutable. `newest` counts the versions that its rule fits by the time of their push,
/// those of one moment by name, the later name first. `newest_per` counts the versions of each series
/// from the highest down, all pre-releases behind all releases; what is no version it never keeps.
pub fn decide(
    policy: &RetentionPolicy,
    package: &str,
    versions: &[Candidate],
    now: Timestamp,
) -> Vec<Decision> {
    let rules: Vec<(usize, &RetentionRule)> = policy
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.packages.matches(package))
        .collect();
    let kept: Vec<Kept<'_>> = rules
        .iter()
        .map(|(number, rule)| Kept::of(*number, rule, versions))
        .collect();
    let of = |version: &Candidate| decide_one(policy, &rules, &kept, version, now);
    versions.iter().map(of).collect()
}

fn decide_one(
    policy: &RetentionPolicy,
    rules: &[(usize, &RetentionRule)],
    kept: &[Kept<'_>],
    version: &Candidate,
    now: Timestamp,
) -> Decision {
    if let Some(pattern) = matching(&policy.protect, &version.name) {
        return Decision::keep(format!("it is protected: `{pattern}`"), None);
    }
    if version.is_immutable {
        return Decision::keep("it is immutable", None);
    }
    let mut fitting = Vec::new();
    for ((_, rule), kept) in rules.iter().zip(kept) {
        if !rule.versions.matches(&version.name) {
            continue;
        }
        if let Some(reason) = kept.reason(version, now) {
            return Decision::keep(reason, Some(kept.rule));
        }
        fitting.push(kept);
    }
    match fitting.first() {
        None => Decision::keep("no rule fits it", None),
        Some(first) => Decision::delete(unmet(&fitting), Some(first.rule)),
    }
}

/// Why no rule of these keeps a version: each thing once that would have kept it.
fn unmet(rules: &[&Kept<'_>]) -> String {
    let mut told: Vec<String> = Vec::new();
    for reason in rules.iter().flat_map(|rule| rule.unmet()) {
        if !told.contains(&reason) {
            told.push(reason);
        }
    }
    if told.is_empty() {
        told.push("nothing is kept of what the rule fits".to_owned());
    }
    told.join(", ")
}

fn matching<'a>(patterns: &'a [Pattern], name: &str) -> Option<&'a Pattern> {
    patterns.iter().find(|pattern| pattern.matches(name))
}

impl<'a> Kept<'a> {
    fn of(number: usize, rule: &'a RetentionRule, versions: &'a [Candidate]) -> Self {
        let mut fitting: Vec<&Candidate> = versions
            .iter()
            .filter(|version| rule.versions.matches(&version.name))
            .collect();
        let newest_per = match rule.keep.newest_per {
            Some(per) => newest_per(&fitting, per),
            None => HashSet::new(),
        };
        let newest = rule.keep.newest.unwrap_or_default();
        fitting.sort_by_key(|version| Reverse((version.pushed_at, &version.name)));
        fitting.truncate(usize::try_from(newest).unwrap_or(usize::MAX));
        Self {
            rule: number,
            keep: &rule.keep,
            newest: fitting.into_iter().map(|version| &*version.name).collect(),
            newest_per,
        }
    }

    /// Why the rule keeps a version that it fits; `None`: it does not.
    fn reason(&self, version: &Candidate, now: Timestamp) -> Option<String> {
        let keep = self.keep;
        if let Some(count) = keep.newest.filter(|_| self.newest.contains(&*version.name)) {
            return Some(format!("among the newest {count}"));
        }
        let pushed = |span: &larder_model::Span| version.pushed_at >= now.before(span.0);
        if let Some(span) = keep.pushed_within.filter(pushed) {
            return Some(format!("pushed within {span}"));
        }
        let pulled = |span: &larder_model::Span| {
            version
                .used_at
                .is_some_and(|used_at| used_at >= now.before(span.0))
        };
        if let Some(span) = keep.pulled_within.filter(pulled) {
            return Some(format!("pulled within {span}"));
        }
        if let Some(pattern) = matching(&keep.matching, &version.name) {
            return Some(format!("matches `{pattern}`"));
        }
        let per = keep.newest_per?;
        self.newest_per.contains(&*version.name).then(|| {
            let (count, of) = (per.count, per.of.word());
            format!("among the highest {count} of its {of} version")
        })
    }

    /// What would have kept a version that the rule fits and does not keep.
    fn unmet(&self) -> Vec<String> {
        let keep = self.keep;
        let newest = keep
            .newest
            .map(|count| format!("not among the newest {count}"));
        let pushed = keep.pushed_within;
        let pushed = pushed.map(|span| format!("not pushed within {span}"));
        let pulled = keep.pulled_within;
        let pulled = pulled.map(|span| format!("not pulled within {span}"));
        let matching = (!keep.matching.is_empty()).then(|| "no pattern matches".to_owned());
        let per = keep.newest_per.map(|per| {
            let (count, of) = (per.count, per.of.word());
            format!("not among the highest {count} of its {of} version")
        });
        let all = [newest, pushed, pulled, matching, per];
        all.into_iter().flatten().collect()
    }
}

fn newest_per<'a>(fitting: &[&'a Candidate], per: NewestPer) -> HashSet<&'a str> {
    let mut series: BTreeMap<_, Vec<(&'a Candidate, Release)>> = BTreeMap::new();
    for version in fitting {
        let Some(release) = version.release else {
            continue;
        };
        let minor = match per.of {
            Series::Major => 0,
            Series::Minor => release.minor,
        };
        let of = series.entry((release.major, minor)).or_default();
        of.push((version, release));
    }
    let mut kept = HashSet::new();
    for mut versions in series.into_values() {
        // Of two names of one version the one that was pushed last is the newer.
        versions.sort_by_key(|(version, release)| {
            let place = (!release.is_prerelease, release.rank);
            Reverse((place, version.pushed_at, &version.name))
        });
        let count = usize::try_from(per.count).unwrap_or(usize::MAX);
        kept.extend(
            versions
                .iter()
                .take(count)
                .map(|(version, _)| &*version.name),
        );
    }
    kept
}
