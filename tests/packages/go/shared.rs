//! Modules that are published here, alone and in a group.

use super::bed::{Bed, DEMO, SAYS};
use larder_tests::modules::{Modules, escape, plain, source, zip};
use larder_tests::parcel::in_path;
use larder_tests::{Client, Response};
use serde_json::json;

const OURS: &str = "corp.example/Team/lib";

fn publish(client: &Client, repo: &str, module: &str, version: &str, body: &[u8]) -> Response {
    let path = format!("/go/{repo}/{}/@v/{}.zip", escape(module), escape(version));
    client.send("PUT", &path, &[], body)
}

/// Go asks for each longer path first, and goes on where there is none alone.
#[test]
fn what_is_below_a_published_module_is_not_there_offline_too() {
    let Some(bed) = Bed::without() else { return };
    let admin = bed.larder.admin();
    let go_mod = format!("module {OURS}\n\ngo 1.21\n");
    let program = "package main\n\nfunc main() { println(\"ours\") }\n";
    let files = [("go.mod", &*go_mod), ("cmd/x/main.go", program)];
    let body = zip(OURS, "v1.0.0", &files);
    publish(&admin, "main", OURS, "v1.0.0", &body).expect(201);
    bed.larder.grant("anonymous", "go/main", "*", "reader");
    bed.larder.grant("anonymous", "go/upstream", "*", "reader");
    bed.larder
        .api("PATCH", "settings", r#"{"offline":true}"#, 200);
    let latest = |client: &Client, module: &str| {
        let path = format!("/go/main/{}/@latest", escape(module));
        client.get(&path).status
    };
    let (below, other) = (format!("{OURS}/cmd/x"), "other.example/x");
    assert_eq!(latest(&admin, OURS), 200);
    assert_eq!((latest(&admin, &below), latest(&admin, other)), (404, 403));
    // Who may not read it learns nothing.
    let stranger = bed.larder.anonymous();
    assert_eq!(latest(&stranger, &below), latest(&stranger, other));
    bed.larder.grant("anonymous", "go/local", "*", "reader");
    let home = bed.home("main").with("GONOSUMDB", "corp.example");
    let at = home.program("word", &[], USES);
    home.run(&at, &["install", &format!("{below}@latest")]);
}

const USES: &str = "package main\n\nimport (\n\t\"demo.example/demo\"\n\tword \"corp.example/Team/lib\"\n)\n\n\
                    func main() { println(demo.Word, \"and\", word.Word) }\n";

#[test]
fn a_published_module_is_built_with_others_through_a_group() {
    let Some(bed) = Bed::with_database(10) else {
        return;
    };
    let admin = bed.larder.admin();
    let body = plain(OURS, "v1.0.0", "ours");
    publish(&admin, "main", OURS, "v1.0.0", &body).expect(201);
    publish(&admin, "main", OURS, "v1.0.0", &body).expect(201);
    publish(
        &admin,
        "main",
        OURS,
        "v1.0.0",
        &plain(OURS, "v1.0.0", "others"),
    )
    .expect(409);
    publish(
        &admin,
        "local",
        OURS,
        "v1.1.0-rc.1",
        &plain(OURS, "v1.1.0-rc.1", "soon"),
    )
    .expect(201);
    bed.larder.grant("anonymous", "go/local", "*", "reader");
    let anonymous = bed.larder.anonymous();
    let below = format!("/go/main/{}", escape(OURS));
    let list = anonymous
        .get(&format!("{below}/@v/list"))
        .expect(200)
        .text();
    assert_eq!(list, "v1.0.0\nv1.1.0-rc.1\n");
    let latest = anonymous
        .get(&format!("{below}/@latest"))
        .expect(200)
        .json();
    assert_eq!(latest["Version"], "v1.0.0");
    let info = anonymous
        .get(&format!("{below}/@v/v1.0.0.info"))
        .expect(200)
        .json();
    assert_eq!(info["Version"], "v1.0.0");
    assert!(
        info["Time"].as_str().expect("a time").ends_with('Z'),
        "{info}"
    );
    let go_mod = anonymous
        .get(&format!("{below}/@v/v1.0.0.mod"))
        .expect(200)
        .text();
    assert_eq!(go_mod, format!("module {OURS}\n\ngo 1.21\n"));
    assert_eq!(
        anonymous
            .get(&format!("{below}/@v/v1.0.0.zip"))
            .expect(200)
            .body,
        body
    );

    bed.asked();
    let home = bed.home("main").with("GONOSUMDB", "corp.example");
    let at = home.program("user", &[(DEMO, "v1.0.0"), (OURS, "v1.0.0")], USES);
    home.run(&at, &["mod", "tidy"]);
    let told = home.run(&at, &["run", "."]);
    assert!(told.contains("demo of theirs and ours"), "{told}");
    home.run(&at, &["get", &format!("{OURS}@latest")]);
    // A package below it is looked for at every path above: none of them is told to the world.
    let told = home.fails(&at, &["get", &format!("{OURS}/nothing/here")]);
    assert!(told.contains("nothing/here"), "{told}");
    let asked = bed.asked();
    let is_private = |path: &&String| path.contains("lib");
    assert_eq!(asked.iter().find(is_private), None, "{asked:?}");
    // Nor by a copy, from the group.
    let below = in_path(&format!("{OURS}/below"));
    let path = format!("repositories/go/main/packages/{below}/versions/v1.0.0/copy");
    let to = json!({"to": {"repository": "go/local"}}).to_string();
    bed.larder.api("POST", &path, &to, 404);
    let asked = bed.asked();
    assert_eq!(asked.iter().find(is_private), None, "{asked:?}");
    // Who has the database asked all the same is told that it does not know it.
    let other = bed.home("main");
    let at = other.program(
        "user",
        &[(OURS, "v1.0.0")],
        "package main\n\nfunc main() {}\n",
    );
    let told = other.fails(&at, &["mod", "download", OURS]);
    assert!(told.contains("404"), "{told}");
}

#[test]
fn a_published_module_hides_the_worlds_even_when_it_is_gone() {
    let Some(bed) = Bed::without() else { return };
    let admin = bed.larder.admin();
    let list = "/go/main/demo.example/demo/@v/list";
    assert!(admin.get(list).expect(200).text().contains("v1.2.0"));
    publish(
        &admin,
        "main",
        DEMO,
        "v0.1.0",
        &plain(DEMO, "v0.1.0", "ours"),
    )
    .expect(201);
    bed.asked();
    assert_eq!(admin.get(list).expect(200).text(), "v0.1.0\n");
    admin
        .get("/go/main/demo.example/demo/@v/v1.0.0.zip")
        .expect(404);
    admin
        .get("/go/main/demo.example/demo/@v/v1.0.0.info")
        .expect(404);
    admin
        .get("/go/main/demo.example/demo/@v/main.info")
        .expect(404);
    admin
        .get("/go/main/demo.example/demo/sub/@v/list")
        .expect(404);
    // Case counts: this is another module.
    admin.get("/go/main/demo.example/!demo/@v/list").expect(404);
    bed.larder.anonymous().get(list).expect(404);
    let delete = "/go/local/demo.example/demo/@v/v0.1.0.zip";
    admin.send("DELETE", delete, &[], b"").expect(200);
    admin.get(list).expect(404);
    admin
        .get("/go/main/demo.example/demo/@v/v0.1.0.mod")
        .expect(404);
    publish(
        &admin,
        "main",
        DEMO,
        "v0.1.0",
        &plain(DEMO, "v0.1.0", "ours"),
    )
    .expect(409);
    let asked = bed.asked();
    let is_other = |path: &&String| !path.contains("/!demo/");
    assert_eq!(asked.iter().find(is_other), None, "{asked:?}");
    // The mirror itself has it all the same.
    let told = admin
        .get("/go/upstream/demo.example/demo/@v/list")
        .expect(200);
    assert!(told.text().contains("v1.2.0"));
}

#[test]
fn hostile_zip_files_are_refused_with_what_is_wrong() {
    let Some(bed) = Bed::without() else { return };
    let admin = bed.larder.admin();
    let go_mod = format!("module {OURS}\n");
    let with = |name: &str| zip(OURS, "v1.0.0", &[("go.mod", &*go_mod), (name, "")]);
    for (body, why) in [
        (with("a/../../b.go"), "plain path"),
        (with("inner/go.mod"), "go.mod"),
        (with("GO.mod"), "case"),
        (with("con.go"), "not every system"),
        (
            zip(OURS, "v1.0.0", &[("go.mod", "module corp.example/other\n")]),
            "corp.example/other",
        ),
        (zip(OURS, "v1.0.1", &[("go.mod", &go_mod)]), "folder"),
        (b"no zip".to_vec(), "zip"),
        (Vec::new(), "zip"),
    ] {
        let refused = publish(&admin, "local", OURS, "v1.0.0", &body).expect(400);
        assert!(refused.text().contains(why), "{why}: {}", refused.text());
    }
    publish(&admin, "local", OURS, "v2.0.0", &plain(OURS, "v2.0.0", "x")).expect(400);
    publish(
        &admin,
        "local",
        "corp.example/Team/lib/v2",
        "v2.0.0",
        &with("a.go"),
    )
    .expect(400);
    let put = |path: &str| admin.send("PUT", path, &[], b"x").status;
    assert_eq!(put("/go/local/corp.example/lib/@v/v1.0.0.mod"), 405);
    assert_eq!(put("/go/local/corp.example/Lib/@v/v1.0.0.zip"), 404);
    assert_eq!(put("/go/upstream/corp.example/lib/@v/v1.0.0.zip"), 405);
    admin
        .get(&format!("/go/local/{}/@v/list", escape(OURS)))
        .expect(404);
}

#[test]
fn a_mirrors_version_is_copied_with_its_contents() {
    let Some(bed) = Bed::with_database(10) else {
        return;
    };
    let body = json!({"to": {"repository": "go/local"}});
    let path = "repositories/go/upstream/packages/demo.example%2Fdemo/versions/v1.0.0/copy";
    bed.larder.api("POST", path, &body.to_string(), 200);
    let admin = bed.larder.admin();
    let at = |repo: &str, file: &str| format!("/go/{repo}/demo.example/demo/@v/v1.0.0{file}");
    for file in [".zip", ".mod"] {
        let copied = admin.get(&at("local", file)).expect(200).body;
        assert_eq!(
            copied,
            admin.get(&at("upstream", file)).expect(200).body,
            "{file}"
        );
    }
    let versions = bed.larder.api(
        "GET",
        "repositories/go/local/packages/demo.example%2Fdemo/versions",
        "",
        200,
    );
    assert_eq!(versions["items"][0]["version"], "v1.0.0", "{versions}");
    let about = bed.larder.api(
        "GET",
        "repositories/go/local/packages/demo.example%2Fdemo/versions/v1.0.0/about",
        "",
        200,
    );
    assert_eq!(about["dependencies"][0]["name"], super::bed::DEP, "{about}");
}

/// Yanking is done by a later version, and what a version's page and its search show is there.
#[test]
fn modules_are_found_and_not_yanked() {
    let Some(bed) = Bed::without() else { return };
    let admin = bed.larder.admin();
    publish(
        &admin,
        "local",
        OURS,
        "v1.0.0",
        &plain(OURS, "v1.0.0", "ours"),
    )
    .expect(201);
    let found = bed.larder.api("GET", "search?q=lib&protocol=go", "", 200);
    assert!(found.to_string().contains(OURS), "{found}");
    let yank =
        "/api/v1/repositories/go/local/packages/corp.example%2FTeam%2Flib/versions/v1.0.0/yank";
    let refused = admin.send("PUT", yank, &[("content-type", "application/json")], b"{}");
    assert!(refused.status >= 400, "{}", refused.text());
    let words = source("x");
    let go_mod = format!("module {OURS}\n\nretract v1.0.0 // it was too early\n");
    let later = zip(OURS, "v1.0.1", &[("go.mod", &go_mod), ("word.go", &words)]);
    publish(&admin, "local", OURS, "v1.0.1", &later).expect(201);
    bed.larder.grant("anonymous", "go/local", "*", "reader");
    let home = bed.home("local").with("GONOSUMDB", "corp.example");
    let at = home.program("user", &[(OURS, "v1.0.0")], SAYS);
    let told = home.run(&at, &["list", "-m", "-versions", OURS]);
    assert_eq!(told.trim(), format!("{OURS} v1.0.1"));
    assert_eq!(
        Modules::path(OURS, "list"),
        "/go/corp.example/!team/lib/@v/list"
    );
}

/// Immutable versions, the trash and rules are those of every protocol.
#[test]
fn versions_are_kept_deleted_and_restored_by_the_shared_rules() {
    let Some(bed) = Bed::without() else { return };
    let admin = bed.larder.admin();
    for version in ["v1.0.0", "v1.1.0", "v1.2.0"] {
        publish(
            &admin,
            "local",
            OURS,
            version,
            &plain(OURS, version, "ours"),
        )
        .expect(201);
    }
    bed.change("local", &json!({"immutable": ["v1.0.*"]}));
    let at = |version: &str| format!("/go/local/{}/@v/{version}.zip", escape(OURS));
    let refused = admin.send("DELETE", &at("v1.0.0"), &[], b"");
    assert!(matches!(refused.status, 403 | 409), "{}", refused.text());
    let package = "repositories/go/local/packages/corp.example%2FTeam%2Flib";
    bed.larder
        .api("DELETE", &format!("{package}/versions/v1.1.0"), "", 204);
    let list = format!("/go/local/{}/@v/list", escape(OURS));
    assert_eq!(admin.get(&list).expect(200).text(), "v1.0.0\nv1.2.0\n");
    for ending in ["zip", "mod", "info"] {
        let path = at("v1.1.0").replace(".zip", &format!(".{ending}"));
        admin.get(&path).expect(404);
    }
    let trash = bed
        .larder
        .api("GET", "repositories/go/local/trash", "", 200);
    let id = trash["items"][0]["id"].as_str().expect("an entry");
    let restore = format!("repositories/go/local/trash/{id}/restore");
    bed.larder.api("POST", &restore, "{}", 200);
    assert_eq!(
        admin.get(&list).expect(200).text(),
        "v1.0.0\nv1.1.0\nv1.2.0\n"
    );
    let again = admin.get(&at("v1.1.0")).expect(200).body;
    assert_eq!(again, plain(OURS, "v1.1.0", "ours"));
    let rules = json!({"enabled": true, "rules": [{"packages": "*", "versions": "*",
        "keep": {"newest": 1}}]});
    let preview = bed.larder.api(
        "POST",
        "repositories/go/local/retention/preview",
        &rules.to_string(),
        200,
    );
    let items = preview["items"].as_array().expect("items");
    let gone: Vec<&str> = items
        .iter()
        .filter(|item| item["action"] == "delete")
        .filter_map(|item| item["version"].as_str())
        .collect();
    assert_eq!(gone.len(), 1, "{preview}");
}
