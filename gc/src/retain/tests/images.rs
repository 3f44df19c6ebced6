use super::super::{Image, decide_image};
use super::{NOW, digest, image, policy, rule};
use larder_model::Digest;

/// The tags and manifests that stay, in the order in which the image has them.
fn survivors(rules: &str, rest: &str, image: &Image, names: &[&str]) -> (String, String) {
    let outcome = decide_image(&policy(rules, rest), "app", image, NOW);
    let mut gone_tags: Vec<&str> = Vec::new();
    let mut gone: Vec<Digest> = Vec::new();
    for removal in &outcome.removals {
        gone_tags.extend(removal.tag.as_deref());
        gone_tags.extend(removal.attached.iter().map(|tag| &**tag));
        gone.extend(&removal.manifests);
    }
    let mut distinct = gone.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), gone.len(), "a manifest goes twice");
    let decided = image.tags.iter().zip(&outcome.tags);
    for (tagged, decision) in decided {
        let goes = gone_tags.contains(&&*tagged.tag.name);
        assert_eq!(decision.deletes(), goes, "{}", tagged.tag.name);
    }
    let tags = image.tags.iter().map(|it| &*it.tag.name);
    let tags: Vec<&str> = tags.filter(|tag| !gone_tags.contains(tag)).collect();
    let manifests = names
        .iter()
        .map(|name| name.split('@').next().unwrap_or(name));
    let manifests: Vec<&str> = manifests
        .filter(|name| !gone.contains(&digest(name)))
        .collect();
    (tags.join(" "), manifests.join(" "))
}

#[track_caller]
fn check(
    rest: &str,
    (tags, manifests, links): (&[&str], &[&str], &[&str]),
    (left_tags, left): (&str, &str),
) {
    let newest = rule(r#"{"newest":1}"#);
    let image = image(tags, manifests, links);
    let found = survivors(&newest, rest, &image, manifests);
    assert_eq!(found, (left_tags.to_owned(), left.to_owned()));
}

const UNTAGGED: &str = r#","protect":[],"untagged_after":"7d""#;

#[test]
fn a_manifest_goes_with_its_last_tag() {
    check("", (&["a@2=m", "b@1=n"], &["m", "n"], &[]), ("b", "n"));
    check("", (&["a@2=m", "b@1=m"], &["m"], &[]), ("b", "m"));
    check(
        "",
        (&["a@3=m", "b@2=m", "c@1=n"], &["m", "n"], &[]),
        ("c", "n"),
    );
}

#[test]
fn children_follow_their_index() {
    let links = ["i>m", "i>n", "j>n", "j>o"];
    let names = ["i", "j", "m", "n", "o"];
    check("", (&["a@2=i", "b@1=j"], &names, &links), ("b", "j n o"));
    // A child with a tag of its own that goes stays with its index.
    check(
        "",
        (&["m@2=m", "b@1=i"], &["i", "m"], &["i>m"]),
        ("b", "i m"),
    );
    // One whose own tag stays outlives its index.
    check("", (&["a@2=i", "m@1=m"], &["i", "m"], &["i>m"]), ("m", "m"));
}

#[test]
fn referrers_follow_their_subject() {
    let names = ["m", "n", "s", "t", "u"];
    let links = ["s~m", "t~n", "u~s"];
    check("", (&["a@2=m", "b@1=n"], &names, &links), ("b", "n t"));
    // An index that stays keeps what is about its children.
    check(
        "",
        (&["b@1=i"], &["i", "m", "s"], &["i>m", "s~m"]),
        ("b", "i m s"),
    );
    // A referrer has parts of its own.
    let links = ["s~m", "s>p"];
    check(
        "",
        (&["a@2=m", "b@1=n"], &["m", "n", "s", "p"], &links),
        ("b", "n"),
    );
}

#[test]
fn tags_that_are_called_after_a_manifest_follow_it() {
    let tag = |of: &str, ending: &str| format!("sha256-{}{ending}", digest(of).hex());
    let (old, new) = (tag("m", ".sig"), tag("n", ".att"));
    let (old_at, new_at) = (format!("{old}@1=s"), format!("{new}@9=t"));
    let tags = ["a@3=m", &*old_at, "b@2=n", &*new_at];
    let names = ["m", "n", "s", "t"];
    check("", (&tags, &names, &[]), (&format!("b {new}"), "n t"));
    // Without its subject such a tag is one like any other.
    let lost = tag("gone", "");
    let lost_at = format!("{lost}@3=s");
    check("", (&[&*lost_at, "b@2=n"], &["n", "s"], &[]), ("b", "n"));
    // An immutable one keeps its subject.
    let held_at = format!("{old}@9!=s");
    let tags = ["a@3=m", &*held_at, "b@2=n"];
    check(
        "",
        (&tags, &["m", "n", "s"], &[]),
        (&format!("{old} b"), "m n s"),
    );
}

#[test]
fn manifests_that_are_called_after_one_another_stay() {
    let one = format!("sha256-{}@9=n", digest("m").hex());
    let other = format!("sha256-{}@9=m", digest("n").hex());
    let tags = [&*one, &*other, "b@1=o"];
    let outcome = decide_image(
        &policy(&rule("{}"), ""),
        "app",
        &image(&tags, &["m", "n", "o"], &[]),
        NOW,
    );
    let gone: Vec<_> = outcome
        .removals
        .iter()
        .map(|it| it.tag.as_deref())
        .collect();
    assert_eq!(gone, [Some("b")]);
}

#[test]
fn untagged_manifests_go_after_a_while() {
    let rest = UNTAGGED;
    let tags = ["b@1=n"];
    check("", (&tags, &["m@99", "n"], &[]), ("b", "m n"));
    check(rest, (&tags, &["m@6", "n"], &[]), ("b", "m n"));
    check(rest, (&tags, &["m@7", "n"], &[]), ("b", "n"));
    // Not those that follow what stays, but those that follow what goes.
    let links = ["n>c", "s~n", "m>d", "t~m"];
    let names = ["m@9", "n", "c@9", "s@9", "d@1", "t@1"];
    check(rest, (&tags, &names, &links), ("b", "n c s"));
    // What is about nothing that is there is an untagged one.
    check(
        rest,
        (&tags, &["n", "s@9", "t@1"], &["s~x", "t~x"]),
        ("b", "n t"),
    );
}

#[test]
fn untagged_manifests_are_told_of() {
    let image = image(&["b@1=n"], &["m@9", "k@1", "n", "c@9"], &["n>c"]);
    let policy = policy(&rule(r#"{"newest":1}"#), UNTAGGED);
    let told: Vec<_> = decide_image(&policy, "app", &image, NOW)
        .untagged
        .into_iter()
        .map(|(digest, decision)| (digest, decision.reason))
        .collect();
    let expected = [
        (digest("m"), "it has had no tag for 7d".to_owned()),
        (digest("k"), "it has had no tag for less than 7d".to_owned()),
    ];
    assert_eq!(told, expected);
}
