//! What is asked beside whole packages: searches, single versions, what is attested of them.

use crate::confusion::{TARBALL, with_upstream};
use crate::{folder, larder, npm, npm_home, token};
use larder_tests::tools::fails;
use larder_tests::upstream::Fault;
use larder_tests::{Client, Larder, Response, run, tool};
use serde_json::{Value, json};

/// Publishes `demo`, or another package, with the tarball of `demo`.
fn publish(larder: &Larder, more: &Value) -> Response {
    let mut attachments = json!({"demo-1.0.0.tgz": {"data": TARBALL, "length": 121}});
    for (name, attachment) in more.as_object().expect("attachments") {
        attachments[name] = attachment.clone();
    }
    let body = json!({
        "name": "demo", "dist-tags": {"latest": "1.0.0"}, "_attachments": attachments,
        "versions": {"1.0.0": {"name": "demo", "version": "1.0.0", "description": "what we have", "dist": {}}},
    });
    larder.admin().send(
        "PUT",
        "/npm/main/demo",
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
}

#[test]
fn npm_finds_what_is_here_and_upstream() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    let object = |name: &str| {
        json!({"package": {"name": name, "version": "9.0.0", "description": "what the world has", "keywords": [],
            "date": "2024-01-02T03:04:05.678Z", "links": {}, "publisher": {"username": "ada"}, "maintainers": []}})
    };
    let answer = json!({"objects": [object("demo"), object("demo-more")], "total": 2, "time": "x"});
    upstream.put(
        "/npm/-/v1/search?text=demo&size=20&from=0",
        answer.to_string(),
    );
    let home = npm_home(&larder, "home", &token(&larder));
    let find = |word: &str| {
        run(&mut npm(
            &home,
            &home,
            &["search", word, "--parseable", "--prefer-online"],
        )
        .expect("npm"))
    };
    let told = find("demo");
    assert!(
        told.contains("demo-more") && told.matches("what the world has").count() == 2,
        "{told}"
    );
    publish(&larder, &json!({})).expect(201);
    let told = find("demo");
    assert!(
        told.contains("what we have") && told.matches("what the world has").count() == 1,
        "{told}"
    );

    // A repo of what is published alone, and a caller who may read nothing of it.
    let hosted = larder
        .admin()
        .get("/npm/local/-/v1/search?text=dem")
        .expect(200)
        .json();
    assert_eq!(
        (
            &hosted["total"],
            &hosted["objects"][0]["package"]["publisher"]["username"]
        ),
        (&json!(1), &json!("admin"))
    );
    let none = larder
        .admin()
        .get("/npm/local/-/v1/search?text=other")
        .expect(200)
        .json();
    assert_eq!(none["objects"], json!([]));
    let stranger = larder
        .anonymous()
        .get("/npm/main/-/v1/search?text=demo")
        .expect(200)
        .json();
    let names = |found: &Value| {
        let objects = found["objects"].as_array().expect("objects").clone();
        objects
            .iter()
            .map(|object| object["package"]["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&stranger),
        ["demo-more"],
        "neither what is here nor another one of its name"
    );
}

#[test]
fn npm_views_single_versions_and_what_is_attested() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    let mirrored = |path: &str| larder.admin().get(&format!("/npm/upstream/{path}"));
    let told = mirrored("demo/9.0.0").expect(200).json();
    let tarball = format!("{}/npm/upstream/demo/-/demo-9.0.0.tgz", larder.url());
    assert_eq!(
        (&told["version"], &told["dist"]["tarball"]),
        (&json!("9.0.0"), &json!(tarball))
    );
    let tagged = mirrored("demo/latest").expect(200);
    assert_eq!(tagged.json(), told);
    assert!(
        tagged
            .header("cache-status")
            .is_some_and(|status| status.contains("hit"))
    );
    let etag = tagged.header("etag").expect("a tag");
    larder
        .admin()
        .send(
            "GET",
            "/npm/upstream/demo/latest",
            &[("if-none-match", etag)],
            b"",
        )
        .expect(304);
    mirrored("demo/8.0.0").expect(404);
    assert_eq!(
        mirrored("-/package/demo/dist-tags").expect(200).json(),
        json!({"latest": "9.0.0"})
    );

    // Attestations and keys of an upstream are kept.
    let attested = json!({"attestations": [{"predicateType": "https://slsa.dev/provenance/v1", "bundle": {}}]});
    upstream.put(
        "/npm/-/npm/v1/attestations/demo@9.0.0",
        attested.to_string(),
    );
    let keys =
        json!({"keys": [{"keyid": "SHA256:x", "keytype": "ecdsa-sha2-nistp256", "key": "MFkw"}]});
    upstream.put("/npm/-/npm/v1/keys", keys.to_string());
    for _ in 0..2 {
        assert_eq!(
            mirrored("-/npm/v1/attestations/demo@9.0.0")
                .expect(200)
                .json(),
            attested
        );
        assert_eq!(mirrored("-/npm/v1/keys").expect(200).json(), keys);
        assert_eq!(
            larder
                .admin()
                .get("/npm/main/-/npm/v1/keys")
                .expect(200)
                .json(),
            keys
        );
        upstream.go();
    }
    larder.admin().get("/npm/local/-/npm/v1/keys").expect(404);

    what_is_published_is_attested(&larder);
}

/// What is published here, in the group; with what is attested of it.
fn what_is_published_is_attested(larder: &Larder) {
    let sha512 = "b39da2b5aa9edd03b5a44fbaa1b3ac0a";
    let odd = bundle("pkg:npm/demo@1.0.0", sha512);
    let refused = publish(larder, &json!({"demo-1.0.0.sigstore": {"data": odd}})).expect(400);
    assert!(
        refused
            .text()
            .contains("not the package, version and tarball"),
        "{}",
        refused.text()
    );
    let bundle = bundle("pkg:npm/demo@1.0.0", &sha512_of_tarball());
    publish(larder, &json!({"demo-1.0.0.sigstore": {"data": bundle}})).expect(201);
    let home = npm_home(larder, "home", &token(larder));
    let view = |what: &str| run(&mut npm(&home, &home, &["view", what, "--json"]).expect("npm"));
    let seen: Value = serde_json::from_str(&view("demo@1.0.0")).expect("JSON");
    assert_eq!(
        seen["dist"]["attestations"]["provenance"]["predicateType"],
        "https://slsa.dev/provenance/v1"
    );
    let url = seen["dist"]["attestations"]["url"]
        .as_str()
        .expect("url")
        .to_owned();
    let path = url.strip_prefix(larder.url()).expect("here");
    let got = larder.admin().get(path).expect(200).json();
    assert_eq!(
        got["attestations"][0]["bundle"].to_string(),
        bundle.parse::<Value>().expect("JSON").to_string()
    );
    let member = Client::get;
    assert_eq!(
        member(&larder.admin(), "/npm/main/demo/1.0.0")
            .expect(200)
            .json()["version"],
        "1.0.0"
    );
    assert_eq!(
        member(&larder.admin(), "/npm/main/demo/latest")
            .expect(200)
            .json()["version"],
        "1.0.0"
    );
    member(&larder.admin(), "/npm/main/demo/9.0.0").expect(404);
    member(&larder.anonymous(), "/npm/main/demo/1.0.0").expect(404);
    assert_eq!(
        member(&larder.admin(), "/npm/main/-/package/demo/dist-tags")
            .expect(200)
            .json(),
        json!({"latest": "1.0.0"})
    );

    // What npm installs it verifies by what the packument says.
    let manifest = r#"{"name":"user","version":"1.0.0","dependencies":{"demo":"1.0.0"}}"#;
    let user = folder(larder, "user", &[("package.json", manifest)]);
    run(&mut npm(&home, &user, &["install"]).expect("npm"));
}

fn sha512_of_tarball() -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(TARBALL)
        .expect("base64");
    larder_model::Digest::of(larder_model::Algorithm::Sha512, &bytes).hex()
}

/// A bundle as npm sends it, of a statement about these bytes.
fn bundle(subject: &str, sha512: &str) -> String {
    use base64::Engine as _;
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"name": subject, "digest": {"sha512": sha512}}], "predicate": {},
    });
    let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_string());
    let envelope = json!({"payload": payload, "payloadType": "application/vnd.in-toto+json", "signatures": []});
    json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope})
        .to_string()
}

#[test]
fn npm_audits_by_what_the_upstream_knows() {
    if tool("npm").is_none() {
        return;
    }
    let larder = larder();
    let (upstream, _) = with_upstream(&larder, "npm");
    let advisory = json!({"id": 1, "url": "https://advice.example/1", "title": "all of it is wrong", "severity": "high",
        "vulnerable_versions": "<99", "cwe": [], "cvss": {"score": 0, "vectorString": null}});
    let path = "/npm/-/npm/v1/security/advisories/bulk";
    upstream.put(path, json!({"other": [advisory]}).to_string());
    publish(&larder, &json!({})).expect(201);
    let home = npm_home(&larder, "home", &token(&larder));
    let tarball = |name: &str| format!("{}/npm/main/{name}/-/{name}-1.0.0.tgz", larder.url());
    let lock = |name: &str| json!({"version": "1.0.0", "resolved": tarball(name)});
    let packages = json!({"": {"name": "user", "version": "1.0.0", "dependencies": {"demo": "1.0.0", "other": "1.0.0"}},
        "node_modules/demo": lock("demo"), "node_modules/other": lock("other")});
    let lock =
        json!({"name": "user", "version": "1.0.0", "lockfileVersion": 3, "packages": packages})
            .to_string();
    let manifest =
        r#"{"name":"user","version":"1.0.0","dependencies":{"demo":"1.0.0","other":"1.0.0"}}"#;
    let user = folder(
        &larder,
        "user",
        &[("package.json", manifest), ("package-lock.json", &lock)],
    );
    let audit = || npm(&home, &user, &["audit", "--package-lock-only"]).expect("npm");
    let told = fails(&mut audit());
    assert!(
        told.contains("all of it is wrong") && told.contains("1 high"),
        "{told}"
    );
    let asked = upstream
        .take_asked()
        .into_iter()
        .find(|asked| asked.path == path)
        .expect("a question");
    let asked: Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(
        asked,
        json!({"other": ["1.0.0"]}),
        "what is published here is no business of the upstream"
    );

    let post = |body: &str| {
        let path = "/npm/main/-/npm/v1/security/advisories/bulk";
        larder.admin().send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    };
    assert_eq!(post(r#"{"demo":["1.0.0"]}"#).expect(200).json(), json!({}));
    post("[]").expect(400);
    // An upstream that fails to give advice is not taken for one that has no packages.
    upstream.fail(path, Fault::Status(500));
    for _ in 0..4 {
        post(r#"{"other":["1.0.0"]}"#).expect(503);
    }
    larder.admin().get("/npm/upstream/demo").expect(200);
    upstream.heal();
    upstream.remove(path);
    // It is left alone for a moment.
    let answer = loop {
        let answer = post(r#"{"other":["1.0.0"]}"#);
        if answer.status != 503 {
            break answer;
        }
        std::thread::yield_now();
    };
    answer.expect(404);
    larder.api("PATCH", "settings", r#"{"offline":true}"#, 200);
    assert_eq!(post(r#"{"other":["1.0.0"]}"#).expect(200).json(), json!({}));
}
