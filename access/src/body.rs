//! A response's body on its way out.
//!
//! On a plain connection a file is sent by the kernel, without a copy through this process: the body hands the file to
//! the connection's [`Wire`] and gives hyper one placeholder of the same length, a run of zeros from `PLACEHOLDER`.
//! The connection recognises that memory by its address and sends the file in its place. Where there is no wire
//! (TLS, HTTP/2) the file is read in pieces instead; the placeholder is never made.

use bytes::{Buf, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http_body::{Frame, SizeHint};
use larder_storage::content::{PIECE_BYTES, read_piece};
use larder_storage::{Content, Error};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// How much of a placeholder is shown at once.
const PLACEHOLDER_BYTES: usize = 1 << 20;
static PLACEHOLDER: [u8; PLACEHOLDER_BYTES] = [0; PLACEHOLDER_BYTES];

/// Whether a slice is a piece of a placeholder.
pub fn is_placeholder(slice: &[u8]) -> bool {
    PLACEHOLDER.as_ptr_range().contains(&slice.as_ptr())
}

/// What a connection's body writer and its socket share: the file that is being sent.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Option<Sending>>>);

type Ended = Box<dyn FnOnce(u64) + Send>;

/// A part of a file that the kernel is to send.
pub struct Sending {
    file: Arc<File>,
    range: Range<u64>,
    start: u64,
    ended: Option<Ended>,
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.range.start - self.start);
        }
    }
}

impl Wire {
    fn lay(&self, sending: Sending) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sending);
    }

    /// Calls `send` with the file and the range of it that is left, and takes off as many bytes as it says were sent.
    pub fn send<E>(&self, send: impl FnOnce(&File, Range<u64>) -> Result<u64, E>) -> Option<Result<u64, E>> {
        let mut lying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sending = lying.as_mut()?;
        let outcome = send(&sending.file, sending.range.clone());
        if let Ok(sent) = outcome {
            sending.range.start += sent;
            if sending.range.is_empty() {
                *lying = None;
            }
        }
        Some(outcome)
    }
}

/// Bytes for hyper: real ones, or the placeholder of a file's.
#[derive(Debug)]
pub enum Chunk {
    /// Bytes.
    Bytes(Bytes),
    /// So many bytes of the file that lies on the wire.
    Placeholder(usize),
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Placeholder(left) => *left,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Placeholder(left) => &PLACEHOLDER[..PLACEHOLDER_BYTES.min(*left)],
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Placeholder(left) => *left -= count,
        }
    }
}

enum Source {
    Empty,
    Ready(Bytes),
    Wired { wire: Wire, file: Arc<File>, range: Range<u64> },
    Pieces { file: Arc<File>, range: Range<u64>, reading: Option<JoinHandle<Result<Bytes, Error>>> },
    Stream { stream: BoxStream<'static, Result<Bytes, Error>>, left: Option<u64> },
}

/// A response's body.
pub struct Body {
    source: Source,
    ended: Option<Ended>,
    sent: u64,
}

impl Default for Body {
    fn default() -> Self {
        Self::of(Source::Empty)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(if bytes.is_empty() { Source::Empty } else { Source::Ready(bytes) })
    }
}

impl Body {
    const fn of(source: Source) -> Self {
        Self { source, ended: None, sent: 0 }
    }

    /// A body of `size` bytes; a file goes by the `wire` where there is one.
    pub fn of_content(content: Content, size: u64, wire: Option<Wire>) -> Self {
        Self::of(match (content, wire) {
            (Content::Ready(bytes), _) => return bytes.into(),
            (Content::File { file, range }, Some(wire)) => Source::Wired { wire, file, range },
            (Content::File { file, range }, None) => Source::Pieces { file, range, reading: None },
            (Content::Stream(stream), _) => Source::Stream { stream, left: Some(size) },
        })
    }

    /// A body that comes as a stream; of `size` bytes, if that is known.
    pub fn of_stream(stream: BoxStream<'static, Result<Bytes, Error>>, size: Option<u64>) -> Self {
        Self::of(Source::Stream { stream, left: size })
    }

    /// Calls `ended` with the number of bytes handed over when the body is dropped, whole or not.
    #[must_use]
    pub fn on_end(mut self, ended: impl FnOnce(u64) + Send + 'static) -> Self {
        self.ended = Some(Box::new(ended));
        self
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, io::Error>>> {
        match &mut self.source {
            Source::Empty => Poll::Ready(None),
            Source::Ready(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::Empty;
                Poll::Ready(Some(Ok(Chunk::Bytes(bytes))))
            }
            Source::Wired { wire, file, range } => {
                let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
                // The last byte leaves long after hyper is done with this body: the end is told by the wire.
                let (file, range, ended) = (Arc::clone(file), range.clone(), self.ended.take());
                wire.lay(Sending { file, start: range.start, range, ended });
                self.source = Source::Empty;
                Poll::Ready((length > 0).then_some(Ok(Chunk::Placeholder(length))))
            }
            Source::Pieces { file, range, reading } => {
                if range.is_empty() && reading.is_none() {
                    return Poll::Ready(None);
                }
                let task = reading.get_or_insert_with(|| {
                    let length = PIECE_BYTES.min(usize::try_from(range.end - range.start).unwrap_or(PIECE_BYTES));
                    let (file, start) = (Arc::clone(file), range.start);
                    range.start += length as u64;
                    tokio::task::spawn_blocking(move || read_piece(&file, start, length))
                });
                let piece = ready!(Pin::new(task).poll(cx));
                *reading = None;
                Poll::Ready(Some(piece.map_err(Error::from).flatten().map(Chunk::Bytes).map_err(io::Error::other)))
            }
            Source::Stream { stream, left } => match ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                    Poll::Ready(Some(Ok(Chunk::Bytes(bytes))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(io::Error::other(error)))),
                None if left.is_some_and(|left| left > 0) => {
                    Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())))
                }
                None => Poll::Ready(None),
            },
        }
    }

    fn left(&self) -> Option<u64> {
        match &self.source {
            Source::Empty => Some(0),
            Source::Ready(bytes) => Some(bytes.len() as u64),
            Source::Wired { range, .. } | Source::Pieces { range, .. } => Some(range.end - range.start),
            Source::Stream { left, .. } => *left,
        }
    }
}

impl http_body::Body for Body {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, io::Error>>> {
        let chunk = ready!(self.poll_source(cx));
        if let Some(Ok(chunk)) = &chunk {
            self.sent += chunk.remaining() as u64;
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.left().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.sent);
        }
    }
}
