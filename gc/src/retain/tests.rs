//! Rules on packages and images: a table of cases, and random ones against the plainest reading of the
//! rules.

mod images;
mod oracle;
mod mirrors;
mod packages;

use super::{Candidate, Image, Link, LinkKind, Manifest, TaggedDigest};
use larder_model::{Algorithm, Digest, Release, RetentionPolicy, Timestamp};
use std::time::Duration;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn days_ago(days: u64) -> Timestamp {
    NOW.before(Duration::from_hours(24 * days))
}

/// A policy of these rules; `rest` is more of its fields, with a comma before them.
fn policy(rules: &str, rest: &str) -> RetentionPolicy {
    let mut text = format!(r#"{{"enabled":true,"rules":[{rules}],"trash":"7d"{rest}"#);
    for (field, absent) in [("protect", "[]"), ("untagged_after", "null")] {
        if !rest.contains(field) {
            text.push_str(&format!(r#","{field}":{absent}"#));
        }
    }
    text.push('}');
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A rule on all versions of all packages.
fn rule(keep: &str) -> String {
    rule_on("*", "*", keep)
}

fn rule_on(packages: &str, versions: &str, keep: &str) -> String {
    format!(r#"{{"packages":"{packages}","versions":"{versions}","keep":{keep}}}"#)
}

/// `name@days`, `name@days/days since it was pulled`, with `!` at the end if it is immutable.
fn candidate(text: &str) -> Candidate {
    let (text, is_immutable) = match text.strip_suffix('!') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (name, days) = text.split_once('@').expect("name@days");
    let (pushed, pulled) = match days.split_once('/') {
        Some((pushed, pulled)) => (pushed, Some(pulled)),
        None => (days, None),
    };
    let moment = |text: &str| days_ago(text.parse().expect("days"));
    Candidate {
        name: name.into(),
        pushed_at: moment(pushed),
        used_at: pulled.map(moment),
        is_immutable,
        release: release(name),
    }
}

/// What `v1.2.3-rc` says; its rank is made of its numbers.
fn release(name: &str) -> Option<Release> {
    let (numbers, before) = match name.split_once('-') {
        Some((numbers, before)) => (numbers, Some(before)),
        None => (name, None),
    };
    let mut parts = numbers.trim_start_matches('v').split('.');
    let mut next = || parts.next()?.parse::<u64>().ok();
    let (major, minor, patch) = (next()?, next()?, next()?);
    let rank = (major * 1000 + minor) * 1000 + patch;
    Some(Release {
        major: (0, major),
        minor,
        is_prerelease: before.is_some(),
        rank: usize::try_from(rank * 10 + u64::from(before.is_none())).expect("rank"),
    })
}

fn digest(name: &str) -> Digest {
    Digest::of(Algorithm::Sha256, name.as_bytes())
}

/// An image of `tag@days=manifest`, manifests with the days since which they have no tag (`m@3`), and
/// links: `index>child`, `signature~subject`.
fn image(tags: &[&str], manifests: &[&str], links: &[&str]) -> Image {
    let tagged = |text: &&str| {
        let (tag, manifest) = text.rsplit_once('=').expect("tag=manifest");
        TaggedDigest {
            tag: candidate(tag),
            digest: digest(manifest),
        }
    };
    let manifest = |text: &&str| {
        let (name, days) = text.split_once('@').unwrap_or((text, "0"));
        Manifest {
            digest: digest(name),
            untagged_since: days_ago(days.parse().expect("days")),
        }
    };
    let link = |text: &&str| {
        let (parent, child, kind) = if let Some((parent, child)) = text.split_once('>') {
            (parent, child, LinkKind::Child)
        } else {
            let (parent, child) = text.split_once('~').expect("link");
            (parent, child, LinkKind::Subject)
        };
        Link {
            parent: digest(parent),
            child: digest(child),
            kind,
        }
    };
    Image {
        tags: tags.iter().map(tagged).collect(),
        manifests: manifests.iter().map(manifest).collect(),
        links: links.iter().map(link).collect(),
    }
}
