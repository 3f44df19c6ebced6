//! Talking with the person at the terminal. Questions, notes and failures go to standard error, so
//! that output stays clean.

use crate::escape::json_line;
use crate::failure::Failure;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::fs::File;
use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin, stdout};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A line that someone types or pipes in, in bytes.
const LINE: u64 = 4096;

/// A file that someone names, in bytes.
const FILE: u64 = 1 << 20;

/// How the terminal was before it was told not to echo.
static ECHOING: Mutex<Option<Termios>> = Mutex::new(None);

/// How things are said on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// Failures as objects, for programs.
    pub(crate) as_json: bool,
    /// Nothing but failures and warnings.
    pub(crate) quiet: bool,
    /// Words in color.
    pub(crate) paint: bool,
}

impl Voice {
    /// Says what is good to know.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            say(&format!("{text}\n"));
        }
    }

    /// Says what someone should not overlook.
    pub(crate) fn warn(self, text: &str) {
        let (on, off) = if self.paint {
            ("\u{1b}[1;33m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        say(&format!("{on}warning{off}: {text}\n"));
    }

    /// Says why a command did not do what it should.
    pub(crate) fn fail(self, failure: &Failure) {
        let report = failure.report();
        say(&if self.as_json {
            json_line(&report.json(failure.exit())) + "\n"
        } else {
            report.lines(self.paint)
        });
    }
}

/// The name of this machine, as far as it can be shown.
pub(crate) fn machine_name() -> String {
    let machine = rustix::system::uname();
    let name = machine.nodename().to_string_lossy();
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The columns of the terminal that standard output is; `None` if it is none.
pub(crate) fn width() -> Option<usize> {
    let size = stdout()
        .is_terminal()
        .then(|| tcgetwinsize(stdout()).ok())??;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The columns of the terminal that standard error is; `None` if it is none.
pub(crate) fn watched_width() -> Option<usize> {
    let size = is_watched().then(|| tcgetwinsize(stderr()).ok())??;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether standard error is a terminal.
pub(crate) fn is_watched() -> bool {
    stderr().is_terminal()
}

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
    let hidden = EchoOff::begin(); // before anyone can type
    say(question);
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
        Some("-") => stdin().lock().take(FILE + 1).read_to_string(&mut text),
        _ => File::open(path).and_then(|file| file.take(FILE + 1).read_to_string(&mut text)),
    };
    read.map_err(unread)?;
    // Half a file may mean something else than the whole.
    if text.len() as u64 > FILE {
        let name = path.display();
        return Err(Failure::Usage(format!(
            "{name} is longer than {FILE} bytes"
        )));
    }
    Ok(text)
}

/// Writes to standard error. If even that fails, nobody is listening.
pub(crate) fn say(text: &str) {
    let mut out = stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Lets the terminal echo again, if it was told not to: for a program that ends at once. Whether it
/// was.
pub(crate) fn restore() -> bool {
    let before = ECHOING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(before) = &before {
        let _ = tcsetattr(stdin(), OptionalActions::Now, before); // a terminal that is gone needs no echo
    }
    before.is_some()
}

/// While it lives, the terminal does not echo.
struct EchoOff;

impl EchoOff {
    fn begin() -> Self {
        if let Ok(before) = tcgetattr(stdin()) {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            *ECHOING.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
            let _ = tcsetattr(stdin(), OptionalActions::Flush, &quiet); // it is shown then, as it was
        }
        Self
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        restore();
    }
}
