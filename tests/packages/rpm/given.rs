//! Advisories, groups of packages and modules, which whoever publishes gives.

use super::{CHECKED, Machine, Makers, SIGNER, larder, name_of, put, set_key, small, upload};
use larder_tests::engine::is_root;
use larder_tests::shelf::gzip;
use larder_tests::tool;

const ADVISORIES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates><update from="us@registry.example" status="final" type="security" version="1">
<id>OURS-1</id><title>Mend one</title><severity>Important</severity><issued date="2024-01-01 00:00:00"/>
<description>It is mended.</description><references/>
<pkglist><collection short="ours"><name>ours</name>
<package name="one" version="2.0" release="1" epoch="0" arch="noarch" src="one-2.0-1.src.rpm">
<filename>one-2.0-1.noarch.rpm</filename></package>
</collection></pkglist></update></updates>
"#;
const GROUPS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps><group><id>ours</id><name>Our things</name><description>All</description><default>true</default>
<uservisible>true</uservisible><packagelist><packagereq type="mandatory">one</packagereq></packagelist></group></comps>
"#;
const MODULES: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: ourmodule\n  stream: \"1\"\n  version: 1\n  \
    context: 00000000\n  arch: x86_64\n  summary: A module\n  description: >-\n    A module.\n  \
    license:\n    module: [MIT]\n  profiles:\n    \
    default:\n      rpms: [one]\n  artifacts:\n    rpms: [one-0:1.0-1.noarch]\n...\n";

#[test]
fn dnf_lists_what_was_given() {
    let (Some(dnf), Some(_), true) = (tool("dnf"), tool("curl"), is_root()) else {
        return;
    };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    set_key(&larder, "local", &makers.key(SIGNER, "ed25519", "sign"));
    let one = makers.build(&small("one", "1.0"));
    makers.sign(SIGNER, &one);
    upload(&larder, &one[0], "/rpm/local/");
    let machine = Machine::new(&larder, &dnf, "local", CHECKED);
    machine.installs(&["one"]);
    let two = makers.build(&small("one", "2.0"));
    makers.sign(SIGNER, &two);
    upload(&larder, &two[0], "/rpm/local/");

    put(
        &larder,
        "/rpm/local/repodata/updateinfo.xml",
        ADVISORIES.as_bytes(),
    )
    .expect(201);
    put(&larder, "/rpm/local/repodata/comps.xml", GROUPS.as_bytes()).expect(201);
    put(
        &larder,
        "/rpm/local/repodata/modules.yaml.gz",
        &gzip(MODULES.as_bytes()),
    )
    .expect(201);
    let told = machine.run(&["--refresh", "updateinfo", "list"]);
    assert!(
        told.contains("OURS-1") && told.contains("one-2.0-1.noarch"),
        "{told}"
    );
    assert!(machine.run(&["group", "list"]).contains("Our things"));
    let told = machine.run(&["module", "list"]);
    assert!(told.contains("ourmodule"), "{told}");
    // A group of repositories passes them on.
    let told = Machine::new(&larder, &dnf, "main", "gpgcheck=0").run(&["module", "list"]);
    assert!(told.contains("ourmodule"), "{told}");

    // What is given again takes the place of what was.
    put(
        &larder,
        "/rpm/local/repodata/updateinfo.xml.gz",
        &gzip(ADVISORIES.replace("OURS-1", "OURS-2").as_bytes()),
    )
    .expect(201);
    let told = machine.run(&["--refresh", "updateinfo", "list"]);
    assert!(
        told.contains("OURS-2") && !told.contains("OURS-1"),
        "{told}"
    );
    larder
        .admin()
        .send("DELETE", "/rpm/local/repodata/updateinfo.xml", &[], b"")
        .expect(200);
    assert!(
        !machine
            .run(&["--refresh", "updateinfo", "list"])
            .contains("OURS-2")
    );
    assert!(name_of(&two[0]).starts_with("one-2.0"));
}

#[test]
fn what_is_no_such_metadata_is_refused() {
    let larder = larder();
    for (path, body) in [
        ("updateinfo.xml", "<updates><update></updates>"),
        ("updateinfo.xml", "<updates>"),
        ("updateinfo.xml", "<comps/>"),
        ("updateinfo.xml", "<updates/><updates/>"),
        ("updateinfo.xml", ""),
        ("comps.xml", "<!DOCTYPE comps [<!ENTITY a \"b\">]><comps/>"),
        ("modules.yaml", "name: no module"),
        ("modules.yaml.gz", "\u{1f}no gzip"),
    ] {
        let answer = put(
            &larder,
            &format!("/rpm/local/repodata/{path}"),
            body.as_bytes(),
        );
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
    }
    for path in ["repomd.xml", "primary.xml.gz", "repomd.xml.asc"] {
        put(
            &larder,
            &format!("/rpm/local/repodata/{path}"),
            b"<repomd/>",
        )
        .expect(400);
    }
    // Whoever may publish some packages may not speak for the whole repository.
    let maker = larder.make_user("maker");
    larder.grant("user:maker", "rpm/local", "one*", "writer");
    larder.grant("user:maker", "rpm/local", "*", "reader");
    let answer = maker.send(
        "PUT",
        "/rpm/local/repodata/updateinfo.xml",
        &[],
        ADVISORIES.as_bytes(),
    );
    assert_eq!(answer.status, 403, "{}", answer.text());
    put(
        &larder,
        "/rpm/upstream/repodata/updateinfo.xml",
        ADVISORIES.as_bytes(),
    )
    .expect(405);
}
