//! What is taken, what is not, and by whom.

use super::{Makers, larder, name_of, put, save, set_key, small, told};
use larder_tests::{Larder, tool};
use serde_json::json;

/// The packages that a repository tells of, by their addresses.
fn listed(larder: &Larder) -> Vec<String> {
    let at = larder.folder().join("saved");
    save(larder, "local", &at);
    let lines = told(&at);
    let places = lines
        .lines()
        .filter_map(|line| line.strip_prefix("primary/package/location [('href', '"));
    let mut places: Vec<String> = places
        .map(|rest| rest.split('\'').next().unwrap_or_default().to_owned())
        .collect();
    places.sort();
    places
}

#[test]
fn a_release_is_published_once_and_stays_reserved() {
    let Some(_) = tool("python3") else { return };
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    assert_eq!(
        listed(&larder),
        Vec::<String>::new(),
        "an empty repository is one"
    );
    let spec = small("one", "1.0");
    let read = |spec: &str| {
        makers
            .build(spec)
            .iter()
            .map(|path| std::fs::read(path).expect("package"))
            .collect::<Vec<_>>()
    };
    let (first, other) = (
        read(&spec),
        read(&spec.replace("Nothing much", "Something")),
    );
    put(&larder, "/rpm/local/a/one-1.0-1.noarch.rpm", &first[0]).expect(201);
    put(&larder, "/rpm/local/a/one-1.0-1.noarch.rpm", &first[0]).expect(201);
    put(&larder, "/rpm/local/src/one-1.0-1.src.rpm", &first[1]).expect(201);
    assert_eq!(
        listed(&larder),
        ["a/one-1.0-1.noarch.rpm", "src/one-1.0-1.src.rpm"]
    );
    let served = larder
        .admin()
        .get("/rpm/main/a/one-1.0-1.noarch.rpm")
        .expect(200);
    assert!(served.body == first[0] && served.header("content-type") == Some("application/x-rpm"));

    for (path, body, why) in [
        ("a/one-1.0-1.noarch.rpm", &other[0], "other content"),
        (
            "b/one-1.0-1.noarch.rpm",
            &other[0],
            "at a/one-1.0-1.noarch.rpm",
        ),
        (
            "b/one-1.0-1.noarch.rpm",
            &first[0],
            "at a/one-1.0-1.noarch.rpm",
        ),
    ] {
        let said = put(&larder, &format!("/rpm/local/{path}"), body)
            .expect(409)
            .text();
        assert!(said.contains(why), "{said}");
    }
    // An address belongs to one package.
    let two = read(&small("two", "1.0"));
    put(&larder, "/rpm/local/a/one-1.0-1.noarch.rpm", &two[0]).expect(409);
    assert_eq!(listed(&larder).len(), 2);

    larder
        .admin()
        .send("DELETE", "/rpm/local/a/one-1.0-1.noarch.rpm", &[], b"")
        .expect(200);
    larder
        .admin()
        .send("DELETE", "/rpm/local/a/one-1.0-1.noarch.rpm", &[], b"")
        .expect(404);
    larder
        .admin()
        .get("/rpm/local/a/one-1.0-1.noarch.rpm")
        .expect(404);
    assert_eq!(listed(&larder), ["src/one-1.0-1.src.rpm"]);
    let said = put(&larder, "/rpm/local/c/one-1.0-1.noarch.rpm", &first[0])
        .expect(409)
        .text();
    assert!(said.contains("one-1.0-1.noarch was deleted"), "{said}");
    put(
        &larder,
        "/rpm/local/a/one-1.1-1.noarch.rpm",
        &read(&small("one", "1.1"))[0],
    )
    .expect(201);

    deleted_by_its_name(&larder);
}

/// As packages of all protocols are.
fn deleted_by_its_name(larder: &Larder) {
    let version = "/api/v1/repositories/rpm/main/packages/one/versions/1.1-1.noarch";
    assert!(
        larder
            .admin()
            .get(version)
            .expect(200)
            .text()
            .contains("a/one-1.1-1.noarch.rpm")
    );
    larder.admin().send("DELETE", version, &[], b"").expect(204);
    assert_eq!(listed(larder), ["src/one-1.0-1.src.rpm"]);
    larder
        .admin()
        .get("/rpm/local/a/one-1.1-1.noarch.rpm")
        .expect(404);
    larder
        .admin()
        .send(
            "DELETE",
            "/api/v1/repositories/rpm/local/packages/one",
            &[],
            b"",
        )
        .expect(204);
    assert_eq!(listed(larder), Vec::<String>::new());
    // Both come back from the trash, and their lists tell of them.
    let trash = larder.api("GET", "repositories/rpm/local/trash", "", 200);
    for number in 0..2 {
        let id = trash["items"][number]["id"].as_str().expect("id");
        let path = format!("repositories/rpm/local/trash/{id}/restore");
        larder.api("POST", &path, "", 200);
    }
    assert_eq!(
        listed(larder),
        ["a/one-1.1-1.noarch.rpm", "src/one-1.0-1.src.rpm"]
    );
    larder
        .admin()
        .get("/rpm/local/a/one-1.1-1.noarch.rpm")
        .expect(200);
}

#[test]
fn what_is_no_sound_package_is_refused() {
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let package = std::fs::read(&makers.build(&small("one", "1.0"))[0]).expect("package");
    let changed = |at: usize| {
        let mut bytes = package.clone();
        bytes[at] ^= 0x20;
        bytes
    };
    let name = package
        .windows(8)
        .position(|window| window == b"one\x001.0\0")
        .expect("name");
    let cases = [
        ("text", b"hello".to_vec()),
        ("nothing", Vec::new()),
        ("cut within the header", package[..name].to_vec()),
        (
            "cut within the payload",
            package[..package.len() - 1].to_vec(),
        ),
        ("more behind it", [&package[..], b"x"].concat()),
        ("another name", changed(name)),
        ("another payload", changed(package.len() - 1)),
    ];
    for (what, body) in cases {
        let answer = put(&larder, "/rpm/local/one.rpm", &body);
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert!(
            answer.text().contains("rpm cannot be published"),
            "{what}: {}",
            answer.text()
        );
    }
    for path in [
        "one.txt",
        "repodata/one.rpm",
        "a/repodata/one.rpm",
        "a/../one.rpm",
        "",
    ] {
        let answer = put(&larder, &format!("/rpm/local/{path}"), &package);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    let said = put(&larder, "/rpm/upstream/one.rpm", &package)
        .expect(405)
        .text();
    assert!(said.contains("it is a mirror"), "{said}");
    put(&larder, "/rpm/local/one.rpm", &package).expect(201);
}

#[test]
fn rights_are_those_of_the_packages_name() {
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let package = |name: &str| std::fs::read(&makers.build(&small(name, "1"))[0]).expect("package");
    let (one, two) = (package("one"), package("two"));
    let maker = larder.make_user("maker");
    larder.grant("user:maker", "rpm/local", "one", "writer");
    // The name is that of the package, whatever its address is.
    maker
        .send("PUT", "/rpm/local/two.rpm", &[], &one)
        .expect(201);
    maker
        .send("PUT", "/rpm/local/one.rpm", &[], &two)
        .expect(403);
    put(&larder, "/rpm/local/one.rpm", &two).expect(201);
    larder
        .anonymous()
        .send("PUT", "/rpm/local/x.rpm", &[], &one)
        .expect(401);

    // Its reader reads it, and neither another one nor what tells of all.
    maker.get("/rpm/local/two.rpm").expect(200);
    maker.get("/rpm/local/one.rpm").expect(404);
    maker.get("/rpm/local/repodata/repomd.xml").expect(404);
    larder
        .anonymous()
        .get("/rpm/local/repodata/repomd.xml")
        .expect(401);
    maker
        .send("DELETE", "/rpm/local/two.rpm", &[], b"")
        .expect(403);
    maker
        .send("DELETE", "/rpm/local/one.rpm", &[], b"")
        .expect(404);
    larder.grant("user:maker", "rpm/local", "one", "maintainer");
    maker
        .send("DELETE", "/rpm/local/two.rpm", &[], b"")
        .expect(200);
}

#[test]
fn an_older_state_can_be_read_to_its_end() {
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    set_key(
        &larder,
        "local",
        &makers.key("us@registry.example", "ed25519", "sign"),
    );
    let (mut states, mut signature) = (Vec::new(), Vec::new());
    for version in ["1", "2", "3"] {
        let package = &makers.build(&small("one", version))[0];
        put(
            &larder,
            &format!("/rpm/local/{}", name_of(package)),
            &std::fs::read(package).expect("package"),
        )
        .expect(201);
        // Whoever has just read the state before asks for its signature now.
        let companion = || {
            larder
                .admin()
                .get("/rpm/local/repodata/repomd.xml.asc")
                .expect(200)
                .body
        };
        assert!(signature.is_empty() || companion() == signature);
        states.push(
            larder
                .admin()
                .get("/rpm/local/repodata/repomd.xml")
                .expect(200)
                .text(),
        );
        assert_ne!(companion(), signature);
        signature = companion();
    }
    for state in &states {
        for part in state.split("href=\"").skip(1) {
            larder
                .admin()
                .get(&format!(
                    "/rpm/local/{}",
                    part.split('"').next().expect("href")
                ))
                .expect(200);
        }
    }
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn keys_that_cannot_sign_are_refused_with_a_reason() {
    let larder = larder();
    let Some(makers) = Makers::find(larder.folder().join("makers")) else {
        return;
    };
    let set = |repo: &str, key: &str| {
        let body = json!({"signing_key": key}).to_string();
        let headers = [("content-type", "application/json")];
        let answer = larder.admin().send(
            "PATCH",
            &format!("/api/v1/repositories/{repo}"),
            &headers,
            body.as_bytes(),
        );
        (answer.status, answer.text())
    };
    let key = makers.key("good@registry.example", "ed25519", "sign");
    let public = makers.gpg(&["--armor", "--export", "good@registry.example"]);
    makers.gpg(&[
        "--passphrase",
        "secret",
        "--quick-gen-key",
        "locked@registry.example",
        "ed25519",
        "sign",
        "never",
    ]);
    let locked = makers.gpg(&[
        "--passphrase",
        "secret",
        "--armor",
        "--export-secret-keys",
        "locked@registry.example",
    ]);
    let encrypting = makers.key("encrypting@registry.example", "rsa2048", "encr");
    let other = makers.key("other@registry.example", "nistp256", "sign");
    for (key, why) in [
        ("hello", "no armored secret key"),
        (&*public, "public key"),
        (&*locked, "passphrase"),
        (&*encrypting, "for signing"),
        (&*other, "neither RSA"),
        (&*format!("{key}{other}"), ""),
    ] {
        let (status, said) = set("rpm/local", key);
        assert!(
            why.is_empty() || (status == 400 && said.contains(why)),
            "{status} {why}: {said}"
        );
        assert!(!said.contains("PRIVATE"), "{said}");
    }
    for repo in ["rpm/upstream", "npm/local", "oci/none"] {
        let (status, said) = set(repo, &key);
        assert!((400..500).contains(&status), "{repo}: {said}");
    }
}
