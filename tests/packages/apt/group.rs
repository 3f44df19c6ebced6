//! A group of what is published here and of an upstream's archive.

use super::client::{apt, has, prepare};
use super::hosted::{larder, put};
use crate::house::Who;
use larder_tests::debs::{Archive, Deb, Keys};
use larder_tests::home::Home;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::run;
use larder_tests::{Upstream, tool};
use serde_json::json;

#[test]
fn suites_of_one_member_are_as_they_are_and_those_of_several_merged() {
    let Some(program) = tool("apt-get") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let make = |name: &str| Keys::make(&folder.path().join(name), "never");
    let (Some(keys), Some(theirs)) = (make("keys"), make("theirs")) else {
        return;
    };
    let larder = larder(&keys);
    let upstream = Upstream::start();
    let archive = Archive::new(&upstream);
    let debs = [
        Deb::new("demo", "1.0"),
        Deb::new("secret", "9.0"),
        Deb::new("theirs", "1.0").of("amd64").needs("demo"),
    ];
    archive.put("stable", &debs, &theirs);
    let settings = json!({"upstream": {"url": archive.url(), "allow_private": true,
        "trusted_keys": theirs.public()}});
    larder.api(
        "PATCH",
        "repositories/deb/upstream",
        &settings.to_string(),
        200,
    );
    // One member has it: byte for byte, with its signature.
    let reader = larder.user("reader", PASSWORD);
    let list = "/deb/main/dists/stable/InRelease";
    let there = upstream.body("/debian/dists/stable/InRelease");
    assert_eq!(reader.get(list).expect(200).body, there);
    reader
        .get("/deb/main/pool/main/demo_1.0_all.deb")
        .expect(200);
    put(&larder, "unstable/main", &Deb::new("secret", "1.0")).expect(201);
    let own = "/dists/unstable/InRelease";
    let served = reader.get(&format!("/deb/main{own}")).expect(200).body;
    assert_eq!(
        served,
        reader.get(&format!("/deb/local{own}")).expect(200).body
    );
    // A name that is published here is nobody else's, though the list tells of it.
    upstream.take_asked();
    reader
        .get("/deb/main/pool/main/secret_9.0_all.deb")
        .expect(404);
    assert_eq!(upstream.take_asked().len(), 0, "nobody is asked for it");
    reader
        .get("/deb/main/pool/unstable/main/secret_1.0_all.deb")
        .expect(200);
    // Two members have it: merged, and signed with the group's key.
    put(
        &larder,
        "stable/main",
        &Deb::new("ours", "1.0").of("amd64").needs("theirs"),
    )
    .expect(201);
    let home = Home::of(&larder, Who::Reader, ("apt", "deb/main"), &[program]);
    prepare(&home, "stable");
    run(&mut apt(
        &home,
        "apt-get update && apt-get -y -d install ours",
    ));
    for deb in [
        "ours_1.0_amd64.deb",
        "theirs_1.0_amd64.deb",
        "demo_1.0_all.deb",
    ] {
        assert!(has(&home, deb), "{deb}");
    }
    let policy = run(&mut apt(&home, "apt-cache policy secret"));
    assert!(!policy.contains("9.0"), "{policy}");
    let merged = reader.get(list).expect(200).text();
    assert!(
        merged.contains("Origin: Tests") && merged.as_bytes() != there,
        "{merged}"
    );
    // With the upstream away all of it is there.
    upstream.go();
    let other = Home::of(
        &larder,
        Who::Reader,
        ("apt", "deb/main"),
        &[tool("apt-get").expect("apt")],
    );
    prepare(&other, "stable");
    run(&mut apt(
        &other,
        "apt-get update && apt-get -y -d install ours",
    ));
    // A package that is blocked in the group is refused, with the reason in the status line.
    let blocked = json!({"blocked": [{"package": "theirs", "reason": "it steals passwords"}]});
    larder.api("PATCH", "repositories/deb/main", &blocked.to_string(), 200);
    let told = reader
        .get("/deb/main/pool/main/theirs_1.0_amd64.deb")
        .expect(403)
        .text();
    assert!(told.contains("it steals passwords"), "{told}");
}
