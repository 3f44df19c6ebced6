//! Fetches a backup into a file: there whole and verified, or not at all.

use crate::client::Client;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::size;
use crate::terminal;
use larder_archive::{Fault, Verified, verify};
use reqwest::Response;
use std::fs::File;
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long the server may take to pack its rows, before it answers.
const PACKING: Duration = Duration::from_hours(1);
/// How long it may be silent while it sends.
const SILENCE: Duration = Duration::from_mins(2);
/// How often the line of progress is written anew.
const REDRAW: Duration = Duration::from_millis(200);
/// Bytes that are read at once to be verified.
const READ_BYTES: usize = 1 << 20;

/// A file that is deleted unless it is [kept](Self::keep).
struct Part {
    path: PathBuf,
    kept: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            drop(std::fs::remove_file(&self.path)); // the next try does it
        }
    }
}

impl Part {
    /// A new file beside `file`, which its owner alone can read.
    fn begin(file: &Path) -> Result<(Self, File), Failure> {
        let mut path = file.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let part = Self { path, kept: false };
        // What an earlier try left behind may be readable by others.
        crate::private_file::remove(&part.path)
            .map_err(|error| Failure::file(&part.path, error))?;
        let open = File::options()
            .write(true)
            .read(true)
            .create_new(true)
            .mode(0o600)
            .open(&part.path);
        let open = open.map_err(|error| Failure::file(&part.path, error))?;
        Ok((part, open))
    }

    /// Gives it its name, durably.
    fn keep(mut self, file: &Path) -> Result<(), Failure> {
        let named = std::fs::rename(&self.path, file).and_then(|()| {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        self.kept = true;
        named.map_err(|error| Failure::file(file, error))
    }
}

/// Fetches what is at `path` into the new file `file`, and reads all of it again to verify it.
pub(crate) async fn download(
    client: &Client,
    (path, query): (&[&str], &[(&str, &str)]),
    file: &Path,
    cx: &Context<'_>,
) -> Result<Verified, Failure> {
    if file.exists() {
        let text = format!("{} is there already: name another file", file.display());
        return Err(Failure::Clash(text));
    }
    let (part, open) = Part::begin(file)?;
    let response = client.file(path, query, PACKING).await?;
    save(client, response, &open, cx)
        .await
        .map_err(|failure| match failure {
            Saving::Local(error) => Failure::file(&part.path, error),
            Saving::Server(failure) => failure,
        })?;
    let verified = read(&part.path).map_err(|failure| match failure {
        Failure::Damaged(text) => Failure::Damaged(format!("what the server sent: {text}")),
        failure => failure,
    })?;
    part.keep(file)?;
    Ok(verified)
}

/// Reads all of a backup.
pub(crate) fn read(path: &Path) -> Result<Verified, Failure> {
    let open = File::open(path).map_err(|error| Failure::file(path, error))?;
    verify(BufReader::with_capacity(READ_BYTES, open)).map_err(|fault| match fault {
        Fault::Io(error) => Failure::file(path, error),
        fault => Failure::Damaged(fault.to_string()),
    })
}

enum Saving {
    Local(std::io::Error),
    Server(Failure),
}

async fn save(
    client: &Client,
    mut response: Response,
    mut file: &File,
    cx: &Context<'_>,
) -> Result<(), Saving> {
    let (total, mut done) = (response.content_length(), 0);
    let mut line = Line::begin(cx);
    loop {
        let more = timeout(SILENCE, response.chunk()).await;
        let more = more.map_err(|_| Saving::Server(client.silent()))?;
        match more.map_err(|error| Saving::Server(client.unreachable(&error)))? {
            Some(bytes) => file.write_all(&bytes).map_err(Saving::Local)?,
            None => break,
        }
        done = file.metadata().map_or(done, |about| about.len());
        line.tell(done, total);
    }
    drop(line);
    file.sync_all().map_err(Saving::Local)
}

/// The line of progress on a terminal, which is gone at the end.
struct Line {
    is_shown: bool,
    drawn: Option<Instant>,
}

impl Line {
    fn begin(cx: &Context<'_>) -> Self {
        Self {
            is_shown: terminal::is_watched() && !cx.voice().quiet && !cx.voice().as_json,
            drawn: None,
        }
    }

    fn tell(&mut self, done: u64, total: Option<u64>) {
        let is_time = self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW);
        if !self.is_shown || !is_time {
            return;
        }
        self.drawn = Some(Instant::now());
        let of = total.map(|total| format!(" of {}", size(total)));
        let text = format!("{}{}", size(done), of.unwrap_or_default());
        terminal::say(&format!("\r\u{1b}[K{text}"));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            terminal::say("\r\u{1b}[K");
        }
    }
}
