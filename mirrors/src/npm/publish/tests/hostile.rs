//! What is refused, and what is odd and right.

use super::*;

#[test]
fn a_manifest_that_is_not_the_tarballs_is_refused() {
    let check = |packed: &Value, sent: &Value| {
        let whole = |fields: &Value| {
            let mut whole = json!({"name": "@acme/widget", "version": "1.0.0"});
            whole
                .as_object_mut()
                .expect("object")
                .extend(fields.as_object().expect("object").clone());
            whole
        };
        let mut sent = Sent::packed(&whole(packed), &whole(sent));
        (sent.name, sent.version) = ("@acme/widget".into(), "1.0.0".into());
        let mut repo = Repo::default();
        repo.request(&Method::PUT, "/@acme%2fwidget", &sent.body())?;
        Ok::<Value, Problem>(repo.packument("@acme/widget")["versions"]["1.0.0"].clone())
    };
    let differ = [
        ("name", json!({"name": "other"}), json!({})),
        ("version", json!({"version": "1.0.1"}), json!({})),
        ("manifest", json!({}), json!({"name": "other"})),
        ("manifest", json!({}), json!({"version": "1.0.1"})),
        (
            "dependencies",
            json!({"dependencies": {"evil": "1"}}),
            json!({}),
        ),
        (
            "dependencies",
            json!({}),
            json!({"dependencies": {"left-pad": "1"}}),
        ),
        (
            "dependencies",
            json!({"dependencies": {"a": "1"}}),
            json!({"dependencies": {"a": "2"}}),
        ),
        (
            "dependencies",
            json!({"optionalDependencies": {"a": "1"}}),
            json!({}),
        ),
        (
            "peerDependencies",
            json!({"peerDependencies": {"a": "1"}}),
            json!({"peerDependencies": {}}),
        ),
        (
            "scripts",
            json!({"scripts": {"install": "evil"}}),
            json!({}),
        ),
        (
            "scripts",
            json!({}),
            json!({"scripts": {"install": "node-gyp rebuild"}}),
        ),
        (
            "bin",
            json!({"bin": "evil.js"}),
            json!({"bin": {"widget": "good.js"}}),
        ),
        (
            "bin",
            json!({"directories": {"bin": "./bin"}}),
            json!({"bin": {"a": "elsewhere/a"}}),
        ),
        ("engines", json!({"engines": {"node": ">=18"}}), json!({})),
        ("os", json!({"os": ["linux"]}), json!({"os": ["darwin"]})),
        ("cpu", json!({"cpu": ["x64"]}), json!({})),
    ];
    for (field, packed, sent) in differ {
        let problem = check(&packed, &sent).expect_err(field);
        assert_eq!(problem.kind, Kind::Invalid, "{packed} {sent}");
        assert!(
            problem.detail.contains(field),
            "{} {packed} {sent}",
            problem.detail
        );
    }
    let same = [
        (
            json!({"bin": "./cli.js"}),
            json!({"bin": {"widget": "cli.js"}}),
        ),
        (
            json!({"bin": ["./cli.js"]}),
            json!({"bin": {"cli.js": "cli.js"}}),
        ),
        (
            json!({"bin": {"@acme/x": "./a/../cli.js", "odd": 5}}),
            json!({"bin": {"x": "cli.js"}}),
        ),
        (
            json!({"directories": {"bin": "./bin"}}),
            json!({"bin": {"a": "bin/a", "b": "bin/b"}}),
        ),
        (
            json!({"dependencies": {}, "os": [], "engines": null}),
            json!({"scripts": {}}),
        ),
        (
            json!({"dependencies": {"a": "1"}, "optionalDependencies": {"b": "2"}}),
            json!({"dependencies": {"a": "1", "b": "2"}, "optionalDependencies": {"b": "2"}}),
        ),
        (
            json!({"scripts": {"test": "node_modules/.bin/tap"}}),
            json!({"scripts": {"test": "tap"}}),
        ),
        (json!({"os": "linux"}), json!({"os": ["linux"]})),
        (
            json!({"version": " =v1.0.0+x"}),
            json!({"version": "1.0.0"}),
        ),
    ];
    for (packed, sent) in same {
        let kept = check(&packed, &sent).expect("alike");
        for (key, value) in sent.as_object().expect("object") {
            assert_eq!(kept[key], *value, "{packed} {sent}");
        }
    }
    let unclear = check(
        &json!({"engines": ["node"]}),
        &json!({"engines": {"node": "*"}}),
    )
    .expect("unclear");
    assert_eq!(unclear["engines"], json!(["node"]));
    let optional = json!({"peerDependenciesMeta": {"a": {"optional": true}}});
    assert_eq!(
        check(&optional, &json!({})).expect("unclear")["peerDependenciesMeta"],
        json!({"a": {"optional": true}})
    );
    let unclear = check(
        &json!({"bin": {"a": "b"}}),
        &json!({"bin": 5, "dependencies": 5}),
    )
    .expect("unclear");
    assert_eq!(
        (&unclear["bin"], &unclear["dependencies"]),
        (&json!({"a": "b"}), &Value::Null)
    );
    let sent = json!({
        "_npmUser": {"trustedPublisher": {"id": "x"}}, "_resolved": "/home/me", "hasInstallScript": false, "gypfile": true,
        "_hasShrinkwrap": true, "deprecated": "already", "dist": {"signatures": []}, "license": "MIT",
        "_nodeVersion": "20.0.0",
    });
    let kept = check(&json!({}), &sent).expect("published");
    for key in [
        "_npmUser",
        "_resolved",
        "hasInstallScript",
        "gypfile",
        "_hasShrinkwrap",
    ] {
        assert_eq!(kept[key], Value::Null, "{key}");
    }
    assert_eq!(kept["dist"].as_object().map(serde_json::Map::len), Some(5));
    assert_eq!(
        (&kept["deprecated"], &kept["license"]),
        (&"already".into(), &"MIT".into())
    );
    assert_eq!(
        (&kept["_id"], &kept["_nodeVersion"]),
        (&"@acme/widget@1.0.0".into(), &"20.0.0".into())
    );
}

#[test]
fn hostile_bodies_are_refused() {
    let sent = Sent::new("widget", "1.0.0");
    let file = "widget-1.0.0.tgz";
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut body = sent.json();
        edit(&mut body);
        refused(body.to_string().as_bytes()).kind
    };
    let data = STANDARD.encode(&sent.tarball);
    let attachment = |value: &str| json!({"data": value});
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = data[..data.len() - 3].into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = data[..data.len() / 8 * 4].into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = format!("{data}QQ==").into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = format!("QQ=={data}").into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = format!("\n{data}").into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = "".into()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["data"] = json!({})),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["length"] = json!(u64::MAX)),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"][file]["length"] = json!("1")),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"]["x"] = attachment(&data)),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["_attachments"]["x"] = json!({})),
        Kind::Invalid
    );
    for name in [
        "../widget-1.0.0.tgz",
        "widget-1.0.1.tgz",
        "/widget-1.0.0.tgz",
        "other/widget-1.0.0.tgz",
        "",
    ] {
        assert_eq!(
            edited(&|body| body["_attachments"] = json!({name: attachment(&data)})),
            Kind::Invalid,
            "{name}"
        );
    }
    let sigstore = json!({"data": "{\"a\":1}"});
    assert_eq!(
        edited(&|body| body["_attachments"]["widget-1.0.0.sigstore"] = sigstore.clone()),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["versions"]["1.0.1"] = json!({})),
        Kind::Invalid
    );
    assert_eq!(edited(&|body| body["versions"] = json!({})), Kind::Invalid);
    assert_eq!(
        edited(&|body| body["versions"]["1.0.0"] = json!(5)),
        Kind::Invalid
    );
    assert_eq!(edited(&|body| body["name"] = "other".into()), Kind::Invalid);
    assert_eq!(
        edited(&|body| body["dist-tags"] = json!({"latest": "9.9.9"})),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["dist-tags"] = json!({"1.x": "1.0.0"})),
        Kind::Invalid
    );
    assert_eq!(
        edited(&|body| body["dist-tags"] = json!({"../x": "1.0.0"})),
        Kind::Invalid
    );
    let many: serde_json::Map<_, _> = (0..17)
        .map(|at| (format!("tag-{at}"), "1.0.0".into()))
        .collect();
    assert_eq!(
        edited(&|body| body["dist-tags"] = many.clone().into()),
        Kind::Invalid
    );
    let dist = |key: &'static str, value: &'static str| {
        edited(&move |body| body["versions"]["1.0.0"]["dist"][key] = value.into())
    };
    assert_eq!(dist("integrity", "sha512-AAAA"), Kind::DigestMismatch);
    assert_eq!(
        dist("shasum", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        Kind::DigestMismatch
    );
    let text = String::from_utf8(sent.body()).expect("text");
    let twice = text.replace(
        "\"_attachments\":{",
        "\"_attachments\":{\"widget-1.0.0.tgz\":{\"data\":\"QQ==\"},",
    );
    assert_eq!(refused(twice.as_bytes()).kind, Kind::Invalid);
    let twice = text.replace("\"_attachments\":", "\"_attachments\":{},\"_attachments\":");
    assert_eq!(refused(twice.as_bytes()).kind, Kind::Invalid);
    let escaped = text.replace(
        &data,
        &data.replacen('/', "\\/", 1).replacen('H', "\\u0048", 1),
    );
    assert_eq!(refused(escaped.as_bytes()).kind, Kind::Invalid);
    for end in (0..text.len()).step_by(7) {
        assert_eq!(
            refused(&text.as_bytes()[..end]).kind,
            Kind::Invalid,
            "{end}"
        );
    }
    let huge = json!({"description": "x".repeat(5 << 20), "name": "widget", "version": "1.0.0"});
    assert_eq!(
        refused(&Sent::packed(&json!({"name": "widget", "version": "1.0.0"}), &huge).body()).kind,
        Kind::TooLarge
    );
}

#[test]
fn tarballs_that_installers_could_read_differently_are_refused() {
    const OWN: (&str, &[u8]) = (
        "package/package.json",
        br#"{"name":"widget","version":"1.0.0"}"#,
    );
    let said = |tarball: Vec<u8>, expected: &str| {
        let problem = refused(&Sent::new("widget", "1.0.0").with(tarball).body());
        assert!(
            problem.kind == Kind::Invalid && problem.detail.contains(expected),
            "{expected}: {problem}"
        );
    };
    let unsafe_names = [
        "../x",
        "package/../../x",
        "/etc/x",
        "package/..",
        "package\\..\\x",
        "C:/x",
        "./package/x",
        "package//x",
        "package/./x",
    ];
    let doubles = [
        "package/package.json",
        "other/package.json",
        "package/Package.JSON",
    ];
    for (names, expected) in [
        (&unsafe_names[..], "not a plain path"),
        (&doubles[..], "more than one package.json"),
    ] {
        for name in names {
            said(packed(&[OWN, (name, b"{}")]), expected);
            said(packed(&[(name, b"{}"), OWN]), expected);
        }
    }
    said(packed(&[(OWN.0, b"")]), "empty");
    for own in [b"[]".as_slice(), b"{", b"\xff{}", b"null"] {
        said(packed(&[(OWN.0, own)]), "not a JSON object");
    }
    for bytes in [b"no gzip".as_slice(), &gzipped(b"no tarball")] {
        said(bytes.to_vec(), "damaged");
    }
    for bytes in [
        packed(&[]),
        packed(&[("package/index.js", b"x")]),
        gzipped(b""),
        packed(&[("package.json", OWN.1)]),
    ] {
        said(bytes, "no package.json in its one folder");
    }
    let sound = packed(&[OWN, ("package/index.js", &[7; 3000])]);
    Repo::default()
        .request(&Method::PUT, "/widget", &bare(sound.clone()))
        .expect("sound");
    for end in 1..sound.len() {
        said(sound[..end].to_vec(), "damaged");
    }
    said(
        [sound.clone(), packed(&[("package/package.json", b"{}")])].concat(),
        "goes on behind its end",
    );
    let with = |headers: &[(tar::Header, &[u8])], expected: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        builder
            .append(
                &header(tar::EntryType::Regular, OWN.0, OWN.1.len() as u64),
                OWN.1,
            )
            .expect("an entry");
        for (header, contents) in headers {
            builder.append(header, *contents).expect("an entry");
        }
        said(gzipped(&builder.into_inner().expect("a tarball")), expected);
    };
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
    ] {
        with(
            &[(header(kind, "package/package.json", 0), b"")],
            "package.json that is no file",
        );
        with(&[(header(kind, "package/x", 4), b"abcd")], "neither a file");
    }
    with(
        &[(header(tar::EntryType::Block, "package/x", 0), b"")],
        "neither a file",
    );
    with(
        &[(header(tar::EntryType::GNUSparse, "package/x", 0), b"")],
        "neither a file",
    );
    let mut damaged = header(tar::EntryType::Regular, "package/x", 0);
    damaged.as_mut_bytes()[0] = b'q';
    with(&[(damaged, b"")], "damaged header");
    let next = || {
        (
            header(tar::EntryType::Regular, "package/x", 0),
            b"".as_slice(),
        )
    };
    let pax = |text: &'static str, expected| {
        let before = header(tar::EntryType::XHeader, "x", text.len() as u64);
        with(&[(before, text.as_bytes()), next()], expected);
    };
    pax("18 path=../escape\n", "not a plain path");
    pax(
        "29 path=package/package.json\n",
        "more than one package.json",
    );
    for text in [
        "999 path=x\n",
        "18446744073709551615 path=x\n",
        "x path=y\n",
        "11 size=-1\n",
        "7 path\n",
        "3 a",
        "0 a=b\n",
    ] {
        pax(text, "damaged pax header");
    }
    let long = header(tar::EntryType::GNULongName, "x", 5);
    with(&[(long, b"../y\0"), next()], "not a plain path");
    let all = header(tar::EntryType::XGlobalHeader, "g", 10);
    with(&[(all, b"10 path=x\n"), next()], "for all its entries");
}

#[test]
fn long_names_and_other_folders_are_read() {
    let own = br#"{"name":"widget","version":"1.0.0","description":"made up"}"#;
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(
            &header(tar::EntryType::XGlobalHeader, "g", 13),
            b"13 comment=x\n".as_slice(),
        )
        .expect("a header");
    builder
        .append(
            &header(tar::EntryType::Directory, "widget/", 0),
            b"".as_slice(),
        )
        .expect("a folder");
    let mut entry = tar::Header::new_gnu();
    entry.set_size(3);
    let long = format!("widget/{}/x.js", "d".repeat(300));
    builder
        .append_data(&mut entry, &long, b"abc".as_slice())
        .expect("a long name");
    builder
        .append_pax_extensions([("mtime", b"1.5".as_slice())])
        .expect("a header");
    builder
        .append(
            &header(
                tar::EntryType::Regular,
                "widget/package.json",
                own.len() as u64,
            ),
            own.as_slice(),
        )
        .expect("it");
    builder
        .append(
            &header(tar::EntryType::Symlink, "widget/link", 0),
            b"".as_slice(),
        )
        .expect("a link");
    let tarball = gzipped(&builder.into_inner().expect("a tarball"));
    let mut repo = Repo::default();
    repo.request(
        &Method::PUT,
        "/widget",
        &Sent::new("widget", "1.0.0").with(tarball).body(),
    )
    .expect("published");
    let dist = &repo.packument("widget")["versions"]["1.0.0"]["dist"];
    assert_eq!(
        (&dist["fileCount"], &dist["unpackedSize"]),
        (&json!(2), &json!(3 + own.len()))
    );
}

#[test]
fn bombs_do_not_go_off() {
    let bomb = |kind, size: u64| {
        let mut tar = header(kind, "package/x", size).as_bytes().to_vec();
        tar.resize(1 << 20, 0);
        gzipped(&tar)
    };
    assert_eq!(
        refused_tarball(bomb(tar::EntryType::Regular, 3 << 30)),
        Kind::TooLarge
    );
    assert_eq!(
        refused_tarball(bomb(tar::EntryType::Regular, 32 << 20)),
        Kind::Invalid,
        "it is cut short"
    );
    for kind in [
        tar::EntryType::XHeader,
        tar::EntryType::GNULongName,
        tar::EntryType::GNULongLink,
    ] {
        assert_eq!(refused_tarball(bomb(kind, 1 << 30)), Kind::Invalid);
    }
    let size = "29 size=18446744073709551615\n";
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(
            &header(tar::EntryType::XHeader, "x", size.len() as u64),
            size.as_bytes(),
        )
        .expect("a header");
    builder
        .append(
            &header(tar::EntryType::Regular, "package/x", 0),
            b"".as_slice(),
        )
        .expect("an entry");
    assert_eq!(
        refused_tarball(gzipped(&builder.into_inner().expect("a tarball"))),
        Kind::Invalid
    );
    let mut name = header(tar::EntryType::Regular, "package/package.json", 32 << 20)
        .as_bytes()
        .to_vec();
    name.resize(1 << 20, 0);
    assert_eq!(refused_tarball(gzipped(&name)), Kind::Invalid);
    let many = header(tar::EntryType::Regular, "package/x", 0)
        .as_bytes()
        .repeat(100_001);
    assert_eq!(refused_tarball(gzipped(&many)), Kind::TooLarge);
}
