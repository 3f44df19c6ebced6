//! Spellings of a published name: all of them are taken, as far as its clients take them for one.

use crate::confusion::{is_ours, ours, with_upstream};
use crate::groups::{index, make};
use crate::larder;
use larder_tests::parcel::{publish, publish_to, wheel_name};
use serde_json::json;

/// Every way to write a name in which letters and `-` may stand otherwise.
fn spellings(name: &str, dashes: &[&str]) -> Vec<String> {
    let cases = [str::to_lowercase, str::to_uppercase, |name: &str| {
        name.chars()
            .enumerate()
            .map(|(at, char)| {
                if at % 2 == 0 {
                    char.to_ascii_uppercase()
                } else {
                    char
                }
            })
            .collect()
    }];
    let mut all = Vec::new();
    for case in cases {
        let mut made = vec![String::new()];
        for char in case(name).chars() {
            let ways: Vec<String> = if char == '-' {
                dashes.iter().map(|&dash| dash.to_owned()).collect()
            } else {
                vec![char.into()]
            };
            made = made
                .iter()
                .flat_map(|begin| ways.iter().map(move |way| format!("{begin}{way}")))
                .collect();
        }
        all.extend(made);
    }
    all
}

/// Where an index of crates has a name of four letters and more.
fn place(name: &str) -> String {
    format!("{}/{}/{name}", &name[..2], &name[2..4])
}

#[test]
fn spellings_of_one_crate_are_one_name() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "cargo");
    ours(&larder, "cargo", "Left-Pad_x", b"");
    let admin = larder.admin();
    let all = spellings("left-pad-x", &["-", "_"]);
    assert_eq!(all.len(), 12);
    for name in &all {
        let lower = name.to_lowercase();
        let line = json!({"name": lower, "vers": "9.0.0", "deps": [], "cksum": "00", "features": {}, "yanked": false});
        upstream.put(&format!("/cargo/{}", place(&lower)), format!("{line}\n"));
        upstream.put(
            &format!("/cargo/crates/{lower}/9.0.0/download"),
            b"what the world has",
        );
    }
    upstream.take_asked();
    for name in &all {
        // Clients ask for the very name; a crate of another spelling is not there.
        let told = admin.get(&format!("/cargo/main/{}", place(name)));
        assert_eq!(
            told.status,
            if name.to_lowercase() == "left-pad_x" {
                200
            } else {
                404
            },
            "{name}"
        );
        assert!(!told.text().contains("9.0.0"), "{name}: {}", told.text());
        admin
            .get(&format!("/cargo/main/api/v1/crates/{name}/9.0.0/download"))
            .expect(404);
        larder
            .anonymous()
            .get(&format!("/cargo/main/{}", place(name)))
            .expect(404);
        larder
            .anonymous()
            .get(&format!("/cargo/main/api/v1/crates/{name}/9.0.0/download"))
            .expect(404);
        if name != "Left-Pad_x" {
            let told = publish(&admin, "cargo", name, "2.0.0", b"")
                .expect(409)
                .text();
            assert!(told.contains("published as `Left-Pad_x`"), "{told}");
        }
    }
    assert_eq!(upstream.total(), 0, "{:?}", upstream.take_asked());
}

#[test]
fn spellings_of_one_project_are_one_name() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "pypi");
    let mut page =
        json!({"meta": {"api-version": "1.1"}, "name": "acme-demo-x", "versions": [], "files": []});
    let theirs = wheel_name("acme-demo-x", "9.0.0");
    let url = format!("{}pypi/files/{theirs}", upstream.url());
    page["files"] = json!([{"filename": theirs, "url": url, "hashes": {}}]);
    upstream.put("/pypi/simple/acme-demo-x/", page.to_string());
    upstream.put(&format!("/pypi/files/{theirs}"), b"what the world has");
    let index = "/pypi/main/simple/acme-demo-x/";
    assert!(
        larder
            .anonymous()
            .get(index)
            .expect(200)
            .text()
            .contains("9.0.0"),
        "as long as nothing is published"
    );
    ours(&larder, "pypi", "Acme.Demo_x", b"");
    upstream.take_asked();
    let admin = larder.admin();
    let all = spellings(
        "acme-demo-x",
        &["-", "_", ".", "--", "-.-", "__", "..", "_-."],
    );
    assert_eq!(all.len(), 192);
    for name in &all {
        if name != "acme-demo-x" {
            let moved = admin.get(&format!("/pypi/main/simple/{name}/")).expect(301);
            assert_eq!(moved.header("location"), Some(index), "{name}");
        }
        let (own, theirs) = (wheel_name("acme-demo-x", "1.0.0"), &theirs);
        admin
            .get(&format!("/pypi/main/packages/{name}/{own}"))
            .expect(200);
        for file in [theirs, &format!("{theirs}.metadata")] {
            admin
                .get(&format!("/pypi/main/packages/{name}/{file}"))
                .expect(404);
            larder
                .anonymous()
                .get(&format!("/pypi/main/packages/{name}/{file}"))
                .expect(404);
        }
    }
    for kind in [
        "text/html",
        "application/vnd.pypi.simple.v1+json",
        "application/vnd.pypi.simple.v1+html",
    ] {
        is_ours(
            &admin
                .send("GET", index, &[("accept", kind)], b"")
                .expect(200)
                .text(),
        );
        larder
            .anonymous()
            .send("GET", index, &[("accept", kind)], b"")
            .expect(404);
    }
    publish(&admin, "pypi", "ACME_demo.X", "1.1.0", b"").expect(200);
    let told = admin.get(index).expect(200).text();
    assert!(
        told.contains("1.0.0") && told.contains("1.1.0") && !told.contains("9.0.0"),
        "{told}"
    );
    assert_eq!(upstream.total(), 0, "{:?}", upstream.take_asked());
}

#[test]
fn spellings_of_one_npm_name_are_one_name() {
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    let packument = |name: &str| {
        let tarball = format!("{}npm/{name}/-/demo-9.0.0.tgz", upstream.url());
        let version = json!({"name": name, "version": "9.0.0", "dist": {"tarball": tarball}});
        json!({"name": name, "dist-tags": {"latest": "9.0.0"}, "versions": {"9.0.0": version}})
            .to_string()
    };
    for at in ["/npm/@acme%2fdemo", "/npm/@acme/demo"] {
        upstream.put(at, packument("@acme/demo"));
    }
    upstream.put("/npm/@acme/demo/-/demo-9.0.0.tgz", b"what the world has");
    ours(&larder, "npm", "@acme/demo", b"");
    ours(&larder, "npm", "demo", b"");
    upstream.take_asked();
    let admin = larder.admin();
    let scoped = [
        "@acme/demo",
        "@acme%2fdemo",
        "@acme%2Fdemo",
        "%40acme/demo",
        "%40acme%2Fdemo",
        "@%61cme/d%65mo",
    ];
    for name in scoped
        .into_iter()
        .chain(["demo", "%64emo", "dem%6f", "%64%65%6D%6F"])
    {
        for kind in [
            "application/json",
            "application/vnd.npm.install-v1+json",
            "*/*",
        ] {
            let answer = admin.send(
                "GET",
                &format!("/npm/main/{name}"),
                &[("accept", kind)],
                b"",
            );
            is_ours(&answer.expect(200).text());
        }
        larder
            .anonymous()
            .get(&format!("/npm/main/{name}"))
            .expect(404);
        let tags = admin
            .get(&format!("/npm/main/-/package/{name}/dist-tags"))
            .expect(200)
            .json();
        assert_eq!(tags["latest"], "1.0.0", "{name}");
        for file in ["-/demo-9.0.0.tgz", "-/demo%2D9.0.0.tgz"] {
            admin.get(&format!("/npm/main/{name}/{file}")).expect(404);
            larder
                .anonymous()
                .get(&format!("/npm/main/{name}/{file}"))
                .expect(404);
        }
        admin
            .get(&format!("/npm/main/{name}/-/demo-1.0.0.tgz"))
            .expect(200);
        admin
            .get(&format!("/npm/main/-/npm/v1/attestations/{name}@9.0.0"))
            .expect(404);
    }
    assert_eq!(upstream.total(), 0, "{:?}", upstream.take_asked());
    // To npm these are other names, and none of ours can be mistaken for them: new names have no
    // capitals.
    for name in ["Demo", "DEMO", "@Acme/demo"] {
        let refused = publish(&admin, "npm", name, "1.0.0", b"");
        assert!(
            (400..500).contains(&refused.status),
            "{name}: {}",
            refused.status
        );
        let told = admin.get(&format!("/npm/main/{name}"));
        assert!(
            told.status == 404,
            "{name}: {} {}",
            told.status,
            told.text()
        );
    }
}

/// A version that the first member has is nobody else's, however it is spelled.
#[test]
fn another_spelling_of_a_version_replaces_nothing() {
    for (protocol, first, second) in [
        ("pypi", "1.0", "1.0.0"),
        ("cargo", "1.0.0", "1.0.0+later"),
        ("composer", "1.2", "v1.2.0"),
    ] {
        let larder = larder();
        for name in ["first", "second"] {
            make(&larder, protocol, name, "hosted", &json!({}));
        }
        let members = json!({"members": ["first", "second"]});
        make(&larder, protocol, "all", "group", &members);
        for (repo, version) in [("first", first), ("second", second)] {
            let answer = publish_to(&larder.admin(), (protocol, repo), "demo", version, b"x");
            assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
        }
        let told = |repo: &str| {
            let told = larder.admin().get(&index(protocol, repo, "demo"));
            told.expect(200).text().replace(&format!("/{repo}/"), "/")
        };
        let place = |text: &str| text.replace(larder.url(), "");
        assert!(told("all").contains(first), "{protocol}: {}", told("all"));
        assert!(
            !place(&told("all")).contains(&format!("demo-{second}"))
                && !told("all").contains(&format!("\"{second}\"")),
            "{protocol}: {}",
            told("all")
        );
    }
}

/// A crate of the first member is there, whatever the second has of a name that differs in a dash.
#[test]
fn another_spelling_of_a_crate_hides_nothing() {
    let larder = larder();
    for name in ["first", "second"] {
        make(&larder, "cargo", name, "hosted", &json!({}));
    }
    let members = json!({"members": ["first", "second"]});
    make(&larder, "cargo", "all", "group", &members);
    for (repo, name, version) in [
        ("first", "my_crate", "1.0.0"),
        ("second", "my-crate", "9.9.9"),
    ] {
        let answer = publish_to(&larder.admin(), ("cargo", repo), name, version, b"x");
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    }
    let told = larder
        .admin()
        .get("/cargo/all/my/_c/my_crate")
        .expect(200)
        .text();
    assert!(told.contains("1.0.0") && !told.contains("9.9.9"), "{told}");
}
