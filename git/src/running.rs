//! Calls of the git program while they run.

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use larder_model::{Kind, Problem};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// The oldest version that does all that is needed: `index-pack` of SHA-256 packs, `upload-pack` that
/// allows any object.
pub(crate) const OLDEST: (u32, u32) = (2, 34);
/// Bytes read of the program at once.
const PIECE: usize = 64 * 1024;
/// The most bytes of its complaints that are read.
const MAX_COMPLAINT: u64 = 16 * 1024;
/// What the system says of a full disk (in the locale C).
pub(crate) const FULL: &str = "No space left on device";

/// Input of the program, as it comes.
pub type Input<'a> = BoxStream<'a, Result<Bytes, Problem>>;

pub(crate) fn not_installed(why: &str) -> Problem {
    let detail = format!(
        "git repositories need the program git {}.{} or later on this server: {why}",
        OLDEST.0, OLDEST.1
    );
    Problem::new(Kind::Unsupported, "git", detail)
}

fn cannot_start(error: std::io::Error) -> Problem {
    not_installed("it cannot be started").because(error)
}

pub(crate) fn failed(what: &str, complaint: &str) -> Problem {
    if complaint.contains(FULL) {
        return disk_failed(std::io::ErrorKind::StorageFull.into());
    }
    Problem::internal(format!("git {what}: {complaint}"))
}

/// A file could not be written, as bytes of the store could not be.
pub(crate) fn disk_failed(error: std::io::Error) -> Problem {
    larder_storage::Error::from(error).into()
}

/// A call that runs. It ends with this value, and so does all that it has started: `upload-pack` has
/// another program pack, which would go on for nobody.
pub(crate) struct Running(Child);

impl Running {
    /// Begins a call.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Problem> {
        let child = command.process_group(0).kill_on_drop(true).spawn();
        child.map(Self).map_err(cannot_start)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that was waited for has no number any more, which may be another's by now.
        let number = self.0.id().and_then(|id| i32::try_from(id).ok());
        let Some(group) = number.and_then(Pid::from_raw) else {
            return;
        };
        match kill_process_group(group, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => tracing::warn!(%error, "a git program that nobody needs goes on"),
        }
    }
}

/// Runs a call to its end: its status, what it printed, and what it complained of.
pub(crate) async fn run(
    mut command: Command,
    input: Option<Input<'_>>,
) -> Result<(ExitStatus, Vec<u8>, String), Problem> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = Running::start(&mut command)?;
    let child = &mut program.0;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let stderr = child.stderr.take();
    let feed = async {
        let (Some(mut input), Some(mut stdin)) = (input, stdin) else {
            return Ok(());
        };
        while let Some(bytes) = input.next().await {
            // A program that has ended takes no more; its status says why.
            if stdin.write_all(&bytes?).await.is_err() {
                break;
            }
        }
        drop(stdin);
        Ok::<_, Problem>(())
    };
    let read = async {
        let mut printed = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout
                .read_to_end(&mut printed)
                .await
                .map_err(Problem::internal)?;
        }
        Ok::<_, Problem>(printed)
    };
    let ((), printed, complaint) = tokio::try_join!(feed, read, complaints(stderr))?;
    let status = child.wait().await.map_err(Problem::internal)?;
    Ok((status, printed, complaint))
}

/// All that a program complains of, as far as it is read.
async fn complaints(stderr: Option<tokio::process::ChildStderr>) -> Result<String, Problem> {
    let mut text = Vec::new();
    if let Some(mut stderr) = stderr {
        let mut limited = (&mut stderr).take(MAX_COMPLAINT);
        limited
            .read_to_end(&mut text)
            .await
            .map_err(Problem::internal)?;
        // It must not wait for a reader.
        tokio::io::copy(&mut stderr, &mut tokio::io::sink())
            .await
            .map_err(Problem::internal)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What a program prints while it is fed.
pub(crate) fn printed(
    mut program: Running,
    mut input: Input<'static>,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send + 'static {
    let child = &mut program.0;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let stderr = child.stderr.take();
    let feed = tokio::spawn(async move {
        let Some(mut stdin) = stdin else { return };
        while let Some(Ok(bytes)) = input.next().await {
            // A program that has ended takes no more; its status says why.
            if stdin.write_all(&bytes).await.is_err() {
                break;
            }
        }
    });
    let complaint = tokio::spawn(complaints(stderr));
    let state = (program, stdout, feed, Some(complaint));
    futures_util::stream::unfold(Some(state), |state| async move {
        let (mut program, mut stdout, feed, mut complaint) = state?;
        let mut piece = Vec::with_capacity(PIECE);
        let read = match &mut stdout {
            Some(stdout) => stdout.read_buf(&mut piece).await,
            None => Ok(0),
        };
        match read {
            Ok(0) => {
                let complaint = match complaint.take() {
                    Some(task) => task.await.ok().and_then(Result::ok).unwrap_or_default(),
                    None => String::new(),
                };
                match program.0.wait().await {
                    Ok(status) if status.success() => None,
                    Ok(_) => Some((Err(failed("upload-pack", &complaint)), None)),
                    Err(error) => Some((Err(Problem::internal(error)), None)),
                }
            }
            Ok(_) => Some((Ok(piece.into()), Some((program, stdout, feed, complaint)))),
            Err(error) => Some((Err(Problem::internal(error)), None)),
        }
    })
}
