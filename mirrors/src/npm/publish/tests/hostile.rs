//! What is refused, and what is odd and right.

use super::*;

/// Publishes a version with these fields in its `package.json` and in its manifest. Returns the
/// manifest that is served.
fn check(packed: &Value, sent: &Value) -> Result<Value, Problem> {
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
    Ok(repo.packument("@acme/widget")["versions"]["1.0.0"].clone())
}

#[test]
fn a_manifest_that_differs_from_package_json_is_refused() {
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
}

#[test]
fn other_spellings_of_a_manifest_are_published() {
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
        let stored = check(&packed, &sent).expect("alike");
        for (key, value) in sent.as_object().expect("object") {
            assert_eq!(stored[key], *value, "{packed} {sent}");
        }
    }
}

#[test]
fn package_json_replaces_fields_that_cannot_be_compared() {
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
}

#[test]
fn fields_of_the_registry_are_not_stored() {
    let sent = json!({
        "_npmUser": {"trustedPublisher": {"id": "x"}}, "_resolved": "/home/me",
        "hasInstallScript": false, "gypfile": true, "_hasShrinkwrap": true,
        "deprecated": "already", "dist": {"signatures": []}, "license": "MIT",
        "_nodeVersion": "20.0.0",
    });
    let stored = check(&json!({}), &sent).expect("published");
    for key in [
        "_npmUser",
        "_resolved",
        "hasInstallScript",
        "gypfile",
        "_hasShrinkwrap",
    ] {
        assert_eq!(stored[key], Value::Null, "{key}");
    }
    assert_eq!(
        stored["dist"].as_object().map(serde_json::Map::len),
        Some(5)
    );
    assert_eq!(
        (&stored["deprecated"], &stored["license"]),
        (&"already".into(), &"MIT".into())
    );
    assert_eq!(
        (&stored["_id"], &stored["_nodeVersion"]),
        (&"@acme/widget@1.0.0".into(), &"20.0.0".into())
    );
}

/// The kind of the problem of a publication that is changed like this.
fn edited(edit: impl Fn(&mut Value)) -> Kind {
    let mut body = Sent::new("widget", "1.0.0").json();
    edit(&mut body);
    refused(body.to_string().as_bytes()).kind
}

#[test]
fn invalid_attachments_are_refused() {
    let file = "widget-1.0.0.tgz";
    let data = STANDARD.encode(&Sent::new("widget", "1.0.0").tarball);
    let replaced = |key: &str, value: Value| {
        let kind = edited(|body| body["_attachments"][file][key] = value.clone());
        assert_eq!(kind, Kind::Invalid, "{key} {value}");
    };
    replaced("data", data[..data.len() - 3].into());
    replaced("data", data[..data.len() / 8 * 4].into());
    replaced("data", format!("{data}QQ==").into());
    replaced("data", format!("QQ=={data}").into());
    replaced("data", format!("\n{data}").into());
    replaced("data", "".into());
    replaced("data", json!({}));
    replaced("length", json!(u64::MAX));
    replaced("length", json!("1"));
    let attachment = json!({"data": data});
    let added = |name: &str, value: Value| {
        let kind = edited(|body| body["_attachments"][name] = value.clone());
        assert_eq!(kind, Kind::Invalid, "{name} {value}");
    };
    added("x", attachment.clone());
    added("x", json!({}));
    added("widget-1.0.0.sigstore", json!({"data": "{\"a\":1}"}));
    for name in [
        "../widget-1.0.0.tgz",
        "widget-1.0.1.tgz",
        "/widget-1.0.0.tgz",
        "other/widget-1.0.0.tgz",
        "",
    ] {
        let kind = edited(|body| body["_attachments"] = json!({name: attachment}));
        assert_eq!(kind, Kind::Invalid, "{name}");
    }
}

#[test]
fn invalid_versions_tags_and_hashes_are_refused() {
    let version = |name: &str, value: Value| {
        let kind = edited(|body| body["versions"][name] = value.clone());
        assert_eq!(kind, Kind::Invalid, "{name} {value}");
    };
    version("1.0.1", json!({}));
    version("1.0.0", json!(5));
    assert_eq!(edited(|body| body["versions"] = json!({})), Kind::Invalid);
    assert_eq!(edited(|body| body["name"] = "other".into()), Kind::Invalid);
    let many = (0..17).map(|at| (format!("tag-{at}"), "1.0.0".into()));
    let many: serde_json::Map<_, _> = many.collect();
    for tags in [
        json!({"latest": "9.9.9"}),
        json!({"1.x": "1.0.0"}),
        json!({"../x": "1.0.0"}),
        many.into(),
    ] {
        let kind = edited(|body| body["dist-tags"] = tags.clone());
        assert_eq!(kind, Kind::Invalid, "{tags}");
    }
    for (key, value) in [
        ("integrity", "sha512-AAAA"),
        ("shasum", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ] {
        let kind = edited(|body| body["versions"]["1.0.0"]["dist"][key] = value.into());
        assert_eq!(kind, Kind::DigestMismatch, "{key}");
    }
}

#[test]
fn ambiguous_truncated_and_large_bodies_are_refused() {
    let sent = Sent::new("widget", "1.0.0");
    let text = String::from_utf8(sent.body()).expect("text");
    let twice = text.replace(
        "\"_attachments\":{",
        "\"_attachments\":{\"widget-1.0.0.tgz\":{\"data\":\"QQ==\"},",
    );
    assert_eq!(refused(twice.as_bytes()).kind, Kind::Invalid);
    let twice = text.replace("\"_attachments\":", "\"_attachments\":{},\"_attachments\":");
    assert_eq!(refused(twice.as_bytes()).kind, Kind::Invalid);
    let data = STANDARD.encode(&sent.tarball);
    let escaped = data.replacen('/', "\\/", 1).replacen('H', "\\u0048", 1);
    let escaped = text.replace(&data, &escaped);
    assert_ne!(escaped, text);
    assert_eq!(refused(escaped.as_bytes()).kind, Kind::Invalid);
    for end in (0..text.len()).step_by(7) {
        let kind = refused(&text.as_bytes()[..end]).kind;
        assert_eq!(kind, Kind::Invalid, "{end}");
    }
    let package = json!({"name": "widget", "version": "1.0.0"});
    let huge = json!({"description": "x".repeat(9 << 20), "name": "widget", "version": "1.0.0"});
    let huge = refused(&Sent::packed(&package, &huge).body());
    assert_eq!(huge.kind, Kind::TooLarge);
}
