//! An artifact on its way in, read by all who asked for it while it is written and hashed.
//!
//! The last bytes are held back until all of them were found to be what an index promised: whoever
//! reads them to the end has the right ones. So are the last bytes of a part, until all is kept.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, unfold};
use larder_metadata::files::FileRecord;
use larder_model::Problem;
use larder_storage::{Content, Error};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// Bytes that are held back at least until all of them were found to be right.
pub(super) const HELD_BYTES: usize = 4096;
/// The newest bytes stay in memory, though they can be read from the file: whoever reads as they come
/// has them without the disk.
const WINDOW_BYTES: u64 = 3 << 20;

#[derive(Clone)]
enum State {
    /// Where it is is being found out.
    Asking,
    /// It comes; so many bytes may be read.
    Streaming {
        size: Option<u64>,
        released: u64,
    },
    /// All bytes are here and right.
    Complete(Arc<FileRecord>),
    /// And kept.
    Kept(Arc<FileRecord>),
    /// They are right, but could not be kept.
    Unkept(Arc<FileRecord>, Arc<Problem>),
    Failed(Arc<Problem>),
}

/// The newest bytes.
struct Window {
    pieces: VecDeque<Bytes>,
    start: u64,
    end: u64,
    /// So many stay, and all that cannot be read from the file yet.
    min_bytes: u64,
}

impl Window {
    /// Forgets the oldest pieces.
    fn shrink(&mut self, written: u64) {
        while let Some(first) = self.pieces.front().map(|piece| piece.len() as u64)
            && self.end - self.start - first >= self.min_bytes
            && self.start + first <= written
        {
            self.pieces.pop_front();
            self.start += first;
        }
    }
}

/// An artifact on its way in.
pub(crate) struct Download {
    state: watch::Sender<State>,
    /// The state of the download that others know: this one's, or that of the one it stands in for.
    known: watch::Sender<State>,
    /// What was passed on turned out to be something else.
    aborted: AtomicBool,
    window: Mutex<Window>,
    file: OnceLock<Arc<File>>,
}

/// What can be answered.
pub(crate) enum DownloadHead {
    /// All of it.
    Complete(Arc<FileRecord>),
    /// It streams; its size is known, if so.
    Stream(Option<u64>),
}

/// Where a reader is: the bytes that it still wants, and what is to be called with the last one.
type Reading<F> = (Arc<Download>, watch::Receiver<State>, Range<u64>, Option<F>);

impl Download {
    pub(crate) fn new() -> Arc<Self> {
        let state = watch::Sender::new(State::Asking);
        Self::known_by(state.clone(), state)
    }

    fn known_by(known: watch::Sender<State>, state: watch::Sender<State>) -> Arc<Self> {
        Arc::new(Self {
            state,
            known,
            aborted: AtomicBool::new(false),
            window: Mutex::new(Window {
                pieces: VecDeque::new(),
                start: 0,
                end: 0,
                min_bytes: WINDOW_BYTES,
            }),
            file: OnceLock::new(),
        })
    }

    /// What came is not what was wanted, and it is tried once more: who reads already must not take
    /// the one for the other. Where bytes were passed on, the next ones go to another download; who
    /// comes now waits for the end of this one, and so for the other.
    pub(crate) fn abort(&self) -> Option<Arc<Self>> {
        self.file.get()?;
        self.aborted.store(true, Ordering::SeqCst);
        self.state.send_replace(State::Asking);
        let state = watch::Sender::new(State::Asking);
        Some(Self::known_by(self.known.clone(), state))
    }

    /// Its head has come; what is written can be read back from `file`.
    pub(crate) fn begin(&self, size: Option<u64>, file: Arc<File>) {
        self.file.get_or_init(|| file);
        self.state
            .send_replace(State::Streaming { size, released: 0 });
    }

    /// Whether anybody waits for it, or reads it: those who wait for the one that it stands in for
    /// do.
    pub(crate) fn is_awaited(&self) -> bool {
        self.known.receiver_count() > 0
    }

    /// Has it take little memory: no more of it stays there than must.
    pub(crate) fn narrow(&self) {
        self.window().min_bytes = 0;
    }

    /// The next bytes may be read. `written`: so many of all can be read from the file.
    pub(crate) fn release(&self, bytes: Bytes, written: u64) {
        let mut window = self.window();
        window.end += bytes.len() as u64;
        window.pieces.push_back(bytes);
        window.shrink(written);
        let end = window.end;
        drop(window);
        self.state.send_modify(|state| {
            if let State::Streaming { released, .. } = state {
                *released = end;
            }
        });
    }

    /// All bytes are here and right.
    pub(crate) fn complete(&self, found: Arc<FileRecord>) {
        self.state.send_replace(State::Complete(found));
    }

    /// The end: it is kept, or it could not be had.
    pub(crate) fn end(&self, outcome: Result<Arc<FileRecord>, Problem>) {
        self.state.send_modify(|state| {
            *state = match (outcome, &*state) {
                (Ok(found), _) => State::Kept(found),
                // Whoever reads has the right bytes already.
                (Err(problem), State::Complete(found)) => {
                    State::Unkept(Arc::clone(found), Arc::new(problem))
                }
                (Err(problem), _) => State::Failed(Arc::new(problem)),
            };
        });
        // All is in the file: a slow reader needs no more than the last piece, which is small.
        let mut window = self.window();
        while window.pieces.len() > 1
            && let Some(first) = window.pieces.pop_front()
        {
            window.start += first.len() as u64;
        }
    }

    /// Waits until something can be answered.
    pub(crate) async fn head(&self) -> Result<DownloadHead, Problem> {
        let mut states = self.state.subscribe();
        let state = states
            .wait_for(|state| !matches!(state, State::Asking))
            .await
            .map_err(Problem::internal)?
            .clone();
        match state {
            State::Complete(found) | State::Unkept(found, _) if found.body.is_some() => {
                Ok(DownloadHead::Complete(found))
            }
            State::Complete(found) | State::Unkept(found, _) => {
                Ok(DownloadHead::Stream(Some(found.size)))
            }
            State::Kept(found) => Ok(DownloadHead::Complete(found)),
            State::Failed(problem) => Err(problem.again()),
            State::Streaming { size, .. } => Ok(DownloadHead::Stream(size)),
            State::Asking => Err(Problem::internal("a download that waits for itself")),
        }
    }

    /// Waits until it is kept.
    pub(crate) async fn kept(&self) -> Result<Arc<FileRecord>, Problem> {
        let mut states = self.state.subscribe();
        let is_end =
            |state: &State| matches!(state, State::Kept(_) | State::Unkept(..) | State::Failed(_));
        let ended = states.wait_for(is_end).await;
        match ended.map_err(Problem::internal)?.clone() {
            State::Kept(found) => Ok(found),
            State::Failed(problem) | State::Unkept(_, problem) => Err(problem.again()),
            _ => Err(Problem::internal("a download that was not kept")),
        }
    }

    /// All bytes or a range of them, as they come: what is on the disk already as a part of the file,
    /// which the kernel can send by itself. `whole` is called with the last ones: an upstream that
    /// breaks off gives none.
    pub(crate) fn stream<F: FnOnce() + Send + 'static>(
        self: Arc<Self>,
        range: Option<Range<u64>>,
        whole: Option<F>,
    ) -> BoxStream<'static, Result<Content, Error>> {
        let states = self.state.subscribe();
        let is_part = range.is_some();
        let next = move |(download, mut states, mut left, mut whole): Reading<F>| async move {
            while !left.is_empty() {
                let state = states.borrow_and_update().clone();
                let readable = match &state {
                    _ if download.aborted.load(Ordering::SeqCst) => {
                        Err(Error::Io(io::Error::other("it was replaced upstream")))
                    }
                    State::Asking => Ok((0, false)),
                    State::Streaming { released, .. } => Ok((*released, false)),
                    State::Complete(found) => Ok((found.size, !is_part)),
                    State::Kept(found) | State::Unkept(found, _) => Ok((found.size, true)),
                    State::Failed(problem) => Err(Error::Io(io::Error::other(problem.to_string()))),
                };
                let (released, ended) = match readable {
                    Ok(readable) => readable,
                    Err(error) => return Some((Err(error), (download, states, left, whole))),
                };
                let held = if ended { 0 } else { HELD_BYTES as u64 };
                let readable = left.start..released.min(left.end.saturating_sub(held));
                let part = (!readable.is_empty()).then(|| download.part(readable));
                left.start = part.as_ref().map_or(left.start, |(_, end)| *end);
                if ended
                    && (left.is_empty() || left.start >= released)
                    && part.as_ref().is_none_or(|(part, _)| part.is_ok())
                    && let Some(whole) = whole.take()
                {
                    whole();
                }
                if let Some((part, _)) = part {
                    return Some((part, (download, states, left, whole)));
                }
                if ended || states.changed().await.is_err() {
                    return None;
                }
            }
            None
        };
        unfold((self, states, range.unwrap_or(0..u64::MAX), whole), next).boxed()
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be read of the beginning of `range`, all of which is here, and where that ends.
    fn part(&self, range: Range<u64>) -> (Result<Content, Error>, u64) {
        let in_memory_from = {
            let window = self.window();
            let mut start = window.start;
            for piece in &window.pieces {
                let end = start + piece.len() as u64;
                if (start..end).contains(&range.start) {
                    let at = |place: u64| usize::try_from(place - start).unwrap_or_default();
                    let end = end.min(range.end);
                    let piece = piece.slice(at(range.start)..at(end));
                    return (Ok(Content::Ready(piece)), end);
                }
                start = end;
            }
            window.start
        };
        let Some(file) = self.file.get().cloned() else {
            return (Err(Error::Missing), range.start);
        };
        let end = if range.start < in_memory_from {
            in_memory_from.min(range.end)
        } else {
            range.end
        };
        let range = range.start..end;
        (Ok(Content::File { file, range }), end)
    }
}

#[cfg(test)]
mod tests;
