//! How long a connection's peer may take: to send a request's head, to lie idle between requests,
//! to take bytes.
//!
//! Bodies that arrive have a clock of their own (`access/incoming`).

use larder_config::Limits;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The times that a peer may take.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    /// From a head's first byte, or from the connection's beginning, to the end of the head.
    pub(crate) head: Duration,
    /// Without a request.
    pub(crate) idle: Duration,
    /// Without taking a byte of an answer.
    pub(crate) answer: Duration,
}

impl Deadlines {
    pub(crate) const fn of(limits: &Limits) -> Self {
        Self {
            head: limits.header_time,
            idle: limits.idle_time,
            answer: limits.body_idle_time,
        }
    }

    /// For connections whose peer sends more than requests (HTTP/2): bytes alone do not begin a
    /// head.
    pub(crate) const fn of_frames(self) -> Self {
        Self {
            head: self.idle,
            ..self
        }
    }
}

/// The requests of a connection that are being answered.
#[derive(Clone, Default)]
pub(crate) struct OpenRequests(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// One of them, until it is dropped.
pub(crate) struct Answer(Arc<Counts>);

impl OpenRequests {
    pub(crate) fn begin(&self) -> Answer {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Answer(Arc::clone(&self.0))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection whose peer is waited for with deadlines, but not for ever.
pub(crate) struct Paced<S> {
    stream: S,
    deadlines: Deadlines,
    answering: OpenRequests,
    /// Requests that had begun when this was last looked at: one may begin and end between two
    /// reads.
    begun: usize,
    waiting: Waiting,
    timer: Timer,
    /// Set while the peer takes nothing: when it must have.
    stalled: Option<Instant>,
    stall: Timer,
}

/// What the peer is to do next.
#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    /// Nothing: it is our turn.
    Nothing,
    /// To begin a request, before this moment.
    Request(Instant),
    /// To end the head of one, before this moment.
    Head(Instant),
}

impl<S> Paced<S> {
    pub(crate) fn new(stream: S, deadlines: Deadlines, answering: OpenRequests) -> Self {
        let waiting = Waiting::Head(Instant::now() + deadlines.head);
        let (timer, stall) = Default::default();
        Self {
            stream,
            deadlines,
            answering,
            begun: 0,
            waiting,
            timer,
            stalled: None,
            stall,
        }
    }

    /// Follows the conversation after a read that brought `count` bytes, or none yet.
    fn heard(&mut self, count: usize) -> Option<Instant> {
        let begun = self.answering.0.begun.load(Ordering::Relaxed);
        if begun != std::mem::replace(&mut self.begun, begun) {
            self.waiting = Waiting::Nothing;
        }
        self.waiting = match self.waiting {
            _ if begun != self.answering.0.ended.load(Ordering::Relaxed) => Waiting::Nothing,
            Waiting::Nothing if count == 0 => {
                Waiting::Request(Instant::now() + self.deadlines.idle)
            }
            Waiting::Nothing | Waiting::Request(_) if count > 0 => {
                Waiting::Head(Instant::now() + self.deadlines.head)
            }
            same => same,
        };
        match self.waiting {
            Waiting::Nothing => None,
            Waiting::Request(end) | Waiting::Head(end) => Some(end),
        }
    }

    fn watch_writing<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let end = *self
            .stalled
            .get_or_insert_with(|| Instant::now() + self.deadlines.answer);
        self.stall.poll(cx, end)
    }
}

/// A timer that is set anew only where it would end too late: for each request of a busy connection
/// it costs nothing.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Pending until `end`, then an error.
    fn poll<T>(&mut self, cx: &mut Context<'_>, end: Instant) -> Poll<io::Result<T>> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= end {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            sleep.as_mut().reset(end);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let end = self.heard(buffer.filled().len() - before);
        match end {
            Some(end) if read.is_pending() => self.timer.poll(cx, end),
            _ => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch_writing(cx, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch_writing(cx, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        ready!(self.watch_writing(cx, flushed))?;
        // The last read may lie before the answer: who waits for the next request is to be woken.
        match self.heard(0).map(|end| self.timer.poll(cx, end)) {
            Some(Poll::Ready(over)) => Poll::Ready(over),
            Some(Poll::Pending) | None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
