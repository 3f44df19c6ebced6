//! What was asked for once is there without the upstream, its checksums with it.

use super::bed::{Bed, DEMO, SAYS, TOOL};
use larder_tests::checksums::KEY;
use serde_json::json;

#[test]
fn a_build_needs_no_upstream_the_second_time() {
    let Some(mut bed) = Bed::with_database(1000) else {
        return;
    };
    let first = bed.home("main");
    let at = first.program("user", &[(DEMO, "v1.0.0")], SAYS);
    first.run(&at, &["mod", "tidy"]);
    first.run(&at, &["build", "."]);
    let sums = std::fs::read_to_string(at.join("go.sum")).expect("go.sum");
    // Another module, when the log has grown.
    first.run(first.folder(), &["install", &format!("{TOOL}@v0.3.0")]);
    bed.asked();
    bed.larder.kill();
    bed.larder.start_again();
    let first = first.with("GOPROXY", &bed.proxy("main"));
    for how in ["upstream gone", "offline"] {
        if how == "offline" {
            let settings = r#"{"offline":true}"#;
            bed.larder.api("PATCH", "settings", settings, 200);
        } else {
            bed.database.as_mut().expect("a database").stop();
            bed.upstream.go();
        }
        // A new client has seen nothing of the log; the old one has seen an older state.
        let second = bed.home("main");
        let again = second.program("user", &[(DEMO, "v1.0.0")], SAYS);
        second.run(&again, &["mod", "tidy"]);
        let told = second.run(&again, &["run", "."]);
        assert!(told.contains("demo of theirs"), "{how}: {told}");
        second.run(&again, &["mod", "verify"]);
        let same = std::fs::read_to_string(again.join("go.sum")).expect("go.sum");
        assert_eq!(same, sums, "{how}");
        second.run(second.folder(), &["install", &format!("{TOOL}@v0.3.0")]);
        first.run(&at, &["clean", "-modcache"]);
        std::fs::remove_file(at.join("go.sum")).expect("go.sum");
        first.run(&at, &["mod", "tidy"]);
        assert_eq!(bed.asked(), Vec::<String>::new(), "{how}");
        // What is not kept is told to be so, and is no 404, which would send the client elsewhere.
        let told = second.fails(&again, &["get", &format!("{DEMO}@v1.1.0")]);
        assert!(
            told.contains("offline") || told.contains("cannot be reached"),
            "{how}: {told}"
        );
    }
}

#[test]
fn another_history_of_the_log_is_told_and_not_taken() {
    let Some(mut bed) = Bed::with_database(600) else {
        return;
    };
    let home = bed.home("main");
    let at = home.program("user", &[(DEMO, "v1.0.0")], SAYS);
    home.run(&at, &["mod", "tidy"]);
    let latest = "/go/main/sumdb/sum.example/latest";
    let before = bed.larder.anonymous().get(latest).expect(200).text();
    // The same key over other records, and more of them.
    let proxy = larder_tests::modules::Modules::url(&bed.upstream);
    let Some(forked) = larder_tests::checksums::Checksums::start(&proxy, 900, "x") else {
        return;
    };
    bed.database.as_mut().expect("a database").stop();
    bed.set(&json!({"checksum_database": KEY, "checksum_database_url": forked.url()}));
    let told = home.fails(&at, &["install", &format!("{TOOL}@v0.3.0")]);
    assert!(told.contains("contradicts itself"), "{told}");
    let lookup = "/go/main/sumdb/sum.example/lookup/tool.example/hello@v0.3.0";
    bed.larder.anonymous().get(lookup).expect(502);
    assert_eq!(
        bed.larder.anonymous().get(latest).expect(200).text(),
        before
    );
    // What was recorded is answered all the same.
    let other = bed.home("main");
    let again = other.program("user", &[(DEMO, "v1.0.0")], SAYS);
    other.run(&again, &["mod", "tidy"]);
}

/// The client fetches another version of itself as a module, which it never takes without its checksum.
#[test]
fn a_toolchain_is_had_without_its_upstream_the_second_time() {
    const TOOLCHAIN: &str = "golang.org/toolchain";
    let Some(mut bed) = Bed::without() else {
        return;
    };
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let version = format!("v0.0.1-go1.99.9.linux-{architecture}");
    let script = "#!/bin/sh\necho the toolchain of the tests: \"$@\"\n";
    let files = [
        ("bin/go", script),
        ("bin/gofmt", script),
        ("lib/x.txt", ""),
        ("pkg/tool/x", script),
        ("src/_go.mod", "module std\n"),
    ];
    let zip = larder_tests::modules::zip(TOOLCHAIN, &version, &files);
    let go_mod = format!("module {TOOLCHAIN}\n");
    bed.modules
        .put_zip(&bed.upstream, (TOOLCHAIN, &version), &go_mod, zip);
    let proxy = larder_tests::modules::Modules::url(&bed.upstream);
    let Some(database) = larder_tests::checksums::Checksums::start(&proxy, 50, "") else {
        return;
    };
    bed.set(&json!({"checksum_database": KEY, "checksum_database_url": database.url()}));
    bed.database = Some(database);
    let gets = |bed: &Bed| {
        let home = bed.home("main").with("GOTOOLCHAIN", "go1.99.9");
        let told = home.run(home.folder(), &["version"]);
        let is_its_own = told.starts_with("the toolchain of the tests: version\n");
        assert!(is_its_own, "{told}");
    };
    gets(&bed);
    gets(&bed);
    bed.asked();
    bed.larder.kill();
    bed.database.as_mut().expect("a database").stop();
    bed.upstream.go();
    bed.larder.start_again();
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    gets(&bed);
    assert_eq!(bed.asked(), Vec::<String>::new());
}
