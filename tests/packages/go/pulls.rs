//! Building with modules of a mirror whose database vouches for them.

use super::bed::{Bed, DEMO, SAYS, TOOL};

#[test]
fn a_program_is_built_of_modules_that_the_database_vouches_for() {
    let Some(bed) = Bed::with_database(300) else {
        return;
    };
    let home = bed.home("main");
    let at = home.program("user", &[(DEMO, "v1.0.0")], SAYS);
    let told = home.run(&at, &["run", "."]);
    assert!(told.contains("demo of theirs"), "{told}");
    home.run(&at, &["mod", "tidy"]);
    home.run(&at, &["mod", "download", "all"]);
    let told = home.run(&at, &["mod", "verify"]);
    assert!(told.contains("all modules verified"), "{told}");
    let sums = std::fs::read_to_string(at.join("go.sum")).expect("go.sum");
    assert_eq!(sums.lines().count(), 4, "{sums}");

    // Lists, with what was taken back.
    let told = home.run(&at, &["list", "-m", "-versions", DEMO]);
    assert_eq!(told.trim(), format!("{DEMO} v1.0.0 v1.2.0"));
    let told = home.run(&at, &["list", "-m", "-retracted", "-versions", DEMO]);
    assert_eq!(told.trim(), format!("{DEMO} v1.0.0 v1.1.0 v1.2.0"));
    let told = home.run(&at, &["list", "-m", "-u", "all"]);
    assert!(told.contains(&format!("{DEMO} v1.0.0 [v1.2.0]")), "{told}");
    home.run(&at, &["get", &format!("{DEMO}@v1.1.0")]);
    let told = home.run(&at, &["list", "-m", "-u", "-retracted", "all"]);
    assert!(told.contains("(retracted)"), "{told}");
    home.run(&at, &["get", &format!("{DEMO}@latest")]);
    assert!(home.run(&at, &["list", "-m", DEMO]).contains("v1.2.0"));

    // A tool, and a package path of which only a part is a module's.
    home.run(home.folder(), &["install", &format!("{TOOL}@latest")]);
    let hello = home.folder().join("path/bin/hello");
    let said = larder_tests::run(&mut std::process::Command::new(hello));
    assert!(said.contains("hello from a tool"), "{said}");
    assert!(bed.database.is_some());
}

#[test]
fn whatever_the_upstream_sends_the_database_decides() {
    let Some(bed) = Bed::with_database(3) else {
        return;
    };
    // The upstream's zip file was another when the database summed it up.
    let home = bed.home("main");
    let at = home.program("user", &[(DEMO, "v1.0.0")], SAYS);
    home.run(&at, &["mod", "tidy"]);
    let forged = larder_tests::modules::plain(DEMO, "v1.2.0", "forged");
    let zip = larder_tests::modules::Modules::path(DEMO, "v1.2.0.zip");
    let honest = bed.upstream.body(&zip);
    let path = "/go/main/demo.example/demo/@v/v1.2.0";
    let lookup = "/go/main/sumdb/sum.example/lookup/demo.example/demo@v1.2.0";
    bed.larder.anonymous().get(lookup).expect(200);
    bed.upstream.put(&zip, forged);
    let refused = bed
        .larder
        .anonymous()
        .get(&format!("{path}.zip"))
        .expect(502);
    assert!(refused.text().contains("h1:"), "{}", refused.text());
    // What was refused is not kept, and the honest file is taken.
    bed.upstream.put(&zip, honest.clone());
    let taken = bed
        .larder
        .anonymous()
        .get(&format!("{path}.zip"))
        .expect(200);
    assert_eq!(taken.body, honest);
    let go_mod = larder_tests::modules::Modules::path(DEMO, "v1.1.0.mod");
    let lookup = "/go/main/sumdb/sum.example/lookup/demo.example/demo@v1.1.0";
    bed.larder.anonymous().get(lookup).expect(200);
    bed.upstream.put(&go_mod, format!("module {DEMO}\n"));
    let path = "/go/main/demo.example/demo/@v/v1.1.0.mod";
    bed.larder.anonymous().get(path).expect(502);
}

#[test]
fn versions_that_the_database_does_not_know_are_not_served() {
    let Some(mut bed) = Bed::with_database(3) else {
        return;
    };
    let anonymous = bed.larder.anonymous();
    // It sums up what it can have itself: of this version it cannot.
    let go_mod = larder_tests::modules::Modules::path(DEMO, "v1.1.0.mod");
    let other = bed.upstream.body(&go_mod);
    bed.upstream.remove(&go_mod);
    let unknown = |repo: &str| format!("/go/{repo}/demo.example/demo/@v/v1.1.0.zip");
    let told = anonymous.get(&unknown("upstream")).expect(404).text();
    assert!(told.contains("does not know"), "{told}");
    // A group says the same of all that its members lack, so that nobody learns names from it.
    let told = anonymous.get(&unknown("main")).expect(404).text();
    assert!(told.contains("no such thing"), "{told}");
    bed.upstream.put(&go_mod, other);
    let path = "/go/main/demo.example/demo/@v/v1.0.0.zip";
    // The database is gone before it was asked.
    bed.database.as_mut().expect("a database").stop();
    anonymous.get(path).expect(503);
    anonymous
        .get("/go/main/demo.example/demo/@v/list")
        .expect(200);
    anonymous
        .get("/go/main/demo.example/demo/@v/v1.0.0.info")
        .expect(200);
    // Without one, the first contents are taken.
    bed.set(&serde_json::json!({"checksum_database": ""}));
    anonymous.get(path).expect(200);
    anonymous
        .get("/go/main/sumdb/sum.example/supported")
        .expect(404);
}
