use super::*;
use larder_model::Algorithm;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";
const THREE: &str = "3333333333333333333333333333333333333333";

fn oid(text: &str) -> Oid {
    text.parse().expect("a name")
}

fn name(text: &str) -> RefName {
    text.parse().expect("a name")
}

fn state() -> State {
    let target = |text, peeled: Option<&str>| Target {
        oid: oid(text),
        peeled: peeled.map(oid),
    };
    let names = BTreeMap::from([
        (name("refs/heads/main"), target(ONE, None)),
        (name("refs/pull/1/head"), target(TWO, None)),
        (name("refs/tags/v1"), target(ONE, Some(TWO))),
    ]);
    State {
        format: ObjectFormat::Sha1,
        refs: Refs {
            head: Some(name("refs/heads/main")),
            detached: None,
            names,
        },
        absent: BTreeSet::from([name("refs/pull/1/head")]),
        kept: BTreeSet::from([oid(THREE)]),
        packs: vec![Pack {
            name: oid(ONE),
            pack: Digest::of(Algorithm::Sha256, b"pack"),
            index: Digest::of(Algorithm::Sha256, b"index"),
            size: 4,
        }],
    }
}

#[test]
fn what_is_written_is_read_again() {
    for state in [state(), State::default()] {
        let bytes = state.to_bytes().expect("bytes");
        assert_eq!(State::read(&bytes).expect("a state"), state);
    }
    assert!(State::read(b"{}").is_err());
}

#[test]
fn what_was_not_fetched_is_not_here() {
    let state = state();
    assert_eq!(state.tips(), [&oid(ONE), &oid(THREE)]);
    assert!(state.holds(&oid(ONE)) && state.holds(&oid(THREE)));
    assert!(!state.holds(&oid(TWO)));
    let pack = &state.packs[0];
    assert_eq!(pack.pack_path(), format!("packs/{ONE}.pack"));
    assert_eq!(pack.index_path(), format!("packs/{ONE}.idx"));
}
