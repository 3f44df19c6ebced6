//! A server beside the one under test, e.g. a database: awaited by a line that it writes, stopped
//! by its pid.

use crate::larder::Log;
use rustix::process::{Pid, Signal, kill_process};
use std::io::BufReader;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// A running server, stopped when it is dropped.
pub(crate) struct Beside {
    child: Child,
    signal: Signal,
}

impl Beside {
    /// Starts it, waits for the first line of which `ready` makes something, and returns that too.
    /// `signal` is what stops it.
    #[track_caller]
    pub(crate) fn start<T>(
        mut command: Command,
        signal: Signal,
        ready: impl Fn(&str) -> Option<T>,
    ) -> (Self, T) {
        let (reader, writer) = std::io::pipe().expect("pipe");
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("pipe"))
            .stderr(writer);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let server = Self { child, signal };
        drop(command); // it holds the pipe's other end
        let log = Arc::new(Log::default());
        let follower = Arc::clone(&log);
        std::thread::spawn(move || follower.follow(BufReader::new(reader), true));
        let found = log
            .find(ready)
            .unwrap_or_else(|| panic!("a server is not ready:\n{}", log.text()));
        (server, found)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it with that signal and waits until it has.
    pub(crate) fn stop(&mut self, signal: Signal) {
        let _ended_already = kill_process(Pid::from_child(&self.child), signal);
        drop(self.child.wait());
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.stop(self.signal);
        }
    }
}

/// A port that was free a moment ago, for a server that cannot say which it took.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("port")
        .port()
}
