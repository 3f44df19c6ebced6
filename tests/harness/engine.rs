//! Container engines of the test's own, in a temporary folder: dockerd, containerd and `BuildKit`.

use crate::beside::Beside;
use crate::tools::{command, optional, rare_tool, run, skip, tool};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What the program of [`context`] prints.
pub const WORD: &str = "larder-says-hello";

/// Whether the tests run as root, which engines need; else that is said and the test is to return.
#[track_caller]
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("container engines need root");
    }
    root
}

/// A program without libraries that prints [`WORD`], made in `folder`; `None`: no compiler, and
/// that was said.
#[track_caller]
pub fn program(folder: &Path) -> Option<PathBuf> {
    let gcc = tool("gcc")?;
    let (source, program) = (folder.join("hello.c"), folder.join("hello"));
    let text =
        format!("int puts(const char *);\nint main(void) {{ return puts(\"{WORD}\") < 0; }}\n");
    std::fs::write(&source, text).expect("source");
    run(command(&gcc, folder)
        .args(["-static", "-s", "-O1", "-o"])
        .args([&program, &source]));
    Some(program)
}

/// A folder to build an image in: a `Dockerfile` from scratch whose entrypoint prints [`WORD`].
#[track_caller]
pub fn context(home: &Path) -> Option<PathBuf> {
    let folder = home.join("context");
    std::fs::create_dir(&folder).expect("context");
    program(&folder)?;
    std::fs::write(
        folder.join("Dockerfile"),
        "FROM scratch\nCOPY hello /hello\nENTRYPOINT [\"/hello\"]\n",
    )
    .expect("Dockerfile");
    Some(folder)
}

/// A running Docker engine, stopped when it is dropped.
pub struct Docker {
    server: Beside,
    client: PathBuf,
    folder: TempDir,
}

impl Docker {
    /// Starts one without networks; `None`: it is not installed or may not run, and that was said.
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// The same with a file of settings, and no way to others than this machine.
    #[track_caller]
    pub fn start_with(settings: Option<&Path>) -> Option<Self> {
        let (engine, client) = (tool("dockerd")?, tool("docker")?);
        if !is_root() {
            return None;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut dockerd = command(&engine, folder.path());
        for (option, name) in [
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            dockerd.arg(option).arg(folder.path().join(name));
        }
        dockerd
            .arg("--host")
            .arg(socket_of("docker", folder.path()));
        dockerd.args([
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
        ]);
        dockerd.args(["--bridge=none", "--group=root"]);
        if let Some(settings) = settings {
            dockerd.arg("--config-file").arg(settings);
            alone(&mut dockerd);
        }
        let (server, ()) = Beside::start(dockerd, Signal::TERM, |line| {
            line.contains("API listen on").then_some(())
        });
        Some(Self {
            server,
            client,
            folder,
        })
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub fn address(&self) -> String {
        socket_of("docker", self.folder.path())
    }

    /// Its client, which keeps its logins in `home`; plain HTTP to this machine needs no setting.
    pub fn command(&self, home: &Path) -> Command {
        let mut docker = command(&self.client, home);
        docker
            .env("DOCKER_HOST", self.address())
            .env("DOCKER_CONFIG", home.join("docker"));
        docker
    }
}

fn socket_of(engine: &str, folder: &Path) -> String {
    format!("unix://{}/{engine}.sock", folder.display())
}

impl Drop for Docker {
    fn drop(&mut self) {
        self.server.stop(Signal::TERM);
        unmount(self.folder.path());
    }
}

/// A running containerd, stopped when it is dropped.
pub struct Containerd {
    server: Beside,
    client: PathBuf,
    folder: TempDir,
}

impl Containerd {
    /// Starts one; `None`: it is not installed or may not run, and that was said.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let (engine, client) = (tool("containerd")?, tool("ctr")?);
        if !is_root() {
            return None;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let below = |name: &str| folder.path().join(name).display().to_string();
        let plugins = [
            "io.containerd.grpc.v1.cri",
            "io.containerd.snapshotter.v1.btrfs",
        ];
        let settings = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = {plugins:?}\n[grpc]\naddress = {:?}\n\
             [ttrpc]\naddress = {:?}\n[plugins.\"io.containerd.internal.v1.opt\"]\npath = {:?}\n",
            below("root"),
            below("state"),
            below("sock"),
            below("ttrpc"),
            below("opt")
        );
        let file = folder.path().join("config.toml");
        std::fs::write(&file, settings).expect("settings");
        let mut containerd = command(&engine, folder.path());
        containerd.arg("--config").arg(file);
        let ready = |line: &str| {
            line.contains("containerd successfully booted")
                .then_some(())
        };
        let (server, ()) = Beside::start(containerd, Signal::TERM, ready);
        Some(Self {
            server,
            client,
            folder,
        })
    }

    /// Its client `ctr`.
    pub fn command(&self, home: &Path) -> Command {
        let mut ctr = command(&self.client, home);
        ctr.arg("-a")
            .arg(self.folder.path().join("sock"))
            .args(["-n", "test"]);
        ctr
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        self.server.stop(Signal::TERM);
        unmount(self.folder.path());
    }
}

/// A running `BuildKit`, stopped when it is dropped.
pub struct Buildkit {
    server: Beside,
    client: PathBuf,
    folder: TempDir,
}

impl Buildkit {
    /// Starts one with a file of settings and no way to others than this machine; `None`: it is not
    /// installed or may not run, and that was said.
    #[track_caller]
    pub fn start(settings: &Path) -> Option<Self> {
        let (engine, client, _) = (
            rare_tool("buildkitd")?,
            rare_tool("buildctl")?,
            tool("runc")?,
        );
        if !is_root() {
            return None;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut buildkitd = command(&engine, folder.path());
        buildkitd
            .arg("--config")
            .arg(settings)
            .arg("--root")
            .arg(folder.path().join("root"));
        buildkitd
            .arg("--addr")
            .arg(socket_of("buildkit", folder.path()));
        buildkitd.args([
            "--oci-worker-snapshotter=native",
            "--oci-worker-net=host",
            "--containerd-worker=false",
        ]);
        alone(&mut buildkitd);
        let (server, ()) = Beside::start(buildkitd, Signal::TERM, |line| {
            line.contains("running server").then_some(())
        });
        Some(Self {
            server,
            client,
            folder,
        })
    }

    /// Its client, which finds logins in `home/docker`.
    pub fn command(&self, home: &Path) -> Command {
        let mut buildctl = command(&self.client, home);
        buildctl
            .arg("--addr")
            .arg(socket_of("buildkit", self.folder.path()))
            .env("DOCKER_CONFIG", home.join("docker"));
        buildctl
    }
}

impl Drop for Buildkit {
    fn drop(&mut self) {
        self.server.stop(Signal::TERM);
        unmount(self.folder.path());
    }
}

/// Lets a program reach this machine alone.
pub fn alone(program: &mut Command) {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        program.env(name, "http://127.0.0.2:9"); // nothing listens there
    }
    program
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
}

/// Unmounts what an engine left below its folder, so that the folder can go.
pub fn unmount(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let below: Vec<&str> = places
        .filter(|place| Path::new(place).starts_with(folder))
        .collect();
    // The last mounted first.
    for place in below.into_iter().rev() {
        if let Some(umount) = optional("umount") {
            // What cannot be unmounted stays; it fails no test.
            drop(command(&umount, Path::new("/")).arg(place).output());
        }
    }
}
