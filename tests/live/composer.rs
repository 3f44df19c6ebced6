//! Composer: an application with its tools.

use crate::rounds::{Visit, is_found, rounds};
use larder_tests::{Larder, run, tool};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Whether what a first start found answers. Not every machine that has the client reaches what that
/// asks by itself.
fn answers(larder: &Larder) -> bool {
    if !is_found(larder, "composer") {
        return false;
    }
    let path = "repositories/composer/upstream/upstream/check";
    let is_there = larder.api("POST", path, "{}", 200)["ok"] == json!(true);
    if !is_there {
        println!("composer: its upstream cannot be reached from here, so nothing is got from it");
    }
    is_there
}

#[test]
fn packages_of_an_application() {
    let (Some(composer), Some(_)) = (tool("composer"), tool("php")) else {
        return;
    };
    // The server has another port each time, and a lock has its address.
    let lock: OnceLock<(String, String)> = OnceLock::new();
    let get = |visit: &Visit<'_>| {
        let base = format!("{}/composer/upstream/", visit.larder.url());
        let manifest = json!({
            "repositories": [{"type": "composer", "url": base}, {"packagist": false}],
            "config": {"secure-http": false, "platform": {"php": "8.2.0"}, "allow-plugins": false},
            "require": {"laravel/framework": "^10", "symfony/console": "^6", "doctrine/orm": "^2",
                "guzzlehttp/guzzle": "^7", "monolog/monolog": "^3", "twig/twig": "^3"},
            "require-dev": {"phpunit/phpunit": "^10", "phpstan/phpstan": "^1"},
        });
        let project = visit.home().join("project");
        std::fs::create_dir_all(&project).expect("project");
        std::fs::write(project.join("composer.json"), manifest.to_string()).expect("manifest");
        let file = project.join("composer.lock");
        if let Some((written_by, text)) = lock.get() {
            std::fs::write(&file, text.replace(written_by, &base)).expect("lock");
        }
        let step = if lock.get().is_some() {
            "install"
        } else {
            "update"
        };
        let mut command = visit.command(&composer);
        command
            .env("COMPOSER_ALLOW_SUPERUSER", "1")
            .current_dir(&project);
        run(command.args([
            step,
            "--no-interaction",
            "--no-progress",
            "--ignore-platform-reqs",
        ]));
        let text = std::fs::read_to_string(&file).expect("lock");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let count = |key: &str| read[key].as_array().map_or(0, Vec::len);
        lock.get_or_init(|| (base, text));
        count("packages") + count("packages-dev")
    };
    rounds("composer", 60, answers, get, || {});
}
