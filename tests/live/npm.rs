//! npm: an application with its tools.

use crate::rounds::{Visit, is_found, rounds};
use larder_tests::{run, tool};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;

const OPTIONS: [&str; 4] = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
];

#[test]
fn packages_of_an_application() {
    let Some(npm) = tool("npm") else { return };
    let manifest = json!({"name": "app", "version": "1.0.0", "private": true, "dependencies": {
        "express": "^4", "react-dom": "^18", "webpack": "^5", "webpack-dev-server": "^5", "eslint": "^8",
        "jest": "^29", "mocha": "^10", "@babel/core": "^7", "@babel/preset-env": "^7", "typescript": "^5",
    }});
    let lock: OnceLock<String> = OnceLock::new();
    let get = |visit: &Visit<'_>| {
        // The server has another port each time; a lock without addresses makes npm ask it for all
        // of them.
        visit.connect(
            "npm",
            "npm/upstream",
            "omit-lockfile-registry-resolved=true\n",
        );
        let app = visit.home().join("app");
        std::fs::create_dir(&app).expect("folder");
        std::fs::write(app.join("package.json"), manifest.to_string()).expect("manifest");
        if let Some(lock) = lock.get() {
            std::fs::write(app.join("package-lock.json"), lock).expect("lock");
        }
        let word = if lock.get().is_some() {
            "ci"
        } else {
            "install"
        };
        run(visit
            .command(&npm)
            .current_dir(&app)
            .arg(word)
            .args(OPTIONS));
        let now = std::fs::read_to_string(app.join("package-lock.json")).expect("lock");
        assert_eq!(&now, lock.get_or_init(|| now.clone()));
        let locked: Value = serde_json::from_str(&now).expect("lock");
        let packages = locked["packages"].as_object().expect("packages");
        assert!(
            packages
                .iter()
                .all(|(path, one)| path.is_empty() || one["integrity"].is_string()),
            "{now}"
        );
        installed(&app)
    };
    rounds("npm", 400, |larder| is_found(larder, "npm"), get, || {});
}

/// Packages in `node_modules`, as npm tells there, each of them with its manifest.
fn installed(app: &Path) -> usize {
    let told =
        std::fs::read(app.join("node_modules/.package-lock.json")).expect("what is installed");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    let packages = told["packages"].as_object().expect("packages");
    packages
        .keys()
        .for_each(|path| assert!(app.join(path).join("package.json").is_file(), "{path}"));
    packages.len()
}
