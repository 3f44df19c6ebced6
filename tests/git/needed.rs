//! What is needed out of repositories by others: submodules, and what package managers take from git. All of
//! it names the upstream, comes through the server by the lines of `larder connect`, and stays.

use crate::bed::{Bed, STALE};
use larder_tests::gits::Gits;
use larder_tests::home::{Home, Who};
use larder_tests::tools::{run, tool};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A home with git and these programs.
fn home(bed: &Bed, programs: &[PathBuf]) -> Home {
    let all = [programs, &[tool("git").expect("git")]].concat();
    Home::of(&bed.larder, Who::Nobody, ("git", "git/up"), &all)
}

/// The upstream's repository `dep` with these files; its commit.
fn dep(bed: &Bed, files: &[(&str, &str)]) -> String {
    bed.gits.make("dep");
    for (file, text) in files {
        bed.gits.commit("dep", file, text.as_bytes());
    }
    bed.gits.head("dep")
}

/// A client takes `file` with `text` out of the repository, and does so `again` with nothing of its own once
/// the upstream has another history and is gone.
#[track_caller]
fn is_taken(
    (bed, home): (&Bed, &Home),
    project: &Path,
    [line, again]: [&str; 2],
    (file, text): (&str, &str),
) {
    let took = |line: &str| {
        let told = run(&mut home.shell_without(project, line));
        let found = std::fs::read_to_string(project.join(file));
        let found = found.unwrap_or_else(|error| panic!("{file}: {error}: {told}"));
        assert!(found.contains(text), "{found}");
    };
    took(line);
    assert_eq!(bed.fetches(), 1, "the server's own");
    bed.gits
        .run("dep", &["commit", "-q", "--amend", "-m", "other"]);
    bed.upstream.go();
    bed.turn(STALE);
    took(again);
}

#[test]
fn submodules_come_with_what_needs_them() {
    let Some(bed) = Bed::new() else { return };
    let home = home(&bed, &[]);
    bed.gits.make("team/app");
    bed.gits.make("team/beside");
    bed.gits.make("far");
    let base = Gits::url(&bed.upstream);
    let modules = format!(
        "[submodule \"beside\"]\n\tpath = beside\n\turl = ../beside.git\n\
         [submodule \"far\"]\n\tpath = deep/far\n\turl = {base}far.git\n"
    );
    bed.gits
        .commit("team/app", ".gitmodules", modules.as_bytes());
    for (path, name) in [("beside", "team/beside"), ("deep/far", "far")] {
        let link = format!("160000,{},{path}", bed.gits.head(name));
        let add = ["update-index", "--add", "--cacheinfo", &link];
        bed.gits.run("team/app", &add);
    }
    bed.gits
        .run("team/app", &["commit", "-q", "-m", "submodules"]);
    let line = |name: &str| format!("git clone -q --recurse-submodules {base}team/app.git {name}");
    let is_there = |at: &Path| {
        for (file, text) in [
            ("beside/readme.txt", "team/beside"),
            ("deep/far/readme.txt", "far"),
        ] {
            assert_eq!(std::fs::read_to_string(at.join(file)).expect("file"), text);
        }
    };
    run(&mut home.shell_without(home.folder(), &line("one")));
    is_there(&home.folder().join("one"));
    assert_eq!(bed.fetches(), 3);
    bed.change("up", &json!({"offline": true}));
    bed.turn(STALE);
    run(&mut home.shell_without(home.folder(), &line("two")));
    is_there(&home.folder().join("two"));
    // Of the server's own address, one beside it is beside it there, too.
    let own = bed.clone(
        &bed.url("up/team/app"),
        "own",
        &["--recurse-submodules=beside"],
    );
    assert!(own.join("beside/readme.txt").is_file());
    assert_eq!(bed.upstream.total(), 0);
}

#[test]
fn go_takes_what_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    let Some(go) = tool("go") else { return };
    let home = home(&bed, &[go]);
    let source = "package dep\n\nconst Word = \"theirs\"\n";
    let commit = dep(
        &bed,
        &[
            ("go.mod", "module git.example/dep.git\n\ngo 1.19\n"),
            ("dep.go", source),
        ],
    );
    // A module's name has no port: the line is the one of a mirror of that host.
    let to = bed.url("up/");
    let host = format!("git config --global url.{to}.insteadOf https://git.example/");
    let module = "module user\n\ngo 1.19\n";
    let main =
        "package main\n\nimport dep \"git.example/dep.git\"\n\nfunc main() { println(dep.Word) }\n";
    let project = home.project("project", &[("go.mod", module), ("main.go", main)]);
    let set = "export GOPROXY=direct GOSUMDB=off GOTOOLCHAIN=local GOFLAGS=-modcacherw";
    let line = format!("{host}\n{set}\ngo get git.example/dep.git@{commit}\ngo mod vendor");
    let again = format!(
        "{set}\ngo clean -modcache\nrm -rf vendor ~/.cache\ngo mod download\ngo mod verify\ngo mod vendor"
    );
    let file = "vendor/git.example/dep.git/dep.go";
    is_taken((&bed, &home), &project, [&line, &again], (file, source));
}

#[test]
fn npm_takes_what_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    let (Some(npm), Some(node)) = (tool("npm"), tool("node")) else {
        return;
    };
    let home = home(&bed, &[npm, node]);
    let source = "module.exports = 'theirs';\n";
    let commit = dep(
        &bed,
        &[
            (
                "package.json",
                "{\"name\": \"dep\", \"version\": \"1.0.0\"}",
            ),
            ("index.js", source),
        ],
    );
    let url = format!("git+{}dep.git", Gits::url(&bed.upstream));
    let manifest = json!({"name": "user", "version": "1.0.0", "dependencies": {"dep": url}});
    let project = home.project("project", &[("package.json", &manifest.to_string())]);
    let file = ("node_modules/dep/index.js", source);
    let again = "rm -rf node_modules ~/.npm ~/.cache\nnpm ci";
    is_taken((&bed, &home), &project, ["npm install", again], file);
    let lock = std::fs::read_to_string(project.join("package-lock.json")).expect("lock");
    assert!(lock.contains(&commit), "{lock}");
}

/// How a package of Python's is built that needs nothing else (PEP 517).
const BACKEND: &str = "import zipfile\n\
    def build_wheel(folder, settings=None, metadata=None):\n\
    \x20   name = 'dep-1.0-py3-none-any.whl'\n\
    \x20   with zipfile.ZipFile(folder + '/' + name, 'w') as wheel:\n\
    \x20       wheel.write('dep.py')\n\
    \x20       info = 'dep-1.0.dist-info/'\n\
    \x20       wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: dep\\nVersion: 1.0\\n')\n\
    \x20       wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
    \x20       wheel.writestr(info + 'RECORD', '')\n\
    \x20   return name\n";

#[test]
fn pip_takes_what_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    let Some(python) = tool("python3") else {
        return;
    };
    let home = home(&bed, &[python]);
    let source = "WORD = 'theirs'\n";
    let project = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\
        [project]\nname = \"dep\"\nversion = \"1.0\"\n";
    let commit = dep(
        &bed,
        &[
            ("pyproject.toml", project),
            ("backend.py", BACKEND),
            ("dep.py", source),
        ],
    );
    let url = format!("git+{}dep.git@{commit}", Gits::url(&bed.upstream));
    let needs = format!("dep @ {url}\n");
    let project = home.project("project", &[("requirements.txt", &needs)]);
    let line = "python3 -m pip install -q --no-index --target out -r requirements.txt";
    let again = format!("rm -rf out ~/.cache\n{line}");
    is_taken(
        (&bed, &home),
        &project,
        [line, &again],
        ("out/dep.py", source),
    );
}

#[test]
fn composer_takes_what_is_mirrored() {
    let Some(bed) = Bed::new() else { return };
    let (Some(composer), Some(php)) = (tool("composer"), tool("php")) else {
        return;
    };
    let home = home(&bed, &[composer, php]);
    let source = "<?php return 'theirs';\n";
    let commit = dep(
        &bed,
        &[
            ("composer.json", "{\"name\": \"acme/dep\"}"),
            ("dep.php", source),
        ],
    );
    let url = format!("{}dep.git", Gits::url(&bed.upstream));
    let manifest = json!({
        "repositories": [{"type": "vcs", "url": url}, {"packagist": false}],
        "require": {"acme/dep": "dev-main"},
        "config": {"secure-http": false},
    });
    let project = home.project("project", &[("composer.json", &manifest.to_string())]);
    let file = ("vendor/acme/dep/dep.php", source);
    let again = "rm -rf vendor ~/.composer ~/.cache\ncomposer install -q";
    is_taken(
        (&bed, &home),
        &project,
        ["composer install -q", again],
        file,
    );
    let lock = std::fs::read_to_string(project.join("composer.lock")).expect("lock");
    assert!(lock.contains(&commit), "{lock}");
}
