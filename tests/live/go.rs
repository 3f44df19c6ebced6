//! Go: a program with many modules, and a tool. `LARDER_TEST_LONG=1` has an older client, which comes as a module,
//! build a program too.

use crate::rounds::{Visit, is_found, rounds};
use larder_tests::archive::gzip;
use larder_tests::tools::fails;
use larder_tests::tools::is_long;
use larder_tests::{Larder, Upstream, run, tool};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What a program needs that has many modules behind it.
const REQUIRES: &str = "\
module app.example/app

go 1.21

require (
	github.com/docker/cli v24.0.7+incompatible
	github.com/hashicorp/terraform-exec v0.19.0
	github.com/open-policy-agent/opa v0.58.0
	github.com/prometheus/prometheus v0.47.2
	github.com/spf13/viper v1.17.0
	k8s.io/client-go v0.28.4
)
";
const SOURCE: &str = "\
package main

import (
	_ \"github.com/hashicorp/terraform-exec/tfexec\"
	_ \"github.com/spf13/viper\"
	_ \"k8s.io/client-go/util/homedir\"
)

func main() { println(\"built\") }
";
/// A client that came before the one of this machine.
const OLDER: &str = "go1.21.13";

/// The client in a visitor's home, which asks the mirror alone, and its own checksum database through
/// it.
fn client(visit: &Visit<'_>, go: &Path, at: &Path) -> Command {
    let mut command = visit.command(go);
    command
        .current_dir(at)
        .env("GOPATH", visit.home().join("go"))
        .env("GOCACHE", visit.home().join("cache"))
        .env("GOFLAGS", "-modcacherw -mod=mod")
        .env("GOVCS", "*:off")
        .env("GOTELEMETRY", "off")
        .env("CGO_ENABLED", "0");
    command
}

#[test]
fn modules_of_a_program() {
    let Some(go) = tool("go") else { return };
    let sums: OnceLock<String> = OnceLock::new();
    let get = |visit: &Visit<'_>| {
        visit.connect("go", "go/upstream", "");
        let app = visit.home().join("app");
        std::fs::create_dir(&app).expect("folder");
        std::fs::write(app.join("go.mod"), REQUIRES).expect("go.mod");
        std::fs::write(app.join("main.go"), SOURCE).expect("main.go");
        let local = |words: &[&str]| {
            let mut command = client(visit, &go, &app);
            run(command.env("GOTOOLCHAIN", "local").args(words))
        };
        local(&["mod", "download", "all"]);
        let verified = local(&["mod", "verify"]);
        assert!(verified.contains("all modules verified"), "{verified}");
        local(&["build", "-o", "app", "."]);
        local(&["install", "golang.org/x/tools/cmd/stringer@v0.30.0"]);
        assert!(visit.home().join("go/bin/stringer").is_file());
        let now = std::fs::read_to_string(app.join("go.sum")).expect("go.sum");
        assert_eq!(&now, sums.get_or_init(|| now.clone()));
        let modules = local(&["list", "-m", "all"]);
        let count = modules.lines().count();
        if !is_long() {
            return count;
        }
        // An older client, which the mirror has as a module, builds the same.
        let small = visit.home().join("small");
        std::fs::create_dir(&small).expect("folder");
        let need = "module small.example/small\n\ngo 1.21\n\nrequire rsc.io/quote v1.5.2\n";
        std::fs::write(small.join("go.mod"), need).expect("go.mod");
        let source =
            "package main\n\nimport \"rsc.io/quote\"\n\nfunc main() { println(quote.Go()) }\n";
        std::fs::write(small.join("main.go"), source).expect("main.go");
        let mut older = client(visit, &go, &small);
        let root = run(older.env("GOTOOLCHAIN", OLDER).args(["env", "GOROOT"]));
        let root = root.lines().find(|line| line.starts_with('/'));
        let older: PathBuf = Path::new(root.expect("a folder")).join("bin/go");
        let mut command = client(visit, &older, &small);
        let said = run(command.env("GOTOOLCHAIN", "local").args(["version"]));
        assert!(said.contains(OLDER), "{said}");
        let mut command = client(visit, &older, &small);
        let said = run(command.env("GOTOOLCHAIN", "local").args(["run", "."]));
        assert!(said.contains("communicate"), "{said}");
        count
    };
    rounds("go", 150, |larder| is_found(larder, "go"), get, || {});
}

/// A database of vulnerabilities that knows of one, in what `rsc.io/quote` says.
fn vulnerabilities() -> Upstream {
    let upstream = Upstream::start();
    let (id, modified, module) = ("GO-2026-9999", "2026-11-01T00:00:00Z", "rsc.io/quote");
    let put = |file: &str, body: &serde_json::Value| {
        let body = body.to_string();
        upstream.put(&format!("/{file}.json"), body.clone());
        upstream.put(&format!("/{file}.json.gz"), gzip(body.as_bytes()));
    };
    put("index/db", &json!({"modified": modified}));
    let known = json!([{"id": id, "modified": modified}]);
    put("index/modules", &json!([{"path": module, "vulns": known}]));
    put(
        "index/vulns",
        &json!([{"id": id, "modified": modified, "aliases": []}]),
    );
    let affected = json!([{
        "package": {"name": module, "ecosystem": "Go"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
        "ecosystem_specific": {"imports": [{"path": module, "symbols": ["Go"]}]},
    }]);
    let entry = json!({
        "schema_version": "1.3.1", "id": id, "modified": modified, "published": modified,
        "summary": "It says too much", "details": "It says too much.", "affected": affected,
        "database_specific": {"url": "https://vulnerabilities.example/1"},
    });
    put(&format!("ID/{id}"), &entry);
    upstream
}

/// The client's own scanner, which comes as a module, finds what the mirrored database knows.
/// `LARDER_TEST_LONG=1`: it is built in each round.
#[test]
fn vulnerabilities_of_a_program() {
    let Some(go) = tool("go").filter(|_| is_long()) else {
        return;
    };
    let database = vulnerabilities();
    let open = |larder: &Larder| {
        if !is_found(larder, "go") {
            return false;
        }
        let upstream = json!({"vulnerability_database": database.url(), "allow_private": true});
        let set = json!({"upstream": upstream}).to_string();
        larder.api("PATCH", "repositories/go/upstream", &set, 200);
        true
    };
    let get = |visit: &Visit<'_>| {
        visit.connect("go", "go/upstream", "");
        let app = visit.home().join("app");
        std::fs::create_dir(&app).expect("folder");
        let need = "module app.example/app\n\ngo 1.21\n\nrequire rsc.io/quote v1.5.2\n";
        std::fs::write(app.join("go.mod"), need).expect("go.mod");
        let source =
            "package main\n\nimport \"rsc.io/quote\"\n\nfunc main() { println(quote.Go()) }\n";
        std::fs::write(app.join("main.go"), source).expect("main.go");
        let local = |program: &Path, words: &[&str]| {
            let mut command = client(visit, program, &app);
            command.env("GOTOOLCHAIN", "local").args(words);
            command
        };
        let scanner = "golang.org/x/vuln/cmd/govulncheck@v1.9.0";
        run(&mut local(&go, &["install", scanner]));
        run(&mut local(&go, &["mod", "tidy"]));
        let at = format!("{}/go/upstream/vulndb", visit.larder.url());
        let scanner = visit.home().join("go/bin/govulncheck");
        let said = fails(&mut local(&scanner, &["-db", &at, "./..."]));
        assert!(
            said.contains("GO-2026-9999") && said.contains("quote.Go"),
            "{said}"
        );
        run(&mut local(&go, &["list", "-m", "all"])).lines().count()
    };
    rounds("go's scanner", 3, open, get, || database.go());
}
