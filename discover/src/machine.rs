//! The machine that is looked at: its variables, files and programs. The only place with IO.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The longest that a program may take.
const PROGRAM: Duration = Duration::from_secs(20);
/// The most that is read of a file or of what a program says, in bytes.
const TEXT: u64 = 1024 * 1024;
/// Variables that programs need to find themselves. They get no others.
const KEPT: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "VIRTUAL_ENV",
    "NVM_DIR",
    "VOLTA_HOME",
    "ASDF_DATA_DIR",
];
/// A proxy where nobody listens: asking programs sends nothing to anyone.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A machine.
#[derive(Clone)]
pub struct Machine {
    variables: BTreeMap<String, String>,
    /// Where its files begin: `/`.
    root: PathBuf,
    /// The working folder, as far as it matters to package managers.
    dir: PathBuf,
}

/// What a program said.
pub(crate) struct ProgramOutput {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("dir", &self.dir)
            .finish_non_exhaustive() // variables hold secrets
    }
}

impl Machine {
    /// This machine, with these variables of the environment and this working folder.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, dir: PathBuf) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            root: PathBuf::from("/"),
            dir,
        }
    }

    /// One whose files are all below a folder.
    #[cfg(test)]
    pub(crate) fn below(root: &Path, variables: &[(&str, &str)], dir: &str) -> Self {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            variables,
            root: root.to_owned(),
            dir: PathBuf::from(dir),
        }
    }

    /// A variable that is not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All variables.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (&**name, &**value))
    }

    /// A folder that a variable names.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }

    /// A path in the home folder.
    pub fn home(&self, path: &str) -> Option<PathBuf> {
        Some(self.folder("HOME")?.join(path))
    }

    /// A path in the folder of the user's settings.
    pub fn config(&self, path: &str) -> Option<PathBuf> {
        Some(
            self.folder("XDG_CONFIG_HOME")
                .or_else(|| self.home(".config"))?
                .join(path),
        )
    }

    /// The working folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn real(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// A file's text; `None` if it cannot be read.
    pub fn read(&self, path: &Path) -> Option<String> {
        let path = self.real(path);
        if !path.is_file() {
            return None; // a pipe would hold us up
        }
        let mut text = String::new();
        File::open(path)
            .ok()?
            .take(TEXT)
            .read_to_string(&mut text)
            .ok()?;
        Some(text)
    }

    /// A file's bytes; `None` if it cannot be read.
    pub(crate) fn read_bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let path = self.real(path);
        if !path.is_file() {
            return None; // a pipe would hold us up
        }
        let mut bytes = Vec::new();
        File::open(path)
            .ok()?
            .take(TEXT)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(bytes)
    }

    /// Whether a program of this name is in the search path.
    pub fn has_program(&self, name: &str) -> bool {
        let search = self.variable("PATH").unwrap_or_default();
        let mut folders = search.split(':').filter(|folder| !folder.is_empty());
        folders.any(|folder| self.real(&Path::new(folder).join(name)).is_file())
    }

    /// The names in a folder, in order.
    pub fn names(&self, folder: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.real(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names
    }

    /// What a program says, run in an empty folder without network; `None` if it is not there or
    /// takes too long.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Option<ProgramOutput> {
        let folder = tempfile::tempdir().ok()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_clear();
        command.envs(
            KEPT.iter()
                .filter_map(|name| Some((*name, self.variable(name)?))),
        );
        for proxy in [
            "http_proxy",
            "https_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "npm_config_proxy",
        ] {
            command.env(proxy, NOWHERE);
        }
        command
            .env("CARGO_HOME", folder.path())
            .env("CARGO_NET_RETRY", "0")
            .env("RUSTUP_AUTO_INSTALL", "0");
        command
            .env("npm_config_cache", folder.path())
            .env("npm_config_update_notifier", "false");
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_COLOR", "1")
            .env("COREPACK_ENABLE_NETWORK", "0")
            .env("GOTOOLCHAIN", "local");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().ok()?;
        let said = listen(&mut child, Instant::now() + PROGRAM);
        // Also what the program itself has started.
        let _ = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0))
            .map(|pid| kill_process_group(pid, Signal::KILL));
        let _ = child.wait();
        said
    }
}

/// All that a program says, if it comes to an end in time.
fn listen(child: &mut Child, until: Instant) -> Option<ProgramOutput> {
    let out = follow(child.stdout.take()?);
    let err = follow(child.stderr.take()?);
    let text = |from: &mpsc::Receiver<String>| {
        from.recv_timeout(until.saturating_duration_since(Instant::now()))
            .ok()
    };
    Some(ProgramOutput {
        out: text(&out)?,
        err: text(&err)?,
    })
}

fn follow(from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (to, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.take(TEXT).read_to_end(&mut bytes); // what came before an error counts
        to.send(String::from_utf8_lossy(&bytes).into_owned())
    });
    said
}

#[cfg(test)]
pub(crate) mod tests;
