//! Modules that are published from tags of git repositories of the same server.

use super::bed::{Bed, GoHome};
use larder_tests::gits::{Gits, git};
use larder_tests::tools::run;
use larder_tests::{Upstream, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The path of the module at the top of the repository. What ends so needs no page that tells where the
/// repository is.
const ROOT: &str = "code.example/team/tool.git";

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// A repository with all that rules are about, pushed to `git/local/team/tool`.
struct Sources {
    program: PathBuf,
    home: tempfile::TempDir,
    at: PathBuf,
}

impl Sources {
    fn new(bed: &Bed) -> Option<Self> {
        let program = tool("git")?;
        let home = tempfile::tempdir().expect("home");
        let at = home.path().join("tool");
        let sources = Self { program, home, at };
        std::fs::create_dir(&sources.at).expect("folder");
        sources.git(&["init", "-q", "-b", "main"]);
        let host = bed.larder.host();
        let user = format!("http://admin:{}@{host}", larder_tests::larder::PASSWORD);
        let url = format!("{user}/git/local/team/tool.git");
        sources.git(&["remote", "add", "origin", &url]);
        Some(sources)
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = git(&self.program, self.home.path());
        run(command.current_dir(&self.at).args(words))
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.at.join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        std::fs::write(file, text).expect("file");
    }

    /// Commits all, tags it and pushes both.
    fn tag(&self, tags: &[&str]) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
        for tag in tags {
            self.git(&["tag", "-a", "-m", "a version", tag]);
        }
        self.git(&["push", "-q", "origin", "main", "--tags"]);
    }

    /// The files that rules leave in, leave out or change.
    fn fill(&self) {
        self.write("go.mod", &format!("module {ROOT}\n\ngo 1.21\n"));
        self.write("tool.go", "package tool\n\nconst Word = \"tool\"\n");
        self.write("LICENSE", "Do as you like.\n");
        self.write("naïve.txt", "");
        self.write("run.sh", "#!/bin/sh\n");
        self.write("dos.bat", "one\ntwo\n");
        self.write("hidden.txt", "left out of archives: $Format:%H$\n");
        let attributes = "*.bat text eol=crlf\nhidden.txt export-ignore export-subst\n\
            LICENSE text eol=crlf\ngo.mod text eol=crlf\n";
        self.write(".gitattributes", attributes);
        self.write("vendor/modules.txt", "# none\n");
        self.write("vendor/other.example/a/a.go", "package a\n");
        self.write("inner/vendor/b.go", "package b\n");
        self.write("inner/vendor/other.example/c/c.go", "package c\n");
        self.write(
            "sub/dir/go.mod",
            &format!("module {ROOT}/sub/dir\n\ngo 1.24\n"),
        );
        self.write("sub/dir/dir.go", "package dir\n\nconst Word = \"dir\"\n");
        self.write("sub/dir/vendor/modules.txt", "# none\n");
        self.write(
            "sub/dir/v2/go.mod",
            &format!("module {ROOT}/sub/dir/v2\n\ngo 1.24\n"),
        );
        self.write("sub/dir/v2/dir.go", "package dir\n\nconst Word = \"two\"\n");
        self.write("sub/dir/v2/LICENSE", "Do as we like.\n");
        std::os::unix::fs::symlink("tool.go", self.at.join("link.go")).expect("a link");
        let run = self.at.join("run.sh");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(run, mode).expect("mode");
    }
}

fn publish(bed: &Bed, tag: &str, package: Option<&str>, status: u16) -> Value {
    let body = json!({
        "from": {"repository": "git/local", "package": "team/tool", "tag": tag},
        "package": package,
    });
    let path = "repositories/go/local/packages";
    bed.larder.api("POST", path, &body.to_string(), status)
}

/// What the client says of a version that it downloads.
fn downloaded(home: &GoHome, at: &Path, version: &str) -> Value {
    let told = home.run(at, &["mod", "download", "-json", version]);
    let told = &told[told.find('{').expect("an object")..];
    serde_json::from_str(told).expect("JSON")
}

/// A home whose client reads repositories of a repo of git itself.
fn direct_of(bed: &Bed, at: &str) -> GoHome {
    let home = bed
        .home_at("direct")
        .with("GOVCS", "*:all")
        .with("GOSUMDB", "off");
    let url = format!("{}/git/{at}/", bed.larder.url().trim_end_matches('/'));
    let settings = format!("[url \"{url}\"]\n\tinsteadOf = https://code.example/team/\n");
    std::fs::write(home.folder().join(".gitconfig"), settings).expect("settings");
    home
}

/// A home whose client reads the repository itself.
fn direct(bed: &Bed) -> GoHome {
    direct_of(bed, "local/team")
}

#[test]
fn a_module_of_a_tag_is_the_one_that_the_client_makes_of_it() {
    let Some(bed) = Bed::without() else { return };
    let Some(sources) = Sources::new(&bed) else {
        return;
    };
    bed.larder.grant("anonymous", "git/local", "*", "reader");
    bed.larder.grant("anonymous", "go/local", "*", "reader");
    sources.fill();
    sources.tag(&["v1.0.0", "sub/dir/v1.1.0", "sub/dir/v2.0.0"]);
    let (through, direct) = (bed.home("main").with("GOSUMDB", "off"), direct(&bed));
    let versions = [
        ("v1.0.0", ROOT.to_owned(), "v1.0.0", None),
        (
            "sub/dir/v1.1.0",
            format!("{ROOT}/sub/dir"),
            "v1.1.0",
            Some("sub/dir"),
        ),
        (
            "sub/dir/v2.0.0",
            format!("{ROOT}/sub/dir/v2"),
            "v2.0.0",
            Some("sub/dir"),
        ),
    ];
    for (tag, module, version, folder) in versions {
        let made = publish(&bed, tag, None, 201);
        assert_eq!(
            (&made["repository"], &made["package"], &made["version"]),
            (&json!("go/local"), &json!(module), &json!(version)),
        );
        let wanted = format!("{module}@{version}");
        let [ours, theirs] = [&through, &direct].map(|home| {
            let at = home.program("user", &[], "package main\n\nfunc main() {}\n");
            downloaded(home, &at, &wanted)
        });
        assert_eq!(
            (&ours["Sum"], &ours["GoModSum"]),
            (&theirs["Sum"], &theirs["GoModSum"]),
            "{wanted}"
        );
        let escaped = module.to_lowercase();
        let info = format!("/go/local/{escaped}/@v/{version}.info");
        let info = bed.larder.anonymous().get(&info).expect(200).json();
        let own = std::fs::read(theirs["Info"].as_str().expect("a file")).expect("info");
        let own: Value = serde_json::from_slice(&own).expect("JSON");
        assert_eq!(info["Time"], own["Time"], "{info}");
        let (origin, theirs) = (&info["Origin"], &own["Origin"]);
        for key in ["VCS", "Hash", "Ref"] {
            assert_eq!(origin[key], theirs[key], "{key}");
        }
        assert_eq!(origin["Hash"], made["commit"]);
        assert_eq!(origin["Subdir"].as_str(), folder);
        let url = format!(
            "{}/git/local/team/tool.git",
            bed.larder.url().trim_end_matches('/')
        );
        assert_eq!(origin["URL"], json!(url));
    }
    // The latest version is told of as it is told of itself.
    let at = |file: &str| format!("/go/local/{ROOT}/{file}");
    let get = |file: &str| bed.larder.anonymous().get(&at(file)).expect(200).body;
    assert_eq!(get("@latest"), get("@v/v1.0.0.info"));
    // A program is built of it.
    let source =
        format!("package main\n\nimport tool \"{ROOT}\"\n\nfunc main() {{ println(tool.Word) }}\n");
    let program = through.program("says", &[(ROOT, "v1.0.0")], &source);
    assert!(through.run(&program, &["run", "."]).contains("tool"));

    // Once more is nothing new; a tag that moved makes no other version.
    publish(&bed, "refs/tags/v1.0.0", Some(ROOT), 201);
    sources.write("tool.go", "package tool\n\nconst Word = \"moved\"\n");
    sources.git(&["tag", "-d", "v1.0.0"]);
    sources.git(&["push", "-q", "origin", ":refs/tags/v1.0.0"]);
    sources.tag(&["v1.0.0"]);
    let refused = publish(&bed, "v1.0.0", None, 409);
    assert!(
        refused["detail"]
            .as_str()
            .expect("why")
            .contains("other files")
    );
}

#[test]
fn a_module_without_a_go_mod_is_of_the_path_that_is_asked_for() {
    let Some(bed) = Bed::without() else { return };
    let Some(sources) = Sources::new(&bed) else {
        return;
    };
    bed.larder.grant("anonymous", "git/local", "*", "reader");
    bed.larder.grant("anonymous", "go/local", "*", "reader");
    sources.write("tool.go", "package tool\n");
    sources.tag(&["v1.0.0", "v3.0.0"]);
    publish(&bed, "v1.0.0", None, 400);
    let (through, direct) = (bed.home("main").with("GOSUMDB", "off"), direct(&bed));
    for (tag, version) in [("v1.0.0", "v1.0.0"), ("v3.0.0", "v3.0.0+incompatible")] {
        assert_eq!(
            publish(&bed, tag, Some(ROOT), 201)["version"],
            json!(version)
        );
        let [ours, theirs] = [&through, &direct].map(|home| {
            let at = home.program("user", &[], "package main\n\nfunc main() {}\n");
            downloaded(home, &at, &format!("{ROOT}@{version}"))
        });
        assert_eq!(ours["Sum"], theirs["Sum"], "{version}");
        assert_eq!(ours["GoModSum"], theirs["GoModSum"], "{version}");
    }
}

/// Of a mirror: what its upstream has is fetched for it, and what is kept needs no upstream.
#[test]
fn a_module_of_a_tag_of_a_mirror() {
    let (Some(bed), Some(program)) = (Bed::without(), tool("git")) else {
        return;
    };
    let upstream = Upstream::start();
    let gits = Gits::start(&upstream, &program);
    gits.make("tool");
    gits.commit(
        "tool",
        "go.mod",
        format!("module {ROOT}\n\ngo 1.21\n").as_bytes(),
    );
    gits.commit("tool", "tool.go", b"package tool\n\nconst Word = \"far\"\n");
    gits.commit("tool", ".gitattributes", b"*.go text eol=crlf\n");
    gits.run("tool", &["tag", "-a", "-m", "a version", "v1.0.0"]);
    gits.run("tool", &["tag", "v1.0.1"]); // of the same commit, and without a text
    let settings = json!({"url": Gits::url(&upstream), "allow_private": true});
    let up = json!({"protocol": "git", "name": "up", "kind": "mirror", "upstream": settings});
    let larder = &bed.larder;
    larder.api("POST", "repositories", &up.to_string(), 201);
    larder.grant("anonymous", "go/local", "*", "reader");
    let publish = |tag: &str, status: u16| {
        let body = json!({"from": {"repository": "git/up", "package": "tool", "tag": tag}});
        larder.api(
            "POST",
            "repositories/go/main/packages",
            &body.to_string(),
            status,
        )
    };
    let made = publish("v1.0.0", 201);
    assert_eq!(
        (&made["repository"], &made["package"], &made["commit"]),
        (&json!("go/local"), &json!(ROOT), &json!(gits.head("tool")))
    );
    let (through, direct) = (
        bed.home("main").with("GOSUMDB", "off"),
        direct_of(&bed, "up"),
    );
    let same_as_direct = |version: &str| {
        let [ours, theirs] = [&through, &direct].map(|home| {
            let at = home.program("user", &[], "package main\n\nfunc main() {}\n");
            downloaded(home, &at, &format!("{ROOT}@{version}"))
        });
        let sums = |told: &Value| (told["Sum"].clone(), told["GoModSum"].clone());
        assert_eq!(sums(&ours), sums(&theirs), "{version}");
        let info = format!("/go/local/{ROOT}/@v/{version}.info");
        let info = bed.larder.anonymous().get(&info).expect(200).json();
        let url = format!("{}/git/up/tool.git", bed.larder.url());
        assert_eq!(
            info["Origin"]["URL"],
            json!(url),
            "not where the upstream is"
        );
    };
    same_as_direct("v1.0.0");
    // A tag that came since the upstream was asked, and one that is not there.
    gits.commit("tool", "tool.go", b"package tool\n\nconst Word = \"new\"\n");
    gits.run("tool", &["tag", "v1.1.0"]);
    publish("v9.0.0", 404);
    publish("v1.1.0", 201);
    same_as_direct("v1.1.0");
    // What is kept needs no upstream, and what is not is told.
    let offline = json!({"offline": true}).to_string();
    larder.api("PATCH", "repositories/git/up", &offline, 200);
    publish("v1.0.1", 201);
    same_as_direct("v1.0.1");
    let body = json!({"from": {"repository": "git/up", "package": "other", "tag": "v1.0.0"}});
    let path = "/api/v1/repositories/go/local/packages";
    let told = larder
        .admin()
        .send("POST", path, &JSON, body.to_string().as_bytes());
    assert!(
        told.status >= 400 && told.text().contains("offline"),
        "{}",
        told.text()
    );
}

#[test]
fn who_may_not_read_the_sources_or_publish_the_module_is_refused() {
    let Some(bed) = Bed::without() else { return };
    let Some(sources) = Sources::new(&bed) else {
        return;
    };
    sources.fill();
    sources.tag(&["v1.0.0", "nightly", "v1.2"]);
    let larder = &bed.larder;
    let body = |tag: &str| {
        let from = json!({"repository": "git/local", "package": "team/tool.git", "tag": tag});
        json!({"from": from}).to_string()
    };
    let path = "/api/v1/repositories/go/local/packages";
    let ask = |name: &str, tag: &str| {
        let client = larder.user(name, larder_tests::larder::PASSWORD);
        client.send("POST", path, &JSON, body(tag).as_bytes())
    };
    for name in ["reads", "writes", "both"] {
        larder.make_user(name);
    }
    larder.grant("user:reads", "git/local", "*", "reader");
    larder.grant("user:reads", "go/local", "*", "reader");
    larder.grant("user:writes", "go/local", "*", "writer");
    larder.grant("user:both", "git/local", "team/*", "reader");
    larder.grant("user:both", "go/local", "code.example/*", "writer");
    ask("reads", "v1.0.0").expect(403);
    ask("writes", "v1.0.0").expect(404);
    let anonymous = larder.anonymous();
    let refused = anonymous.send("POST", path, &JSON, body("v1.0.0").as_bytes());
    refused.expect(401);
    // What is no version, or not there, is told.
    for (tag, status, why) in [
        ("nightly", 400, "sub/folder/v1.2.3"),
        ("v1.2", 400, "one spelling"),
        ("v9.9.9", 404, "no tag v9.9.9"),
        ("none/v1.0.0", 404, "no tag none/v1.0.0"),
    ] {
        let told = ask("both", tag).expect(status).json();
        assert!(
            told["detail"].as_str().expect("why").contains(why),
            "{told}"
        );
    }
    ask("both", "v1.0.0").expect(201);
}
