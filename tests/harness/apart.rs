//! A server in a network of its own, where there is nothing but itself.

use crate::tools::{command, optional};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;

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
