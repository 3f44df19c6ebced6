//! A Dockerfile of many package managers, built where nothing but the server can be reached: its base image is a
//! root that debootstrap made through the server and that was pushed to it, and everything is told where to go
//! by the lines of `larder connect`. Then the same with the server offline, after a kill. `LARDER_TEST_LONG=1`
//! builds programs in all languages.

use crate::apt;
use crate::rounds::{Visit, asked, connect, go_offline, is_found, nowhere, online};
use larder_tests::apart::OnlyWay;
use larder_tests::engine::Docker;
use larder_tests::gits::Gits;
use larder_tests::larder::PASSWORD;
use larder_tests::tools::{docker_login, is_long, skip};
use larder_tests::{Larder, Upstream, apart, run, tool};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a build says at its end.
const WORD: &str = "built-from-here";
/// The image that all begins with, without the server's host.
const BASE: &str = "local/base:1";

/// What is built: a program in every language, each of which needs a package.
const FILES: [(&str, &str); 8] = [
    (
        "go/go.mod",
        "module app.example/app\n\ngo 1.19\n\nrequire rsc.io/quote v1.5.2\n",
    ),
    (
        "go/main.go",
        "package main\n\nimport \"rsc.io/quote\"\n\nfunc main() { println(quote.Go()) }\n",
    ),
    (
        "node/package.json",
        "{\"name\":\"app\",\"version\":\"1.0.0\",\"dependencies\":{\"is-odd\":\"3.0.1\"}}\n",
    ),
    (
        "node/main.js",
        "if (!require('is-odd')(3)) process.exit(1)\n",
    ),
    ("python/requirements.txt", "tabulate==0.9.0\n"),
    (
        "python/main.py",
        "import tabulate\nassert tabulate.tabulate([[1]])\n",
    ),
    (
        "rust/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [dependencies]\nitoa = \"1\"\n",
    ),
    (
        "rust/src/main.rs",
        "fn main() { assert_eq!(itoa::Buffer::new().format(3), \"3\") }\n",
    ),
];

/// The clients that a build has, and the mirrors that they ask.
const CLIENTS: [(&str, &str); 6] = [
    ("apt", "deb/upstream"),
    ("go", "go/upstream"),
    ("npm", "npm/upstream"),
    ("pip", "pypi/upstream"),
    ("cargo", "cargo/upstream"),
    ("git", "git/up"),
];

/// A language: what the distribution has for it, and how a program in it is built and run.
const LANGUAGES: [(&str, &str); 4] = [
    (
        "python3-pip",
        "cd /app/python && pip install --break-system-packages -r requirements.txt && python3 main.py",
    ),
    (
        "golang-go",
        "cd /app/go && go mod tidy && go build -o app . && ./app",
    ),
    ("npm", "cd /app/node && npm install && node main.js"),
    ("cargo-web", "cd /app/rust && cargo run"),
];

/// How many of them are tried: what most of them need takes minutes to install.
fn languages() -> usize {
    if is_long() { LANGUAGES.len() } else { 1 }
}

/// The Dockerfile; `repository` is a git repository's address at its upstream.
fn dockerfile(base: &str, repository: &str) -> String {
    let languages = &LANGUAGES[..languages()];
    let (packages, builds): (Vec<&str>, Vec<&str>) = languages.iter().copied().unzip();
    format!(
        "FROM {base}\n\
         RUN rm -f /etc/apt/sources.list\n\
         COPY home/etc/ /etc/\n\
         COPY home/ /root/\n\
         RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
         --no-install-recommends ca-certificates git {}\n\
         COPY app/ /app/\n\
         RUN git clone -q {repository} /app/tool && grep -q tool /app/tool/readme.txt\n\
         RUN {}\n\
         RUN echo {WORD}\n",
        packages.join(" "),
        builds.join("\nRUN ")
    )
}

/// The programs that make the base image.
struct Makers {
    debootstrap: PathBuf,
    tar: PathBuf,
    suite: String,
}

/// Makes a root and pushes it as an image.
fn push_base(larder: &Larder, docker: &Docker, makers: &Makers) {
    let visit = Visit::new(larder);
    let root = apt::bootstrap(&visit, &makers.debootstrap, &makers.suite);
    let archive = visit.home().join("root.tar");
    let mut tar = visit.command(&makers.tar);
    run(tar.arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."));
    let host = larder.host();
    docker_login(&visit.home().join("docker"), host, "admin", PASSWORD);
    let name = format!("{host}/{BASE}");
    let docker = |words: &[&str]| run(docker.command(visit.home()).args(words));
    docker(&["import", &archive.display().to_string(), &name]);
    docker(&["push", "-q", &name]);
}

/// Builds all of it with an engine that has kept nothing.
fn build(larder: &Larder, suite: &str, repository: &str) {
    let docker = Docker::start().expect("an engine, as before");
    let visit = Visit::new(larder);
    let context = visit.home().join("context");
    let write = |file: &Path, text: &str| {
        std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
        std::fs::write(file, text).expect("file");
    };
    for (file, text) in FILES {
        write(&context.join("app").join(file), text);
    }
    let home = context.join("home");
    for client in CLIENTS {
        connect(larder, &home, client, "");
    }
    let sources = home.join("etc/apt/sources.list.d/larder-upstream.sources");
    let text = std::fs::read_to_string(&sources).expect("sources");
    write(&sources, &text.replace("$SUITE", suite));
    let base = format!("{}/{BASE}", larder.host());
    write(&context.join("Dockerfile"), &dockerfile(&base, repository));
    let mut build = docker.command(visit.home());
    build
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "--network=host", "--no-cache"])
        .arg(&context);
    let said = run(&mut build);
    assert!(said.contains(&format!("echo {WORD}")), "{said}");
    assert!(said.contains("Successfully built"), "{said}");
}

#[test]
fn a_dockerfile_of_many_package_managers() {
    let (Some(debootstrap), Some(tar), Some(git)) = (tool("debootstrap"), tool("tar"), tool("git"))
    else {
        return;
    };
    let Some(suite) = apt::suite() else {
        return skip("this machine's distribution has no suites");
    };
    let (Some(docker), Some(_)) = (Docker::start(), tool("gpg")) else {
        return;
    };
    let Some(wrapper) = apart::wrapper() else {
        return skip("no network of its own can be made here");
    };
    let data = tempfile::tempdir().expect("data");
    let mut larder = online(data.path()).start();
    let all = ["pypi", "go", "npm", "cargo"];
    if !apt::open(&larder) || !all[..languages()].iter().all(|it| is_found(&larder, it)) {
        return;
    }
    larder.grant("anonymous", "*", "*", "reader");
    let upstream = Upstream::start();
    let gits = Gits::start(&upstream, &git);
    gits.make("tool");
    let mirror = json!({
        "protocol": "git", "name": "up", "kind": "mirror",
        "upstream": {"url": Gits::url(&upstream), "allow_private": true},
    });
    larder.api("POST", "repositories", &mirror.to_string(), 201);
    let repository = format!("{}tool.git", Gits::url(&upstream));
    let makers = Makers {
        debootstrap,
        tar,
        suite,
    };
    push_base(&larder, &docker, &makers);
    drop(docker);

    let (began, before) = (Instant::now(), asked(&larder));
    let (_, port) = larder.host().split_once(':').expect("a port");
    let way = OnlyWay::to(port.parse().expect("a port")).expect("a network of its own");
    way.inside(|| build(&larder, &makers.suite, &repository));
    println!(
        "polyglot: built in {:.1} s with {} requests upstream",
        began.elapsed().as_secs_f64(),
        asked(&larder) - before
    );
    go_offline(&larder);
    larder.kill();
    drop((larder, way, upstream));

    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let larder = nowhere(data.path()).under(&words).start();
    let began = Instant::now();
    let asked = apart::inside(larder.pid(), || {
        let before = asked(&larder);
        build(&larder, &makers.suite, &repository);
        asked(&larder) - before
    });
    assert_eq!(asked, 0, "requests to an upstream while offline");
    println!(
        "polyglot: built offline in {:.1} s",
        began.elapsed().as_secs_f64()
    );
}
