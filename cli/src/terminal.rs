//! Talking with the person at the terminal. Questions go to standard error, so that output stays
//! clean.

use crate::failure::Failure;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};
use std::path::Path;

/// A line that someone types or pipes in, in bytes.
const LINE: u64 = 4096;

/// A file that someone names, in bytes.
const FILE: u64 = 1 << 20;

/// Whether someone is there to answer. Tests may be run from a terminal, but nobody answers them.
pub(crate) fn is_there() -> bool {
    !cfg!(test) && stdin().is_terminal() && stderr().is_terminal()
}

/// Asks for a line.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    say(question);
    line()
}

/// Asks for a line that is not shown while it is typed.
pub(crate) fn ask_hidden(question: &str) -> Result<String, Failure> {
    say(question);
    let hidden = EchoOff::begin();
    let answer = line();
    drop(hidden);
    say("\n");
    answer
}

/// Asks before something is lost. Fails if the answer is no, or nobody is there to give one.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_there() {
        return Err(Failure::Usage(format!(
            "{question} Nobody is there to answer: give --yes if so"
        )));
    }
    match ask(&format!("{question} [y/N] "))?
        .trim()
        .to_lowercase()
        .as_str()
    {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Local("nothing was done".to_owned())),
    }
}

/// The next line of standard input, without its end.
pub(crate) fn line() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = stdin().lock().take(LINE + 1).read_until(b'\n', &mut bytes);
    read.map_err(|error| Failure::Local(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > LINE {
        return Err(Failure::Usage(format!(
            "the line on standard input is longer than {LINE} bytes"
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::Usage("standard input is not UTF-8".to_owned()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// The text of a file; `-` is standard input.
pub(crate) fn file(path: &Path) -> Result<String, Failure> {
    let unread = |error| Failure::Local(format!("{} cannot be read: {error}", path.display()));
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => stdin().lock().take(FILE).read_to_string(&mut text),
        _ => File::open(path).and_then(|file| file.take(FILE).read_to_string(&mut text)),
    };
    read.map_err(unread)?;
    Ok(text)
}

fn say(text: &str) {
    let mut out = stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// While it lives, the terminal does not echo.
struct EchoOff(Option<Termios>);

impl EchoOff {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(stdin()) else {
            return Self(None);
        };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        let set = tcsetattr(stdin(), OptionalActions::Flush, &quiet);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before); // a terminal that is gone needs no echo
        }
    }
}
