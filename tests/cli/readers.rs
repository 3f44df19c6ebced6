//! What `larder connect --write` wrote is what the real clients then read or ask.

use crate::bed::{Home, larder};
use larder_tests::engine::is_root;
use larder_tests::tools::{command, dnf_arguments, run, tool_in};
use larder_tests::{Larder, tool};
use std::path::Path;
use std::process::Command;

/// A file of someone's own that a client has already, the lines that are written, and the client.
struct Case<'a> {
    larder: &'a Larder,
    home: Home,
    line: &'a str,
    file: &'a str,
    mine: &'a str,
}

impl<'a> Case<'a> {
    #[track_caller]
    fn new(larder: &'a Larder, line: &'a str, file: &'a str, mine: &'a str) -> Self {
        let home = Home::of(larder, "admin");
        let path = home.path(file);
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, mine).expect("file");
        home.run(&format!("connect {line} --write")).ends(0);
        Self {
            larder,
            home,
            line,
            file,
            mine,
        }
    }

    /// A command of the client in that home, in a folder of its own.
    fn client(&self, program: &Path, words: &[&str]) -> Command {
        let project = self.home.path("project");
        std::fs::create_dir_all(&project).expect("project");
        let mut client = command(program, self.home.folder());
        client.args(words).current_dir(project);
        for (name, value) in [
            ("npm_config_fetch_retries", "0"),
            ("UV_HTTP_RETRIES", "0"),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("BUN_CONFIG_HTTP_RETRY_COUNT", "0"),
            ("YARN_ENABLE_TELEMETRY", "0"),
            ("COREPACK_ENABLE_STRICT", "0"),
        ] {
            client.env(name, value);
        }
        client
    }

    /// The client tells that it uses the server.
    #[track_caller]
    fn tells(&self, program: &Path, words: &[&str], path: &str) {
        let told = run(&mut self.client(program, words));
        let expected = format!("{}{path}", self.larder.url());
        assert!(told.lines().any(|line| line.trim() == expected), "{told}");
    }

    /// The client asks the server for what is not there.
    #[track_caller]
    fn asks(&self, client: &mut Command, path: &str) {
        let output = client.output().expect("client");
        assert!(!output.status.success(), "{output:?}");
        let asked = self.larder.await_line(&format!("\"path\":\"{path}\""));
        assert!(asked, "{path} was not asked for: {output:?}");
    }

    /// All is as it was.
    #[track_caller]
    fn undo(self) {
        self.home
            .run(&format!("connect {} --undo", self.line))
            .ends(0);
        let text = std::fs::read_to_string(self.home.path(self.file)).expect("file");
        assert_eq!(text, self.mine);
    }
}

#[test]
fn pip_tells_the_index() {
    let Some(python) = tool("python3") else {
        return;
    };
    let larder = larder();
    let mine = "[global]\ntimeout = 7\nindex-url = https://old.example/simple";
    let case = Case::new(&larder, "pip pypi/main", ".config/pip/pip.conf", mine);
    let get = |key| ["-m", "pip", "config", "get", key];
    case.tells(&python, &get("global.index-url"), "/pypi/main/simple/");
    let timeout = run(&mut case.client(&python, &get("global.timeout")));
    assert_eq!(timeout.trim(), "7");
    case.undo();
}

#[test]
fn uv_asks_the_index() {
    let (Some(uv), Some(python)) = (tool("uv"), tool("python3")) else {
        return;
    };
    let larder = larder();
    let mine = "native-tls = true\n[[index]]\nname = \"old\"\nurl = \"http://127.0.0.1:1/\"\ndefault = true\n";
    let case = Case::new(&larder, "uv pypi/main", ".config/uv/uv.toml", mine);
    let mut install = case.client(&uv, &["pip", "install", "--target", "into", "nowhere"]);
    install.arg("--python").arg(&python);
    case.asks(&mut install, "/pypi/main/simple/nowhere/");
    // The index that was the default is asked no more, not even before.
    let told = String::from_utf8_lossy(&install.output().expect("uv").stderr).into_owned();
    assert!(!told.contains("127.0.0.1:1/"), "{told}");
    case.undo();
}

#[test]
fn pnpm_and_yarn_tell_the_registry() {
    let larder = larder();
    if let Some(pnpm) = tool("pnpm") {
        let case = Case::new(
            &larder,
            "pnpm npm/main",
            ".npmrc",
            "fund=false\nregistry=https://old.example/",
        );
        case.tells(&pnpm, &["config", "get", "registry"], "/npm/main/");
        case.undo();
    }
    if let Some(yarn) = tool_in("yarn-4", "yarn") {
        let mine = "nodeLinker: node-modules\nnpmRegistryServer: \"https://old.example\"\n";
        let case = Case::new(&larder, "yarn npm/main", ".yarnrc.yml", mine);
        case.tells(&yarn, &["config", "get", "npmRegistryServer"], "/npm/main/");
        case.undo();
    }
    if let Some(yarn) = tool_in("yarn-1", "yarn") {
        let mine = "registry \"https://old.example/\"\nstrict-ssl true\n";
        let case = Case::new(&larder, "yarn npm/main", ".yarnrc", mine);
        case.tells(&yarn, &["config", "get", "registry"], "/npm/main/");
        case.undo();
    }
}

#[test]
fn bun_asks_the_registry() {
    let Some(bun) = tool("bun") else { return };
    let larder = larder();
    let mine = "[install]\nregistry = \"http://127.0.0.1:1/\"\nexact = true\n";
    let case = Case::new(&larder, "bun npm/main", ".config/.bunfig.toml", mine);
    std::fs::create_dir_all(case.home.path("project")).expect("project");
    std::fs::write(case.home.path("project/package.json"), "{}").expect("project");
    let mut add = case.client(&bun, &["add", "nowhere"]);
    case.asks(&mut add, "/npm/main/nowhere");
    case.undo();
}

#[test]
fn dnf_asks_the_repository() {
    let Some(dnf) = tool("dnf") else { return };
    if !is_root() {
        return;
    }
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let root = home.path("image");
    std::fs::create_dir(&root).expect("root");
    let root = root.display();
    home.run(&format!("connect dnf rpm/main --write --root {root}"))
        .ends(0);
    let arguments = dnf_arguments(home.folder(), "image/etc/yum.repos.d");
    let mut makecache = command(&dnf, home.folder());
    makecache
        .args(arguments)
        .args(["--setopt=skip_if_unavailable=False", "makecache"]);
    makecache.output().expect("dnf");
    assert!(larder.await_line("\"path\":\"/rpm/main/repodata/repomd.xml\""));
    home.run("connect dnf rpm/main --undo").ends(0);
    let left = std::fs::read_dir(home.path("image")).expect("root").count();
    assert_eq!(left, 0, "its folders went with it");
}

#[test]
fn images_are_asked_for_through_what_was_written() {
    let Some(skopeo) = tool("skopeo") else { return };
    let larder = larder();
    let home = Home::of(&larder, "admin");
    let mirror = "repo create oci/docker.io --upstream http://127.0.0.1:1/ --allow-private";
    home.run(mirror).ends(0);
    let root = home.path("image");
    std::fs::create_dir(&root).expect("root");
    let line = "connect podman oci/docker.io";
    home.run(&format!("{line} --write --root {}", root.display()))
        .ends(0);
    // It reads the file as podman does, whose library it has, but below the home alone.
    let written = root.join("etc/containers/registries.conf.d/larder-docker.io.conf");
    let own = home.path(".config/containers");
    std::fs::create_dir_all(&own).expect("folder");
    std::fs::copy(written, own.join("registries.conf")).expect("copy");
    let mut inspect = command(&skopeo, home.folder());
    inspect.args(["inspect", "--no-creds", "docker://docker.io/team/app:1"]);
    let output = inspect.output().expect("skopeo");
    assert!(!output.status.success(), "{output:?}");
    let asked = larder.await_line("\"path\":\"/v2/docker.io/team/app/manifests/1\"");
    assert!(asked, "{output:?}");
}
