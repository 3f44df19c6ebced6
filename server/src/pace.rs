//! How long a connection's peer may take: to send a request's head, to lie idle between requests,
//! to take bytes.
//!
//! Bodies that arrive have a clock of their own (`access/incoming`).

use larder_config::Limits;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// So long a connection that we close is read from at most, and waited for in silence, and so much of
/// it at once.
const LINGER_TIME: Duration = Duration::from_mins(1);
const LINGER_SILENCE: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 16 * 1024;

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
    /// Those whose bodies are waited for before anything is answered.
    collecting: Arc<AtomicUsize>,
    /// Whether the target of the last head has a fragment.
    fragment: AtomicBool,
    /// Whether an answer came before all of its request.
    early: AtomicBool,
}

/// One of them, until it is dropped.
pub(crate) struct Answer(Arc<Counts>);

impl OpenRequests {
    pub(crate) fn begin(&self) -> Answer {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Answer(Arc::clone(&self.0))
    }

    /// Where bodies are counted that are waited for.
    pub(crate) fn collecting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0.collecting)
    }

    /// A request of it waits for something else than its answer being made, until this is dropped: its
    /// connection may make room for others.
    pub(crate) fn wait_aside(&self) -> Aside {
        self.0.collecting.fetch_add(1, Ordering::Relaxed);
        Aside(self.collecting())
    }

    /// Whether nothing goes on but that the peer is waited for.
    pub(crate) fn all_wait(&self) -> bool {
        let ended = self.0.ended.load(Ordering::Relaxed);
        let begun = self.0.begun.load(Ordering::Relaxed);
        begun.saturating_sub(ended) <= self.0.collecting.load(Ordering::Relaxed)
    }

    /// The answer comes before all of the request: its peer may still be sending.
    pub(crate) fn answer_early(&self) {
        self.0.early.store(true, Ordering::Relaxed);
    }

    /// Whether the target of the head that came last had a fragment, which parsers leave out.
    pub(crate) fn has_fragment(&self) -> bool {
        self.0.fragment.load(Ordering::Relaxed)
    }
}

/// A request that is not being answered yet.
pub(crate) struct Aside(Arc<AtomicUsize>);

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
    /// Until the first byte has come.
    is_new: bool,
    waiting: Waiting,
    timer: Timer,
    /// Set while the peer takes nothing: when it must have.
    stalled: Option<Instant>,
    stall: Timer,
    /// Set while the connection is being closed: when it is read from no more, whatever comes, and
    /// if nothing does.
    lingers: Option<(Instant, Instant)>,
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
            is_new: true,
            waiting,
            timer,
            stalled: None,
            stall,
            lingers: None,
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
        let in_head = !self.is_new && matches!(self.waiting, Waiting::Head(_));
        let came = buffer.filled().get(before..).unwrap_or_default();
        let end = self.heard(came.len());
        self.is_new &= came.is_empty();
        if !in_head && !came.is_empty() && matches!(self.waiting, Waiting::Head(_)) {
            let line = came.split(|byte| *byte == b'\n').next();
            let fragment = line.is_some_and(|line| line.contains(&b'#'));
            self.answering.0.fragment.store(fragment, Ordering::Relaxed);
        }
        match end {
            Some(end) if read.is_pending() => self.timer.poll(cx, end),
            _ => read,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
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

    /// Whoever still sends is heard out for a while: an answer that came early, a refusal, would be
    /// lost with a connection that is closed on what was sent.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingers.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.answering.0.early.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
            this.stall = Timer::default();
        }
        let now = Instant::now();
        let (end, silent) = *this
            .lingers
            .get_or_insert((now + LINGER_TIME, now + LINGER_SILENCE));
        let mut unread = [0; LINGER_BYTES];
        let mut came = false;
        loop {
            let mut unread = ReadBuf::new(&mut unread);
            match Pin::new(&mut this.stream).poll_read(cx, &mut unread) {
                Poll::Ready(Ok(())) if !unread.filled().is_empty() && now < end => came = true,
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    let silent = if came { now + LINGER_SILENCE } else { silent };
                    this.lingers = Some((end, silent));
                    return this.stall.poll(cx, silent.min(end));
                }
            }
        }
    }
}
