//! What a first start makes, with what this machine's package managers use.

use larder_tests::{Larder, Start};
use serde_json::{Value, json};
use std::path::Path;

/// A server on a machine whose package managers have the settings in `home`; nothing of them is
/// installed.
fn on_machine(home: &Path) -> Start {
    let start = Start::of(env!("CARGO_BIN_EXE_larder")).with("LARDER_CACHE__DISCOVER", "true");
    let empty = home.display().to_string();
    let start = ["HOME", "PATH", "CARGO_HOME", "XDG_CONFIG_HOME"]
        .iter()
        .fold(start, |start, name| start.with(name, &empty));
    let settings = [
        "npm_config_registry",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
        "PIP_EXTRA_INDEX_URL",
        "COMPOSER_HOME",
        "COMPOSER_AUTH",
    ];
    let start = settings
        .iter()
        .fold(start, |start, name| start.with(name, ""));
    start.with("PIP_INDEX_URL", "https://me:hunter2@10.1.2.3/simple")
}

fn upstream(larder: &Larder, protocol: &str) -> Value {
    larder.api("GET", &format!("repositories/{protocol}/upstream"), "", 200)["upstream"].clone()
}

#[test]
fn mirrors_are_made_of_what_the_machine_uses() {
    let home = tempfile::tempdir().expect("folder");
    std::fs::write(
        home.path().join(".npmrc"),
        "registry=http://127.0.0.1:1/npm\n",
    )
    .expect("npmrc");
    let config = "[source.crates-io]\nreplace-with='x'\n[source.x]\nregistry='sparse+https://192.0.2.1/index/'\n";
    std::fs::write(home.path().join("config.toml"), config).expect("config.toml");
    let config = r#"{"repositories": [{"type": "composer", "url": "https://192.0.2.2/php"}, {"packagist": false}]}"#;
    std::fs::create_dir(home.path().join("composer")).expect("folder");
    std::fs::write(home.path().join("composer/config.json"), config).expect("config.json");
    let mut larder = on_machine(home.path()).start();
    let npm = json!({"url": "http://127.0.0.1:1/npm/", "username": null, "has_password": false, "allow_private": true,
        "absent_statuses": [404, 410], "answer_time": null});
    assert_eq!(upstream(&larder, "npm"), npm);
    let pypi = json!({"url": "https://10.1.2.3/simple/", "username": "me", "has_password": true, "allow_private": true,
        "absent_statuses": [404, 410], "answer_time": null});
    assert_eq!(upstream(&larder, "pypi"), pypi);
    assert_eq!(
        upstream(&larder, "cargo")["url"],
        "https://192.0.2.1/index/"
    );
    assert_eq!(
        upstream(&larder, "composer")["url"],
        "https://192.0.2.2/php/"
    );
    larder.api("GET", "repositories/rpm/upstream", "", 200);

    // Everyone may read them, but not what is behind credentials.
    for (protocol, status) in [
        ("cargo", 200),
        ("npm", 200),
        ("rpm", 200),
        ("composer", 200),
        ("pypi", 401),
    ] {
        larder
            .anonymous()
            .get(&format!("/api/v1/repositories/{protocol}/upstream"))
            .expect(status);
    }
    let log = larder.log_text();
    assert!(
        log.contains("http://127.0.0.1:1/npm/")
            && log.contains(".npmrc")
            && !log.contains("hunter2"),
        "{log}"
    );

    // What someone takes away stays away.
    // The group that it is a member of would dangle.
    larder.api("DELETE", "repositories/npm/upstream", "", 409);
    larder.api("DELETE", "repositories/npm/upstream?force=true", "", 204);
    let git = ["main", "upstream", "local"].map(|name| format!("repositories/git/{name}"));
    for path in &git {
        larder.api("DELETE", path, "", 204);
    }
    larder.stop();
    larder.start_again();
    larder.api("GET", "repositories/npm/upstream", "", 404);
    for path in &git {
        larder.api("GET", path, "", 404);
    }
}

#[test]
fn without_discovery_they_wait_for_an_upstream() {
    let home = tempfile::tempdir().expect("folder");
    let larder = on_machine(home.path())
        .with("LARDER_CACHE__DISCOVER", "false")
        .start();
    for protocol in [
        "cargo", "deb", "npm", "pypi", "rpm", "go", "composer", "git",
    ] {
        assert_eq!(upstream(&larder, protocol), Value::Null);
        let repo = |name: &str| {
            let path = format!("repositories/{protocol}/{name}");
            larder.api("GET", &path, "", 200)
        };
        assert_eq!(repo("local")["kind"], "hosted", "{protocol}");
        assert_eq!(repo("main")["members"], json!(["local", "upstream"]));
    }
    // What no client asks for again: not a failure that may pass, but what is to be done.
    for (protocol, path) in [
        ("cargo", "/de/mo/demo"),
        ("deb", "/dists/stable/InRelease"),
        ("npm", "/demo"),
        ("pypi", "/simple/demo/"),
        ("pypi", "/simple/"),
        ("rpm", "/repodata/repomd.xml"),
        ("go", "/demo.example/demo/@v/list"),
        ("composer", "/p2/acme/demo.json"),
        ("git", "/demo.git/info/refs?service=git-upload-pack"),
    ] {
        let path = format!("/{protocol}/upstream{path}");
        let said = larder.anonymous().get(&path).expect(404).text();
        let next = format!("larder repo set {protocol}/upstream --upstream URL");
        assert!(said.contains(&next), "{path}: {said}");
    }
}
