//! A thousand random repositories, decided on as the rules read: without order, sets or closures.

use super::super::{Candidate, Image, Link, LinkKind, decide_image};
use super::{NOW, policy, rule_on};
use larder_model::{Digest, RetentionPolicy, Series};

/// Numbers that follow from a seed (xorshift*).
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    pub(super) fn one_of<T: Copy, const N: usize>(&mut self, list: [T; N]) -> T {
        list[usize::try_from(self.below(N as u64)).unwrap_or_default()]
    }
}

fn fits(policy: &RetentionPolicy, rule: usize, package: &str, version: &Candidate) -> bool {
    let rule = &policy.rules[rule];
    rule.packages.matches(package) && rule.versions.matches(&version.name)
}

fn is_newer(one: &Candidate, than: &Candidate) -> bool {
    (one.pushed_at, &one.name) > (than.pushed_at, &than.name)
}

/// Whether `one` stands before `other` in a series that both are of.
fn is_higher(of: Series, one: &Candidate, other: &Candidate) -> bool {
    let (Some(a), Some(b)) = (one.release, other.release) else {
        return false;
    };
    let same = a.major == b.major && (of == Series::Major || a.minor == b.minor);
    if !same {
        return false;
    }
    if a.is_prerelease != b.is_prerelease {
        return b.is_prerelease;
    }
    if a.rank != b.rank {
        return a.rank > b.rank;
    }
    is_newer(one, other)
}

fn keeps(
    policy: &RetentionPolicy,
    rule: usize,
    package: &str,
    all: &[&Candidate],
    it: &Candidate,
) -> bool {
    let keep = &policy.rules[rule].keep;
    let others = || {
        all.iter()
            .filter(|other| fits(policy, rule, package, other))
    };
    let newer = others().filter(|other| is_newer(other, it)).count();
    let within = |span: larder_model::Span| NOW.before(span.0);
    keep.newest.is_some_and(|newest| newer < newest as usize)
        || keep
            .pushed_within
            .is_some_and(|span| it.pushed_at >= within(span))
        || keep
            .pulled_within
            .is_some_and(|span| it.used_at.is_some_and(|at| at >= within(span)))
        || keep
            .matching
            .iter()
            .any(|pattern| pattern.matches(&it.name))
        || keep.newest_per.is_some_and(|per| {
            let higher = others()
                .filter(|other| is_higher(per.of, other, it))
                .count();
            it.release.is_some() && higher < per.count as usize
        })
}

fn goes(policy: &RetentionPolicy, package: &str, all: &[&Candidate], it: &Candidate) -> bool {
    let rules = 0..policy.rules.len();
    let is_protected = policy
        .protect
        .iter()
        .any(|pattern| pattern.matches(&it.name));
    let fitting: Vec<usize> = rules
        .filter(|rule| fits(policy, *rule, package, it))
        .collect();
    !fitting.is_empty()
        && !is_protected
        && !it.is_immutable
        && !fitting
            .iter()
            .any(|rule| keeps(policy, *rule, package, all, it))
}

/// Which manifests lead a manifest: an index its children, a subject its referrers.
fn leaders(links: &[Link], of: Digest, there: &[Digest]) -> Vec<Digest> {
    let leader = |link: &Link| match link.kind {
        LinkKind::Child if link.child == of => Some(link.parent),
        LinkKind::Subject if link.parent == of => Some(link.child),
        _ => None,
    };
    let leaders = links.iter().filter_map(leader);
    leaders
        .filter(|leader| there.contains(leader) && *leader != of)
        .collect()
}

/// Adds to a list all that follow one in it.
fn add_followers(list: &mut Vec<Digest>, image: &Image, there: &[Digest]) {
    loop {
        let follows = |of: &Digest| {
            let leaders = leaders(&image.links, *of, there);
            !list.contains(of) && leaders.iter().any(|leader| list.contains(leader))
        };
        let Some(next) = there.iter().copied().find(follows) else {
            break;
        };
        list.push(next);
    }
}

/// The tags and the manifests that go, each sorted.
fn expected(policy: &RetentionPolicy, package: &str, image: &Image) -> (Vec<String>, Vec<Digest>) {
    let all: Vec<&Candidate> = image.tags.iter().map(|it| &it.tag).collect();
    let there: Vec<Digest> = image.manifests.iter().map(|it| it.digest).collect();
    let tag_goes = |tag: &Candidate| goes(policy, package, &all, tag);
    let due = |of: &super::Manifest| {
        policy
            .untagged_after
            .is_some_and(|after| of.untagged_since <= NOW.before(after.0))
    };
    // Whether it stays, and whether it goes, by itself: neither, where it only follows.
    let mut stays: Vec<Digest> = Vec::new();
    let mut leaves: Vec<Digest> = Vec::new();
    for manifest in &image.manifests {
        let tags: Vec<_> = image
            .tags
            .iter()
            .filter(|it| it.digest == manifest.digest)
            .collect();
        let leads = leaders(&image.links, manifest.digest, &there).is_empty();
        if tags.iter().any(|it| !tag_goes(&it.tag)) || (tags.is_empty() && leads && !due(manifest))
        {
            stays.push(manifest.digest);
        } else if !tags.is_empty() || leads {
            leaves.push(manifest.digest);
        }
    }
    // Who follows one that stays stays; who follows one that goes goes, if it does not stay. Of those
    // that follow one another in a circle nothing says that they go.
    add_followers(&mut stays, image, &there);
    add_followers(&mut leaves, image, &there);
    let decided = |digest: &Digest| stays.contains(digest) || leaves.contains(digest);
    let circle: Vec<Digest> = there
        .iter()
        .copied()
        .filter(|digest| !decided(digest))
        .collect();
    stays.extend(circle);
    add_followers(&mut stays, image, &there);
    leaves.retain(|digest| !stays.contains(digest));
    leaves.sort_unstable();
    let mut tags: Vec<String> = all
        .iter()
        .filter(|tag| tag_goes(tag))
        .map(|tag| tag.name.to_string())
        .collect();
    tags.sort_unstable();
    (tags, leaves)
}

fn random_keep(random: &mut Random) -> String {
    let mut conditions = Vec::new();
    let mut maybe = |random: &mut Random, text: String| {
        if random.below(3) == 0 {
            conditions.push(text);
        }
    };
    let (count, days) = (random.below(4), random.below(12));
    maybe(random, format!(r#""newest":{count}"#));
    maybe(random, format!(r#""pushed_within":"{days}d""#));
    maybe(random, format!(r#""pulled_within":"{days}d""#));
    maybe(random, r#""matching":["v*"]"#.to_owned());
    let of = random.one_of(["major", "minor"]);
    maybe(
        random,
        format!(r#""newest_per":{{"of":"{of}","count":{count}}}"#),
    );
    format!("{{{}}}", conditions.join(","))
}

fn random_policy(random: &mut Random) -> RetentionPolicy {
    let patterns = ["*", "*", "1.*", "v*", "*-rc", "t*"];
    let rules: Vec<String> = (0..random.below(4))
        .map(|_| {
            let packages = random.one_of(["*", "app", "lib"]);
            let versions = random.one_of(patterns);
            rule_on(packages, versions, &random_keep(random))
        })
        .collect();
    let untagged = random.one_of(["null", "\"5d\"", "\"0s\""]);
    let protect = random.one_of(["[]", "[\"t1\"]", "[\"2.*\"]"]);
    let rest = format!(r#","protect":{protect},"untagged_after":{untagged}"#);
    policy(&rules.join(","), &rest)
}

/// Manifests name only those before them, as those whose digests are known.
fn random_image(random: &mut Random) -> Image {
    let count = 1 + random.below(9);
    let names: Vec<String> = (0..count).map(|number| format!("m{number}")).collect();
    let manifests: Vec<String> = names
        .iter()
        .map(|name| format!("{name}@{}", random.below(10)))
        .collect();
    let mut links = Vec::new();
    for number in 1..count {
        for _ in 0..random.below(3) {
            let other = random.below(number);
            let kind = random.one_of([">", "~"]);
            links.push(format!("m{number}{kind}m{other}"));
        }
    }
    let mut tags = Vec::new();
    for number in 0..random.below(12) {
        let (a, b, c) = (random.below(3), random.below(3), random.below(3));
        let name = match random.below(4) {
            0 => format!("t{number}"),
            1 => format!("v{a}.{b}.{c}"),
            2 => format!("{a}.{b}.{c}-rc"),
            _ => format!("{a}.{b}.{c}"),
        };
        let immutable = if random.below(8) == 0 { "!" } else { "" };
        let pulled = random.below(12);
        let pulled = if pulled < 6 {
            format!("/{pulled}")
        } else {
            String::new()
        };
        let of = random.below(count);
        let tag = format!("{name}@{}{pulled}{immutable}=m{of}", random.below(12));
        if !tags
            .iter()
            .any(|other: &String| other.split('@').next() == Some(&name))
        {
            tags.push(tag);
        }
    }
    let (tags, manifests, links) = (texts(&tags), texts(&manifests), texts(&links));
    super::image(&tags, &manifests, &links)
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

#[test]
fn random_repositories_agree_with_the_plain_reading() {
    let (mut deleted, mut kept) = (0, 0);
    for number in 0..1000_u64 {
        let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let policy = random_policy(&mut random);
        let image = random_image(&mut random);
        let outcome = decide_image(&policy, "app", &image, NOW);
        let mut tags: Vec<String> = outcome
            .removals
            .iter()
            .filter_map(|removal| removal.tag.as_ref().map(ToString::to_string))
            .collect();
        tags.sort_unstable();
        let mut manifests: Vec<Digest> = outcome
            .removals
            .iter()
            .flat_map(|removal| removal.manifests.clone())
            .collect();
        manifests.sort_unstable();
        let expected = expected(&policy, "app", &image);
        assert_eq!(
            (&tags, &manifests),
            (&expected.0, &expected.1),
            "{number}: {policy:?} {image:?}"
        );
        deleted += tags.len();
        kept += image.tags.len() - tags.len();
    }
    // Both happen often, else this shows nothing.
    assert!(
        deleted > 500 && kept > 500,
        "{deleted} deleted, {kept} kept"
    );
}
