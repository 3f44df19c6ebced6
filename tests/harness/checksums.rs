//! A checksum database of the tests' own: a program of golang.org/x/mod's own packages, built where
//! there is a Go and a module proxy that has them.

use crate::tools::{optional, skip};
use larder_model::{Algorithm, Digest};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The key of the database.
pub const KEY: &str = "sum.example+4a8a4721+ATijk8OJeHKvwrab0svy6BBZ9Z/qr34Mh4/FKF6nRkkV";
/// Its name.
pub const NAME: &str = "sum.example";

/// The program, once it was built.
static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();

/// A running database, gone when it is dropped.
pub struct Checksums {
    child: Child,
    url: String,
}

impl Checksums {
    /// One that sums up what a module proxy has, after so many records that are made up; another seed
    /// makes others of them, and so another history. If it cannot be built the test is to return.
    #[track_caller]
    pub fn start(proxy: &str, fill: u32, seed: &str) -> Option<Self> {
        let Some(program) = PROGRAM.get_or_init(build) else {
            skip("the checksum database of the tests cannot be built: is there a Go and a proxy?");
            return None;
        };
        let mut child = Command::new(program)
            .args(["-proxy", proxy, "-seed", seed])
            .args(["-fill", &fill.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the checksum database");
        let mut url = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        said.read_line(&mut url).expect("its address");
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://"), "{url}");
        Some(Self { child, url })
    }

    /// Its address, with a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub fn stop(&mut self) {
        drop(self.child.kill()); // it may have ended
        drop(self.child.wait());
    }
}

impl Drop for Checksums {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Builds the program, with this machine's own settings of Go, unless it was built before.
fn build() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/sumdb");
    let files = ["main.go", "golden.go", "go.mod", "go.sum"];
    let read = |name| std::fs::read(source.join(name)).expect("a source");
    let digest = Digest::of(Algorithm::Sha256, &files.map(read).concat());
    let program = std::env::temp_dir().join(format!("larder-sumdb-{}", &digest.hex()[..16]));
    if program.is_file() {
        return Some(program);
    }
    let new = program.with_extension(std::process::id().to_string());
    let built = Command::new(optional("go")?)
        .args(["build", "-mod=readonly", "-o"])
        .arg(&new)
        .arg(".")
        .current_dir(source)
        .env("GOTOOLCHAIN", "local")
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    let is_built = built.is_ok_and(|status| status.success());
    is_built.then(|| std::fs::rename(new, &program).expect("the program"))?;
    Some(program)
}
