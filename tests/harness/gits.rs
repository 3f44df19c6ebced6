//! Git repositories as an upstream has them: git's own server (git-http-backend) below `/git`.

use crate::larder::{Larder, PASSWORD};
use crate::tools::{command, run, tool};
use crate::upstream::{Asked, Program, Upstream};
use larder_model::percent;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// What is made of an answer that has objects.
pub type Spoil = Box<dyn Fn(&Asked, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// An upstream's repositories, and who writes to them.
pub struct Gits {
    folder: TempDir,
    git: PathBuf,
    spoil: Arc<Mutex<Option<Arc<Spoil>>>>,
    /// Whether the older protocol is spoken, whatever clients ask for.
    is_old: Arc<AtomicBool>,
}

impl Gits {
    /// None yet, below `/git` of an upstream, served by this program.
    pub fn start(upstream: &Upstream, git: &Path) -> Self {
        let gits = Self {
            folder: tempfile::tempdir().expect("repositories"),
            git: git.to_owned(),
            spoil: Arc::default(),
            is_old: Arc::default(),
        };
        let (git, home) = (gits.git.clone(), gits.folder.path().to_owned());
        let (spoil, is_old) = (Arc::clone(&gits.spoil), Arc::clone(&gits.is_old));
        let program: Program = Arc::new(move |asked: &Asked| {
            let (content_type, body) =
                backend(&git, &home, (asked, is_old.load(Ordering::SeqCst)))?;
            // Others may ask meanwhile.
            let spoil = spoil.lock().unwrap_or_else(PoisonError::into_inner);
            let own = spoil.clone().filter(|_| has_pack(&body));
            drop(spoil);
            let body = match own {
                Some(spoil) => spoil(asked, body),
                None => body,
            };
            Some((content_type, body))
        });
        upstream.run(program);
        gits
    }

    /// The mirror's upstream address.
    pub fn url(upstream: &Upstream) -> String {
        format!("{}git/", upstream.url())
    }

    /// Makes a repository with one commit; it is also where the upstream's people work.
    #[track_caller]
    pub fn make(&self, name: &str) -> PathBuf {
        self.make_with(name, &[])
    }

    /// The same with more arguments of `git init`.
    #[track_caller]
    pub fn make_with(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let at = self.at(name);
        let mut init = self.git(self.folder.path());
        run(init.args(["init", "-q"]).args(arguments).arg(&at));
        self.commit(name, "readme.txt", name.as_bytes());
        at
    }

    /// Commits a file; the commit's id.
    #[track_caller]
    pub fn commit(&self, name: &str, file: &str, body: &[u8]) -> String {
        let at = self.at(name);
        let path = at.join(file);
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(path, body).expect("file");
        run(self.git(&at).args(["add", "-A"]));
        run(self.git(&at).args(["commit", "-q", "-m", file]));
        self.head(name)
    }

    /// Puts a history in the place of a repository's (git-fast-import).
    #[track_caller]
    pub fn import(&self, name: &str, history: &[u8]) {
        let at = self.at(name);
        let from = tempfile::NamedTempFile::new().expect("history");
        std::fs::write(from.path(), history).expect("history");
        let input = std::fs::File::open(from.path()).expect("history");
        let mut import = self.git(&at);
        import.args(["fast-import", "--quiet", "--force"]);
        run(import.stdin(input));
        run(self.git(&at).args(["reset", "-q", "--hard"]));
    }

    /// The commit that is checked out.
    #[track_caller]
    pub fn head(&self, name: &str) -> String {
        let told = run(self.git(&self.at(name)).args(["rev-parse", "HEAD"]));
        told.trim().to_owned()
    }

    /// Runs git in a repository.
    #[track_caller]
    pub fn run(&self, name: &str, arguments: &[&str]) -> String {
        run(self.git(&self.at(name)).args(arguments))
    }

    /// Speaks the older protocol from now on, whatever clients ask for.
    pub fn speak_old(&self) {
        self.is_old.store(true, Ordering::SeqCst);
    }

    /// Makes something else of answers with objects from now on.
    pub fn spoil(&self, spoil: Option<Spoil>) {
        let spoil = spoil.map(Arc::new);
        *self.spoil.lock().unwrap_or_else(PoisonError::into_inner) = spoil;
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.git"))
    }

    fn git(&self, at: &Path) -> Command {
        let mut git = git(&self.git, self.folder.path());
        git.current_dir(at);
        git
    }
}

/// The git program with a home of its own, and a name to commit under.
pub fn git(program: &Path, home: &Path) -> Command {
    let mut git = command(program, home);
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_AUTHOR_NAME", "Ann")
        .env("GIT_AUTHOR_EMAIL", "ann@corp.example")
        .env("GIT_COMMITTER_NAME", "Ann")
        .env("GIT_COMMITTER_EMAIL", "ann@corp.example")
        .args(["-c", "init.defaultBranch=main"])
        .args(["-c", "advice.detachedHead=false"]);
    git
}

/// The same in a folder of that home, with these arguments.
pub fn git_in(program: &Path, home: &Path, folder: &str, arguments: &[&str]) -> Command {
    let mut git = git(program, home);
    git.current_dir(home.join(folder)).args(arguments);
    git
}

/// Has the administrator push one commit to a hosted repository, such as `own/tool`; nothing, if there is no
/// git here.
#[track_caller]
pub fn push(larder: &Larder, path: &str) {
    let Some(program) = tool("git") else { return };
    let home = tempfile::tempdir().expect("home");
    let run = |arguments: &[&str]| {
        run(git(&program, home.path())
            .current_dir(home.path())
            .args(arguments))
    };
    run(&["init", "-q"]);
    run(&["commit", "-q", "--allow-empty", "-m", "first"]);
    let url = format!("http://admin:{PASSWORD}@{}/git/{path}", larder.host());
    run(&["push", "-q", &url, "main"]);
}

fn has_pack(body: &[u8]) -> bool {
    body.windows(4).any(|bytes| bytes == b"PACK")
}

/// What git's own server answers; `None`: it has no such thing.
fn backend(
    program: &Path,
    home: &Path,
    (asked, is_old): (&Asked, bool),
) -> Option<(String, Vec<u8>)> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let path = percent::decode(path.strip_prefix("/git")?)?;
    let header = |name| asked.header(name).unwrap_or_default();
    let mut git = git(program, home);
    git.args(["-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", home)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", &*path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &asked.method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .env(
            "GIT_PROTOCOL",
            if is_old { "" } else { header("git-protocol") },
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = git.spawn().expect("git-http-backend");
    let (mut stdin, body) = (child.stdin.take().expect("stdin"), asked.body.clone());
    let feed = std::thread::spawn(move || stdin.write_all(&body));
    let output = child.wait_with_output().expect("git-http-backend");
    // It need not read what it has no use for.
    drop(feed.join().expect("feed"));
    let end = output
        .stdout
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output.stdout[..end]);
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
    };
    if value("Status").is_some_and(|status| !status.starts_with("200")) {
        return None;
    }
    Some((value("Content-Type")?, output.stdout[end + 4..].to_vec()))
}
