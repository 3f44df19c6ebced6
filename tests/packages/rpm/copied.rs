//! A copy of a package in another repository is told of and installed as the first one.

use super::group::{binary, mirror, publish_upstream};
use super::{CHECKED, Machine, Makers, SIGNER, larder, name_of, put, save, set_key, small, told};
use crate::copied::{copy_from, promote};
use larder_tests::engine::is_root;
use larder_tests::{Upstream, tool};
use serde_json::json;

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

#[test]
fn dnf_installs_what_was_promoted() {
    let (Some(dnf), Some(_), Some(_), true) = (
        tool("dnf"),
        tool("createrepo_c"),
        tool("python3"),
        is_root(),
    ) else {
        return;
    };
    let (larder, upstream) = (larder(), Upstream::start());
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let key = makers.key(SIGNER, "rsa3072", "sign");
    let one = binary(makers.build(&small("one", "1.0")));
    makers.sign(SIGNER, std::slice::from_ref(&one));
    publish_upstream(&larder, &upstream, "", std::slice::from_ref(&one));
    mirror(&larder, &upstream);
    let prod = json!({"protocol": "rpm", "name": "prod", "kind": "hosted"});
    larder.api("POST", "repositories", &prod.to_string(), 201);
    let from = ("rpm", "upstream");
    let unknown = copy_from(&larder, from, ("one", "2.0-1.noarch"), 404);
    assert_eq!(unknown["code"], json!("version_not_found"));
    let copied = copy_from(&larder, from, ("one", "1.0-1.noarch"), 200);
    assert_eq!(copied["files"], json!(1));
    assert_eq!(
        copy_from(&larder, from, ("one", "1.0-1.noarch"), 200),
        copied
    );
    // What it tells is what publishing it tells.
    let bytes = std::fs::read(&one).expect("package");
    let path = format!("/rpm/local/Packages/{}", name_of(&one));
    put(&larder, &path, &bytes).expect(201);
    let tells = |repo: &str| {
        let at = larder.folder().join(repo);
        save(&larder, repo, &at);
        let text = told(&at);
        let lines = text.lines().filter(|line| !line.contains("time"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tells("prod"), tells("local"));
    upstream.go();
    larder.api("DELETE", "repositories/rpm/upstream?force=true", "", 204);
    set_key(&larder, "prod", &key);
    let machine = Machine::new(&larder, &dnf, "prod", CHECKED);
    machine.installs(&["one"]);
    assert_eq!(machine.holds("one"), "1.0");
    // A deleted release stays reserved, for copies as for publishing.
    let version = "repositories/rpm/prod/packages/one/versions/1.0-1.noarch";
    larder.api("DELETE", version, "", 204);
    let gone = copy_from(&larder, ("rpm", "local"), ("one", "1.0-1.noarch"), 409);
    let detail = gone["detail"].as_str().expect("detail");
    assert!(detail.contains("stays reserved"), "{detail}");
}
