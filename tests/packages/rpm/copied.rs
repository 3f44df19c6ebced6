//! A copy of a package in another repository is told of and installed as the first one.

use super::{CHECKED, Machine, Makers, SIGNER, larder, put, save, set_key, small, told};
use crate::copied::promote;
use larder_tests::engine::is_root;
use larder_tests::tool;

#[test]
fn dnf_installs_a_copy() {
    let (Some(dnf), Some(_), true) = (tool("dnf"), tool("python3"), is_root()) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let key = makers.key(SIGNER, "rsa3072", "sign");
    let one = makers.build(&small("one", "1.0"));
    makers.sign(SIGNER, &one);
    let bytes = std::fs::read(&one[0]).expect("package");
    put(&larder, "/rpm/local/a/one-1.0-1.noarch.rpm", &bytes).expect(201);
    let tells = |repo: &str| {
        let at = larder.folder().join(repo);
        save(&larder, repo, &at);
        told(&at)
    };
    let before = tells("local");
    promote(&larder, "rpm", "one", "1.0-1.noarch");
    let after = tells("prod");
    assert!(after.contains("a/one-1.0-1.noarch.rpm"), "{after}");
    // When it came here is its own.
    let own = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("time"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(own(&after), own(&before));
    set_key(&larder, "prod", &key);
    let machine = Machine::new(&larder, &dnf, "prod", CHECKED);
    machine.installs(&["one"]);
    assert_eq!(machine.holds("one"), "1.0");
}
