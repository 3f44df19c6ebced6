//! Ctrl+C: the program ends at once, with an exit code of its own and a terminal that echoes.

use crate::context::voice;
use crate::failure::Failure;
use crate::global::Global;
use crate::terminal;
use std::io;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// From now on Ctrl+C ends the program with exit code 130. What the server does goes on; files are
/// written whole or not at all, so nothing is left half done here.
///
/// A thread of its own waits for it, so that it is heard while someone is asked something.
pub fn exit_on_interrupt(global: &Global) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut interrupts = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt())?
    };
    let voice = voice(global.format(), global.quiet, true);
    let wait = move || {
        runtime.block_on(interrupts.recv());
        if terminal::restore() {
            terminal::say("\n"); // the question's line was not ended
        }
        let failure = Failure::Interrupted;
        voice.fail(&failure);
        std::process::exit(failure.exit().code().into());
    };
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(wait)
        .map(drop)
}
