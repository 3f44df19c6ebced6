//! Retention, trash and immutable tags of the built binary, by raw HTTP and by a real client.

use larder_tests::image::{INDEX, MANIFEST, digest, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::{package_of, publish_to, version_of};
use larder_tests::random::Random;
use larder_tests::tools::{command, run, tool};
use larder_tests::{Image, Larder, Start, layout};
use serde_json::{Value, json};

fn larder() -> Larder {
    let larder = Start::of(env!("CARGO_BIN_EXE_larder")).start();
    larder.disable_schedules();
    larder
}

#[track_caller]
fn tags(larder: &Larder, image: &str) -> Vec<String> {
    let answer = larder.admin().get(&format!("/v2/{image}/tags/list"));
    if answer.status == 404 {
        return Vec::new();
    }
    let tags = answer.expect(200).json()["tags"].take();
    serde_json::from_value(tags).expect("tags")
}

/// Asks for a preview, by the policy that is set.
#[track_caller]
fn preview(larder: &Larder, repo: &str) -> Value {
    larder.api(
        "POST",
        &format!("repositories/{repo}/retention/preview"),
        "{}",
        200,
    )
}

/// The packages and versions of a preview that have this action.
fn versions(preview: &Value, action: &str) -> Vec<String> {
    let items = preview["items"].as_array().expect("items").iter();
    let of = items.filter(|item| item["action"] == action);
    of.map(|item| item["version"].as_str().unwrap_or("-").to_owned())
        .collect()
}

/// Runs a preview to its end: the job.
#[track_caller]
fn run_preview(larder: &Larder, repo: &str, preview: &Value) -> Value {
    let body = json!({"preview": preview["id"]}).to_string();
    let job = larder.api(
        "POST",
        &format!("repositories/{repo}/retention/runs"),
        &body,
        202,
    );
    larder.await_job(&job)
}

#[track_caller]
fn trash(larder: &Larder, repo: &str) -> Vec<Value> {
    let page = larder.api("GET", &format!("repositories/{repo}/trash"), "", 200);
    page["items"].as_array().expect("items").clone()
}

#[track_caller]
fn restore(larder: &Larder, repo: &str, entry: &Value, status: u16) -> Value {
    let id = entry["id"].as_str().expect("id");
    larder.api(
        "POST",
        &format!("repositories/{repo}/trash/{id}/restore"),
        "",
        status,
    )
}

/// Has a real client pull an image, and compares every byte.
#[track_caller]
fn pull(larder: &Larder, name: &str, image: &Image) {
    let Some(skopeo) = tool("skopeo") else { return };
    let to = format!("oci:{}:1", larder.folder().join("pulled").display());
    let from = format!("docker://{}/{name}", larder.host());
    run(command(&skopeo, larder.folder())
        .args([
            "copy",
            "--preserve-digests",
            "--src-tls-verify=false",
            "--src-creds",
        ])
        .args([&format!("admin:{PASSWORD}"), &from, &to]));
    layout::check(&larder.folder().join("pulled"), image);
}

#[test]
fn a_run_deletes_what_the_preview_told_and_all_of_it_comes_back() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let images: Vec<Image> = (0..4)
        .map(|_| Image::random(&mut random, &[70_000, 10]))
        .collect();
    for (number, image) in images.iter().enumerate() {
        image.push(&admin, "team/app", &format!("b{number}"));
    }
    // An index with a signature, and a release.
    let parts = [
        Image::random(&mut random, &[66_000]),
        Image::random(&mut random, &[5]),
    ];
    for part in &parts {
        part.push(&admin, "team/app", &part.digest.to_string());
    }
    let index = layout::index(&[("amd64", &parts[0]), ("arm64", &parts[1])]);
    put_manifest(&admin, "team/app", "multi", INDEX, &index).expect(201);
    let subject = json!({"subject": {
        "mediaType": INDEX, "digest": digest(&index).to_string(), "size": index.len(),
    }});
    let signature = Image::of(b"{}".to_vec(), vec![b"signed".to_vec()], &subject);
    signature.push(&admin, "team/app", &signature.digest.to_string());
    images[3].push(&admin, "team/app", "v1.0.0");
    let policy = json!({
        "enabled": true,
        "rules": [{"packages": "app", "versions": "*", "keep": {"newest": 1, "matching": ["b3"]}}],
    });
    larder.api(
        "PUT",
        "repositories/oci/team/retention",
        &policy.to_string(),
        200,
    );
    let told = preview(&larder, "oci/team");
    assert_eq!(
        versions(&told, "delete"),
        ["b0", "b1", "b2", "multi"],
        "{told}"
    );
    assert_eq!(versions(&told, "keep"), ["b3", "v1.0.0"]);
    assert_eq!((&told["delete"], &told["keep"]), (&json!(4), &json!(2)));
    let reason = "not among the newest 1, no pattern matches";
    assert_eq!(
        (&told["items"][0]["reason"], &told["items"][0]["rule"]),
        (&json!(reason), &json!(0))
    );
    // What only those have that go: three images, the index with its parts.
    let size = |image: &Image| {
        let blobs: usize = image.blobs.iter().map(|(_, bytes)| bytes.len()).sum();
        blobs + image.manifest.len()
    };
    let own = images[..3].iter().map(size).sum::<usize>();
    let whole = own + parts.iter().map(size).sum::<usize>() + index.len() + size(&signature);
    assert_eq!(told["bytes"], json!(whole), "{told}");
    let job = run_preview(&larder, "oci/team", &told);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(
        (&job["result"]["deleted"], &job["result"]["kept"]),
        (&json!(4), &json!(2)),
        "{job}"
    );
    let id = job["id"].as_str().expect("id");
    let items = larder.api("GET", &format!("jobs/{id}/items"), "", 200);
    assert_eq!(items["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(items["items"][0]["reason"], reason);
    assert_eq!(tags(&larder, "team/app"), ["b3", "v1.0.0"]);
    for gone in [&images[0].digest, &parts[0].digest, &signature.digest] {
        admin
            .get(&format!("/v2/team/app/manifests/{gone}"))
            .expect(404);
    }
    assert_eq!(preview(&larder, "oci/team")["delete"], json!(0));
    // Everything comes back whole, and a client pulls it.
    for entry in trash(&larder, "oci/team") {
        assert_eq!(
            (&entry["reason"], &entry["what"]),
            (&json!(reason), &json!("tag"))
        );
        restore(&larder, "oci/team", &entry, 200);
    }
    assert_eq!(
        tags(&larder, "team/app"),
        ["b0", "b1", "b2", "b3", "multi", "v1.0.0"]
    );
    images[0].check(&admin, "team/app", "b0");
    parts[1].check(&admin, "team/app", &parts[1].digest.to_string());
    let referrers = admin.get(&format!("/v2/team/app/referrers/{}", digest(&index)));
    let referrers = referrers.expect(200).json();
    assert_eq!(
        referrers["manifests"][0]["digest"],
        json!(signature.digest.to_string())
    );
    pull(&larder, "team/app:b1", &images[1]);
}

#[test]
fn a_preview_that_does_not_hold_any_more_is_refused() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let push = |random: &mut Random, tag: &str| {
        Image::random(random, &[10]).push(&admin, "team/app", tag);
    };
    for number in 0..4 {
        push(&mut random, &format!("t{number}"));
    }
    let policy = json!({"rules": [{"keep": {"newest": 2}}]}).to_string();
    larder.api("PUT", "repositories/oci/team/retention", &policy, 200);
    let told = preview(&larder, "oci/team");
    assert_eq!(versions(&told, "delete"), ["t0", "t1"]);
    push(&mut random, "t4");
    let body = json!({"preview": told["id"]}).to_string();
    let refused = larder.api("POST", "repositories/oci/team/retention/runs", &body, 409);
    assert_eq!(refused["code"], "conflict");
    assert_eq!(tags(&larder, "team/app").len(), 5);
    let none = json!({"preview": "p-0"}).to_string();
    larder.api("POST", "repositories/oci/team/retention/runs", &none, 404);
    let told = preview(&larder, "oci/team");
    let job = run_preview(&larder, "oci/team", &told);
    assert_eq!(job["result"]["deleted"], json!(3), "{job}");
    assert_eq!(tags(&larder, "team/app"), ["t3", "t4"]);
}

#[test]
fn versions_of_packages_go_and_come_back() {
    let larder = larder();
    let admin = larder.admin();
    for (protocol, document) in [
        ("npm", "/npm/local/demo"),
        ("cargo", "/cargo/local/de/mo/demo"),
        ("pypi", "/pypi/local/simple/demo/"),
        ("go", "/go/local/demo.example/@v/list"),
        ("composer", "/composer/local/p2/acme/demo.json"),
        ("deb", "/deb/local/dists/stable/main/binary-all/Packages"),
    ] {
        let first = version_of(protocol, "1.0.0");
        let repo = format!("{protocol}/local");
        for version in ["1.0.0", "1.0.1", "1.1.0", "1.2.0"] {
            let answer = publish_to(&admin, (protocol, "local"), "demo", version, b"x");
            assert!(
                matches!(answer.status, 200 | 201),
                "{protocol}: {}",
                answer.text()
            );
        }
        let keep = json!({"newest_per": {"of": "minor", "count": 1}});
        let demo = package_of(protocol, "demo");
        let policy = json!({"rules": [{"packages": demo, "keep": keep}]}).to_string();
        larder.api(
            "PUT",
            &format!("repositories/{repo}/retention"),
            &policy,
            200,
        );
        let told = preview(&larder, &repo);
        assert_eq!(versions(&told, "delete"), [&*first], "{told}");
        let before = admin.get(document).expect(200).text();
        let job = run_preview(&larder, &repo, &told);
        assert_eq!(job["result"]["deleted"], json!(1), "{job}");
        let without = admin.get(document).expect(200).text();
        // A normal form of another version has the text of this one.
        let has = |version: &str| match protocol {
            "composer" => without.contains(&format!("/{version}/")),
            _ => without.contains(version),
        };
        assert!(!has("1.0.0") && has("1.0.1"), "{without}");
        // The name stays reserved until it is restored.
        let again = publish_to(&admin, (protocol, "local"), "demo", "1.0.0", b"x");
        assert!(again.status >= 400, "{protocol}: {}", again.text());
        let entries = trash(&larder, &repo);
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(
            (&entries[0]["what"], &entries[0]["version"]),
            (&json!("version"), &json!(first))
        );
        restore(&larder, &repo, &entries[0], 200);
        let order = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(
            order(&admin.get(document).expect(200).text()),
            order(&before)
        );
    }
}

#[test]
fn a_taken_name_is_told() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let (old, new) = (
        Image::random(&mut random, &[10]),
        Image::random(&mut random, &[20]),
    );
    old.push(&admin, "team/app", "v1");
    admin
        .send("DELETE", "/v2/team/app/manifests/v1", &[], b"")
        .expect(202);
    new.push(&admin, "team/app", "v1");
    let entry = trash(&larder, "oci/team").remove(0);
    assert_eq!(
        (&entry["deleted_by"], &entry["reason"]),
        (&json!("user:admin"), &Value::Null)
    );
    let refused = restore(&larder, "oci/team", &entry, 409);
    let detail = refused["detail"].as_str().expect("detail");
    assert!(
        detail.contains("the tag v1 of oci/team/app is taken"),
        "{detail}"
    );
    new.check(&admin, "team/app", "v1");
    assert_eq!(trash(&larder, "oci/team"), std::slice::from_ref(&entry));
    let id = entry["id"].as_str().expect("id");
    let path = format!("repositories/oci/team/trash/{id}");
    larder.api("DELETE", &path, "", 204);
    larder.api("DELETE", &path, "", 404);
}

#[test]
fn immutable_tags_are_not_pushed_over_nor_deleted() {
    let larder = larder();
    let admin = larder.admin();
    let mut random = Random::seeded();
    let (old, new) = (
        Image::random(&mut random, &[10]),
        Image::random(&mut random, &[20]),
    );
    old.push(&admin, "team/app", "v1");
    larder.api(
        "PATCH",
        "repositories/oci/team",
        r#"{"immutable":["v*"]}"#,
        200,
    );
    new.push(&admin, "team/app", "latest");
    let refused = put_manifest(&admin, "team/app", "v1", MANIFEST, &new.manifest).expect(409);
    assert_eq!(refused.code(), "DENIED");
    assert!(refused.text().contains("immutable"), "{}", refused.text());
    for reference in ["v1".to_owned(), old.digest.to_string()] {
        let path = format!("/v2/team/app/manifests/{reference}");
        admin.send("DELETE", &path, &[], b"").expect(409);
    }
    old.check(&admin, "team/app", "v1");
    // The same again, and a new one, are no changes.
    put_manifest(&admin, "team/app", "v1", MANIFEST, &old.manifest).expect(201);
    put_manifest(&admin, "team/app", "v2", MANIFEST, &new.manifest).expect(201);
    // Nor do rules let them go.
    larder.api(
        "PUT",
        "repositories/oci/team/retention",
        r#"{"rules":[{}]}"#,
        200,
    );
    let told = preview(&larder, "oci/team");
    assert_eq!(versions(&told, "delete"), ["latest"], "{told}");
    let job = run_preview(&larder, "oci/team", &told);
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(tags(&larder, "team/app"), ["v1", "v2"]);
    larder.api("PATCH", "repositories/oci/team", r#"{"immutable":[]}"#, 200);
    put_manifest(&admin, "team/app", "v1", MANIFEST, &new.manifest).expect(201);
}
