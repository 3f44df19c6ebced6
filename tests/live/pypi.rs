//! pip and uv: wheels by their hashes.

use crate::rounds::{Visit, is_found, rounds};
use larder_tests::{run, tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is wanted, of few files each; with what that needs it is much more.
const WANTED: [&str; 20] = [
    "aiohttp",
    "alembic",
    "black",
    "cryptography",
    "fastapi",
    "flask",
    "httpx",
    "isort",
    "jsonschema",
    "numpy",
    "pylint",
    "pytest",
    "pyyaml",
    "requests",
    "sqlalchemy",
    "structlog",
    "tomlkit",
    "tox",
    "twine",
    "typer",
];

struct Clients {
    uv: PathBuf,
    python: PathBuf,
    /// The requirements with hashes.
    lock: OnceLock<String>,
}

#[test]
fn wheels_by_their_hashes() {
    let (Some(uv), Some(python)) = (tool("uv"), tool("python3")) else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let venv = folder.path().join("venv");
    run(Command::new(python).args(["-m", "venv"]).arg(&venv));
    let clients = Clients {
        uv,
        python: venv.join("bin/python"),
        lock: OnceLock::new(),
    };
    rounds(
        "pypi",
        40,
        |larder| is_found(larder, "pypi"),
        |visit| clients.get(visit),
        || {},
    );
}

impl Clients {
    fn get(&self, visit: &Visit<'_>) -> usize {
        visit.connect("pip", "pypi/upstream", "");
        visit.connect("uv", "pypi/upstream", "");
        let lock = self.lock.get_or_init(|| self.compile(visit));
        let requirements = visit.home().join("requirements.txt");
        std::fs::write(&requirements, lock).expect("requirements");
        let wanted = [
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-r",
            "requirements.txt",
            "--target",
        ];

        let mut pip = visit.command(&self.python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-compile",
            "--quiet",
        ]);
        run(pip.args(wanted).arg("by-pip"));
        let mut uv = self.uv(visit);
        run(uv.args(["pip", "install"]).args(wanted).arg("by-uv"));
        let (pip, uv) = (
            installed(&visit.home().join("by-pip")),
            installed(&visit.home().join("by-uv")),
        );
        let locked = lock.lines().filter(|line| line.contains("==")).count();
        assert_eq!((pip, uv), (locked, locked), "wheels in the lock");
        locked
    }

    fn uv(&self, visit: &Visit<'_>) -> Command {
        let mut uv = visit.command(&self.uv);
        uv.arg("--quiet")
            .env("UV_PYTHON", &self.python)
            .env("UV_PYTHON_DOWNLOADS", "never");
        uv
    }

    fn compile(&self, visit: &Visit<'_>) -> String {
        std::fs::write(visit.home().join("wanted.txt"), WANTED.join("\n")).expect("requirements");
        let mut uv = self.uv(visit);
        uv.args([
            "pip",
            "compile",
            "--generate-hashes",
            "--only-binary",
            ":all:",
            "--no-header",
            "--no-annotate",
        ]);
        run(uv.args(["-o", "lock.txt", "wanted.txt"]));
        std::fs::read_to_string(visit.home().join("lock.txt")).expect("lock")
    }
}

fn installed(target: &Path) -> usize {
    let names = std::fs::read_dir(target)
        .expect("target")
        .map(|entry| entry.expect("entry").file_name());
    names
        .filter(|name| name.to_string_lossy().ends_with(".dist-info"))
        .count()
}
