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
    let (one, two, three) = (oid(ONE), oid(TWO), oid(THREE));
    let held = state.held();
    assert!(held.contains(&one) && held.contains(&three));
    assert!(!held.contains(&two));
    let pack = &state.packs[0];
    assert_eq!(pack.pack_path(), format!("packs/{ONE}.pack"));
    assert_eq!(pack.index_path(), format!("packs/{ONE}.idx"));
}

/// Of a thousand tips an upstream is told a part alone, which is to be the one that it goes on from.
#[test]
fn what_moved_is_told_first() {
    let number = |number: u32| oid(&format!("{number:040x}"));
    let target = |at| Target {
        oid: number(at),
        peeled: None,
    };
    let mut state = State::default();
    let tags = (0..1000).map(|at| (name(&format!("refs/tags/v{at}")), target(at)));
    state.refs.names.extend(tags);
    let branches = [("a", 5000), ("main", 7000), ("z", 6000)];
    let branches = branches.map(|(branch, at)| (name(&format!("refs/heads/{branch}")), target(at)));
    state.refs.names.extend(branches);
    state.refs.head = Some(name("refs/heads/main"));
    state.kept.insert(number(9000));
    let mut now = state.refs.clone();
    now.names.insert(name("refs/heads/z"), target(6001));
    now.names.remove(&name("refs/tags/v7"));
    let told = state.tips_for(&now);
    let first = [6000, 7000, 5000].map(number);
    assert_eq!(told[..3], first.each_ref());
    assert_eq!(told.last(), Some(&&number(9000)));
    let mut sorted = told;
    sorted.sort_unstable();
    assert_eq!(sorted, state.tips(), "each once");
}

#[test]
fn what_nobody_could_read_is_not_written() {
    let mut state = state();
    let long = "x".repeat(900);
    let target = state.refs.names.values().next().expect("a ref").clone();
    let many = MAX_BYTES / 950;
    let names = (0..many).map(|at| (name(&format!("refs/heads/{at:07}{long}")), target.clone()));
    state.refs.names.extend(names);
    let problem = state.to_bytes().expect_err("too large");
    assert_eq!(problem.kind, Kind::TooLarge);
    assert!(problem.detail.contains("64 MiB"), "{}", problem.detail);
}
