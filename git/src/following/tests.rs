use super::*;
use crate::refs::Target;
use larder_model::Kind;

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().expect("an object")
}

fn refs(named: &[(&str, char)]) -> Refs {
    let target = |digit: &char| Target {
        oid: oid(*digit),
        peeled: None,
    };
    let all = named
        .iter()
        .map(|(name, digit)| (name.parse().expect("a ref"), target(digit)));
    Refs {
        head: None,
        detached: None,
        names: all.collect(),
    }
}

fn source(named: &[(&str, char)]) -> (ObjectFormat, Refs) {
    (ObjectFormat::default(), refs(named))
}

fn by(source: &(ObjectFormat, Refs)) -> (ObjectFormat, &Refs) {
    (source.0, &source.1)
}

fn none() -> BTreeSet<Oid> {
    BTreeSet::new()
}

#[test]
fn what_a_ref_stood_for_stays() {
    let first = source(&[("refs/heads/main", '1'), ("refs/tags/v1", '2')]);
    let before = following(&State::default(), by(&first), &none()).expect("a state");
    assert!(before.kept.is_empty());
    // A branch is moved aside, and a tag is gone.
    let now = source(&[("refs/heads/main", '3')]);
    let now = following(&before, by(&now), &none()).expect("a state");
    assert_eq!(now.kept, [oid('1'), oid('2')].into());
    assert_eq!(now.tips(), [&oid('1'), &oid('2'), &oid('3')]);
    // What comes back needs no name of ours.
    let back = following(&now, by(&first), &none()).expect("a state");
    assert_eq!(back.kept, [oid('3')].into());
}

#[test]
fn requests_to_merge_come_when_asked_for() {
    let source = source(&[("refs/heads/main", '1'), ("refs/pull/7/head", '2')]);
    let state = following(&State::default(), by(&source), &none()).expect("a state");
    assert_eq!(state.tips(), [&oid('1')]);
    let (asked_for, held) = (oid('2'), state.held());
    assert!(!held.contains(&asked_for));
    let asked = following(&state, by(&source), &[oid('2')].into()).expect("a state");
    assert!(asked.held().contains(&asked_for));
    // And it stays when the upstream is asked again.
    let again = following(&asked, by(&source), &none()).expect("a state");
    assert_eq!(again, asked);
}

#[test]
fn other_names_for_objects_are_refused() {
    let first = source(&[("refs/heads/main", '1')]);
    let mut before = following(&State::default(), by(&first), &none()).expect("a state");
    let digest = "sha256:".to_owned() + &"0".repeat(64);
    before.packs.push(crate::state::Pack {
        name: oid('4'),
        pack: digest.parse().expect("a digest"),
        index: digest.parse().expect("a digest"),
        size: 1,
    });
    let other = (ObjectFormat::Sha256, refs(&[]));
    let problem = following(&before, by(&other), &none()).expect_err("another format");
    assert_eq!(problem.kind, Kind::Upstream);
    assert!(problem.detail.contains("sha256"), "{}", problem.detail);
}
