//! Networks of their own: where there is nothing but a server itself, and where there is nothing but the way
//! to one.

use crate::tools::{command, optional};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// What a server is to be started under ([`crate::Start::under`]) so that it is alone; `None`: that
/// cannot be done here.
pub fn wrapper() -> Option<Vec<String>> {
    wrap("-rn", "true")
}

/// The same, where this machine has another address too, and the file of the resolver is another.
pub fn wrapper_with(address: Ipv4Addr, resolver: &Path) -> Option<Vec<String>> {
    let (ip, mount) = (optional("ip")?, optional("mount")?);
    let own = format!("{} address add {address}/32 dev lo", ip.display());
    wrap(
        "-rnm",
        &format!(
            "{own} && {} --bind '{}' /etc/resolv.conf",
            mount.display(),
            resolver.display()
        ),
    )
}

/// `unshare` with these options, and what is done before the server is started.
fn wrap(options: &str, before: &str) -> Option<Vec<String>> {
    let (unshare, ip) = (optional("unshare")?, optional("ip")?);
    if !rustix::process::geteuid().is_root() {
        return None; // nobody else may go in there
    }
    let script = format!(
        "{} link set lo up && {before} && exec \"$0\" \"$@\"",
        ip.display()
    );
    let probe = command(&unshare, Path::new("/"))
        .args([options, "/bin/sh", "-c", &script, "/bin/true"])
        .output();
    let words = [
        &unshare.display().to_string(),
        options,
        "/bin/sh",
        "-c",
        &script,
    ]
    .map(str::to_owned);
    probe
        .ok()
        .filter(|output| output.status.success())
        .map(|_| words.into())
}

/// Does something, and what it starts does it too, in the network of a process.
///
/// # Panics
///
/// If that network leads to others.
pub fn inside<T: Send>(pid: u32, work: impl FnOnce() -> T + Send) -> T {
    let alone = || {
        let network = std::fs::File::open(format!("/proc/{pid}/ns/net")).expect("network");
        rustix::thread::move_into_link_name_space(network.as_fd(), None)
            .expect("to go into a network");
        let error = TcpStream::connect("192.0.2.1:9").expect_err("there is no way out");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "{error}");
        work()
    };
    let done = std::thread::scope(|scope| scope.spawn(alone).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A network from which one server of this machine can be reached, at the address that it has there, and
/// nothing else.
pub struct OnlyWay {
    /// Holds the network.
    holder: Child,
}

impl OnlyWay {
    /// Makes one that leads to the server on this port; `None`: that cannot be done here.
    pub fn to(port: u16) -> Option<Self> {
        let wrapper = wrapper()?;
        let mut holder = Command::new(&wrapper[0])
            .args(&wrapper[1..])
            .args(["/bin/sh", "-c", "echo up && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a network");
        let mut up = String::new();
        let out = holder.stdout.take().expect("output");
        BufReader::new(out).read_line(&mut up).expect("a line");
        assert_eq!(up, "up\n", "the network is there");
        let way = Self { holder };
        let listener = way.inside(|| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        let listener = listener.expect("the server's address");
        // Its connections are taken in there and go on here.
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let Ok(to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
                    continue; // which closes it
                };
                pass(&from, &to);
                pass(&to, &from);
            }
        });
        Some(way)
    }

    /// Does something, and what it starts does it too, in that network.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        inside(self.holder.id(), work)
    }
}

impl Drop for OnlyWay {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// Passes on what comes, to its end.
fn pass(from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        // A connection that breaks is over on both sides.
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
}
