//! Sources of Composer packages: from a git mirror of the same server where one has them, and from
//! nowhere else.

use crate::house::{House, Who, read};
use larder_tests::gits::Gits;
use larder_tests::{Upstream, tool};
use serde_json::{Value, json};

/// What clients read of a package.
fn versions(house: &House, name: &str) -> Value {
    let reader = house.larder.user("reader", larder_tests::larder::PASSWORD);
    let path = format!("/composer/main/p2/acme/{name}.json");
    let mut body = reader.get(&path).expect(200).json();
    body["packages"][format!("acme/{name}")].take()
}

#[test]
fn sources_come_from_a_git_mirror_of_the_same_server() {
    let (Some(program), Some(_), Some(git)) = (tool("composer"), tool("php"), tool("git")) else {
        return;
    };
    let upstream = Upstream::start();
    let gits = Gits::start(&upstream, &git);
    gits.make("acme/tool");
    let manifest = json!({"name": "acme/tool", "autoload": {"classmap": ["src/"]}});
    gits.commit(
        "acme/tool",
        "composer.json",
        manifest.to_string().as_bytes(),
    );
    let commit = gits.commit("acme/tool", "src/Tool.php", b"<?php\nclass Tool {}\n");
    let root = json!({"packages": [], "metadata-url": "/php/p2/%package%.json"});
    upstream.put("/php/packages.json", root.to_string());
    let put = |name: &str, url: &str| {
        let source = json!({"type": "git", "url": url, "reference": commit});
        let full_name = format!("acme/{name}");
        let version = json!({"name": full_name, "version": "1.0.0", "source": source});
        let body = json!({"packages": {full_name: [version]}});
        upstream.put(&format!("/php/p2/acme/{name}.json"), body.to_string());
    };
    put("tool", &format!("{}acme/tool.git", Gits::url(&upstream)));
    put("other", "https://code.example/acme/other.git");
    let url = format!("{}php/", upstream.url());
    let house = House::over(
        "composer-sources",
        "composer",
        "composer/main",
        &[&program, &git],
        upstream,
        &url,
    );
    // Without a mirror of its sources a version that has nothing else is not there.
    assert_eq!(versions(&house, "tool"), json!([]));
    let settings = json!({"url": Gits::url(&house.upstream), "allow_private": true});
    let mirror = json!({"protocol": "git", "name": "code", "kind": "mirror", "upstream": settings});
    house
        .larder
        .api("POST", "repositories", &mirror.to_string(), 201);
    let ours = format!("{}/git/code/acme/tool.git", house.larder.url());
    let told = versions(&house, "tool");
    let source = json!({"type": "git", "url": ours, "reference": commit});
    assert_eq!(told[0]["source"], source, "{told}");
    assert_eq!(versions(&house, "other"), json!([]));

    let home = house.home(Who::Reader);
    let manifest = json!({"name": "acme/user", "require": {"acme/tool": "^1.0"}});
    let project = home.project("user", &[("composer.json", &manifest.to_string())]);
    home.run(&project, "composer update --no-progress --prefer-source");
    let installed = project.join("vendor/acme/tool");
    assert_eq!(
        read(&installed.join("src/Tool.php")),
        "<?php\nclass Tool {}\n"
    );
    let settings = read(&installed.join(".git/config"));
    assert!(settings.contains(&ours), "{settings}");
    let lock: Value = serde_json::from_str(&read(&project.join("composer.lock"))).expect("JSON");
    assert_eq!(lock["packages"][0]["source"], source);

    // What not everyone may read is led to nobody.
    let body = json!({"open": false}).to_string();
    house
        .larder
        .api("PATCH", "repositories/git/code", &body, 200);
    assert_eq!(versions(&house, "tool"), json!([]));
}
