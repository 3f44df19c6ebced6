//! A response's body on its way out.
//!
//! On a plain connection a file is sent by the kernel, without a copy through this process: the
//! body hands the file to the connection's [`Wire`] and gives hyper one placeholder of the same
//! length, a run of zeros from `PLACEHOLDER`. The connection recognises that memory by its address
//! and sends the file in its place. Where there is no wire (TLS, HTTP/2) the file is read in pieces
//! instead; the placeholder is never made.

use bytes::{Buf, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use larder_storage::content::{PIECE_BYTES, read_piece};
use larder_storage::{Content, Error};
use std::collections::VecDeque;
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

/// What a connection's body writer and its socket share: the parts of files that are being sent,
/// one after the other.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<VecDeque<Sending>>>);

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
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(sending);
    }

    /// Calls `send` with the first file and the range of it that is left, and takes off as many
    /// bytes as it says were sent.
    pub fn send<E>(
        &self,
        send: impl FnOnce(&File, Range<u64>) -> Result<u64, E>,
    ) -> Option<Result<u64, E>> {
        let mut lying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sending = lying.front_mut()?;
        let outcome = send(&sending.file, sending.range.clone());
        if let Ok(sent) = outcome {
            sending.range.start += sent;
            if sending.range.is_empty() {
                lying.pop_front();
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
    Wired {
        wire: Wire,
        file: Arc<File>,
        range: Range<u64>,
    },
    Pieces {
        file: Arc<File>,
        range: Range<u64>,
        reading: Option<JoinHandle<Result<Bytes, Error>>>,
    },
    Stream {
        stream: BoxStream<'static, Result<Bytes, Error>>,
        left: u64,
    },
    Streaming {
        stream: BoxStream<'static, Result<Content, Error>>,
        left: Option<u64>,
        wire: Option<Wire>,
        part: Box<Self>,
    },
    /// The body of a response that was made elsewhere.
    Framework(UnsyncBoxBody<Bytes, io::Error>),
}

/// A response's body.
pub struct Body {
    source: Source,
    ended: Option<Ended>,
    sent: u64,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body")
            .field("left", &self.source.left())
            .finish_non_exhaustive()
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::of(Source::Empty)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(Source::of(Content::Ready(bytes), 0, None))
    }
}

impl Body {
    const fn of(source: Source) -> Self {
        Self {
            source,
            ended: None,
            sent: 0,
        }
    }

    /// A body of `size` bytes; a file goes by the `wire` where there is one.
    pub fn of_content(content: Content, size: u64, wire: Option<Wire>) -> Self {
        Self::of(Source::of(content, size, wire))
    }

    /// A body that comes part by part; of `size` bytes, if that is known.
    pub fn of_parts(
        stream: BoxStream<'static, Result<Content, Error>>,
        size: Option<u64>,
        wire: Option<Wire>,
    ) -> Self {
        Self::of(Source::Streaming {
            stream,
            left: size,
            wire,
            part: Box::new(Source::Empty),
        })
    }

    /// The body of a response that a framework behind a door made.
    pub fn of_framework<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if body.is_end_stream() {
            return Self::default();
        }
        Self::of(Source::Framework(
            body.map_err(io::Error::other).boxed_unsync(),
        ))
    }

    /// Calls `ended` with the number of bytes handed over when the body is dropped, whole or not.
    #[must_use]
    pub fn on_end(mut self, ended: impl FnOnce(u64) + Send + 'static) -> Self {
        self.ended = Some(Box::new(ended));
        self
    }
}

impl Source {
    fn of(content: Content, size: u64, wire: Option<Wire>) -> Self {
        match (content, wire) {
            (Content::Ready(bytes), _) if bytes.is_empty() => Self::Empty,
            (Content::Ready(bytes), _) => Self::Ready(bytes),
            (Content::File { file, range }, Some(wire)) => Self::Wired { wire, file, range },
            (Content::File { file, range }, None) => Self::Pieces {
                file,
                range,
                reading: None,
            },
            (Content::Stream(stream), _) => Self::Stream { stream, left: size },
        }
    }

    /// `ended`: what is to be called when the last byte has left, for whoever knows that better
    /// than the body.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        ended: &mut Option<Ended>,
    ) -> Poll<Option<Result<Chunk, io::Error>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Ready(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Chunk::Bytes(bytes))))
            }
            Self::Wired { wire, file, range } => {
                let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
                if length == 0 {
                    *self = Self::Empty;
                    return Poll::Ready(None);
                }
                // The last byte leaves long after hyper is done with this body: the end is told by
                // the wire.
                let (file, range, ended) = (Arc::clone(file), range.clone(), ended.take());
                wire.lay(Sending {
                    file,
                    start: range.start,
                    range,
                    ended,
                });
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Chunk::Placeholder(length))))
            }
            Self::Pieces {
                file,
                range,
                reading,
            } => {
                if range.is_empty() && reading.is_none() {
                    return Poll::Ready(None);
                }
                let task = reading.get_or_insert_with(|| {
                    let length = PIECE_BYTES
                        .min(usize::try_from(range.end - range.start).unwrap_or(PIECE_BYTES));
                    let (file, start) = (Arc::clone(file), range.start);
                    range.start += length as u64;
                    tokio::task::spawn_blocking(move || read_piece(&file, start, length))
                });
                let piece = ready!(Pin::new(task).poll(cx));
                *reading = None;
                Poll::Ready(Some(
                    piece
                        .map_err(Error::from)
                        .flatten()
                        .map(Chunk::Bytes)
                        .map_err(io::Error::other),
                ))
            }
            Self::Stream { stream, left } => match ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    Poll::Ready(Some(Ok(Chunk::Bytes(bytes))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(io::Error::other(error)))),
                None if *left > 0 => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
                None => Poll::Ready(None),
            },
            Self::Streaming {
                stream,
                left,
                wire,
                part,
            } => loop {
                if let Some(chunk) = ready!(part.poll(cx, &mut None)) {
                    let size = chunk.as_ref().map_or(0, Buf::remaining) as u64;
                    *left = left.map(|left| left.saturating_sub(size));
                    return Poll::Ready(Some(chunk));
                }
                match ready!(stream.poll_next_unpin(cx)) {
                    Some(Ok(content)) => **part = Self::of(content, 0, wire.clone()),
                    Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                    None if left.is_some_and(|left| left > 0) => {
                        return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                    }
                    None => return Poll::Ready(None),
                }
            },
            Self::Framework(body) => poll_framework(body, cx),
        }
    }

    fn left(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Ready(bytes) => Some(bytes.len() as u64),
            Self::Wired { range, .. } | Self::Pieces { range, .. } => Some(range.end - range.start),
            Self::Stream { left, .. } => Some(*left),
            Self::Streaming { left, .. } => *left,
            Self::Framework(body) => body.size_hint().exact(),
        }
    }
}

/// The next bytes of a framework's body. Trailers are of no use to any client of ours.
fn poll_framework(
    body: &mut UnsyncBoxBody<Bytes, io::Error>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Chunk, io::Error>>> {
    while let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) {
        if let Ok(bytes) = frame?.into_data() {
            return Poll::Ready(Some(Ok(Chunk::Bytes(bytes))));
        }
    }
    Poll::Ready(None)
}

impl http_body::Body for Body {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, io::Error>>> {
        let Self { source, ended, .. } = &mut *self;
        let chunk = ready!(source.poll(cx, ended));
        if let Some(Ok(chunk)) = &chunk {
            self.sent += chunk.remaining() as u64;
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Empty => true,
            Source::Framework(body) => body.is_end_stream(),
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.source
            .left()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.sent);
        }
    }
}

#[cfg(test)]
mod tests;
