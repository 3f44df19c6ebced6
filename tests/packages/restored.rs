//! Versions that are deleted by hand and restored: clients install them as before.

use crate::by_name::publish_pypi;
use crate::confusion::{publish_npm, send_crate};
use crate::copied::{cargo_builds_with, npm_of_prod, pip_of_prod};
use crate::larder;
use larder_tests::{Larder, archive, run, tool};
use serde_json::{Value, json};

/// A hosted repository `prod` with a copy of a version, which the clients of the copies ask.
fn prod(larder: &Larder, protocol: &str, package: &str, version: &str) {
    let prod = json!({"protocol": protocol, "name": "prod", "kind": "hosted"});
    larder.api("POST", "repositories", &prod.to_string(), 201);
    let path = format!("repositories/{protocol}/local/packages/{package}/versions/{version}/copy");
    let to = json!({"to": {"repository": format!("{protocol}/prod")}});
    larder.api("POST", &path, &to.to_string(), 200);
}

/// Deletes the version of `prod`, whose document is then without it, and restores it: the document is
/// what it was.
#[track_caller]
fn delete_and_restore(
    larder: &Larder,
    protocol: &str,
    (package, version): (&str, &str),
    document: &str,
) {
    let admin = larder.admin();
    let before = admin.get(document).expect(200).body;
    let path = format!("repositories/{protocol}/prod/packages/{package}/versions/{version}");
    larder.api("DELETE", &path, "", 204);
    let gone = admin.get(document);
    assert!(
        gone.status == 404 || gone.body != before,
        "{document} is as before"
    );
    let trash = format!("repositories/{protocol}/prod/trash");
    let entries = larder.api("GET", &trash, "", 200);
    let entry = &entries["items"][0];
    assert_eq!(
        (
            &entry["what"],
            &entry["package"],
            &entry["version"],
            &entry["reason"]
        ),
        (
            &json!("version"),
            &json!(package),
            &json!(version),
            &Value::Null
        ),
        "{entries}"
    );
    let id = entry["id"].as_str().expect("id");
    larder.api("POST", &format!("{trash}/{id}/restore"), "", 200);
    let after = admin.get(document).expect(200).body;
    assert_eq!(
        String::from_utf8_lossy(&after),
        String::from_utf8_lossy(&before),
        "{document}"
    );
    let left = larder.api("GET", &trash, "", 200);
    assert_eq!(left["items"], json!([]));
}

#[test]
fn npm_installs_what_was_restored() {
    let larder = larder();
    assert!([200, 201].contains(&publish_npm(&larder).status));
    prod(&larder, "npm", "demo", "1.0.0");
    delete_and_restore(&larder, "npm", ("demo", "1.0.0"), "/npm/prod/demo");
    let Some(mut install) = npm_of_prod(&larder, &["install", "demo"]) else {
        return;
    };
    run(&mut install);
    let installed = "npm-user/node_modules/demo/package.json";
    assert!(larder.folder().join(installed).exists());
}

#[test]
fn cargo_builds_with_what_was_restored() {
    let larder = larder();
    let packed = archive::crate_file("left-pad", "1.0.0", "ours");
    send_crate(&larder, "left-pad", &packed).expect(200);
    prod(&larder, "cargo", "left-pad", "1.0.0");
    delete_and_restore(
        &larder,
        "cargo",
        ("left-pad", "1.0.0"),
        "/cargo/prod/le/ft/left-pad",
    );
    let dependency = "left-pad = { version = \"1\", registry = \"main\" }";
    cargo_builds_with(&larder, dependency, "");
}

#[test]
fn pip_installs_what_was_restored() {
    let Some(python) = tool("python3") else {
        return;
    };
    let larder = larder();
    let home = publish_pypi(&larder, &python);
    prod(&larder, "pypi", "larder-probe", "1.1");
    let page = "/pypi/prod/simple/larder-probe/";
    delete_and_restore(&larder, "pypi", ("larder-probe", "1.1"), page);
    let arguments = ["--target", "restored", "larder-probe==1.1"];
    run(&mut pip_of_prod(&larder, &python, &home, &arguments));
    let module = home.join("restored").join("larder_probe.py");
    assert_eq!(
        std::fs::read_to_string(module).expect("module"),
        "one = 1.1"
    );
}

#[test]
fn clients_cannot_delete_what_is_immutable() {
    let larder = larder();
    assert!([200, 201].contains(&publish_npm(&larder).status));
    let packed = archive::crate_file("left-pad", "1.0.0", "ours");
    send_crate(&larder, "left-pad", &packed).expect(200);
    for protocol in ["npm", "cargo"] {
        let repo = format!("repositories/{protocol}/local");
        larder.api("PATCH", &repo, r#"{"immutable":["1.*"]}"#, 200);
    }
    // In npm's own words, as `npm unpublish --force` asks.
    let packument = larder
        .admin()
        .get("/npm/main/demo?write=true")
        .expect(200)
        .json();
    let revision = packument["_rev"].as_str().expect("revision");
    let path = format!("/npm/main/demo/-rev/{revision}");
    let refused = larder.admin().send("DELETE", &path, &[], b"").expect(409);
    assert!(refused.text().contains("immutable"), "{}", refused.text());
    larder.admin().get("/npm/main/demo").expect(200);
    let crates = "repositories/cargo/local/packages/left-pad";
    let problem = larder.api("DELETE", crates, "", 409);
    assert_eq!(problem["code"], "conflict");
    larder.api(
        "PATCH",
        "repositories/cargo/local",
        r#"{"immutable":[]}"#,
        200,
    );
    larder.api("DELETE", crates, "", 204);
}
