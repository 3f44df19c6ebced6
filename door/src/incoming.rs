//! A request's body on its way in, with a limit on its size and on every silence in it.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use larder_model::{BodyLimit, Kind, Limit, Problem};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The body of a request.
pub struct Incoming {
    source: Source,
    idle: Duration,
    limit: BodyLimit,
    left: u64,
    received: u64,
    ended: bool,
    /// Bodies of the connection that are waited for as a whole.
    collecting: Arc<AtomicUsize>,
}

/// Where the bytes are.
enum Source {
    /// On the connection.
    Connection(hyper::body::Incoming),
    /// At hand.
    Ready(Option<Bytes>),
    /// With someone who passes them on: a body that was lent.
    Passed(
        Mutex<BoxStream<'static, Result<Bytes, Problem>>>,
        Option<u64>,
    ),
    /// With someone to whom it was lent.
    Lent,
}

/// What is left of a body that nobody wanted is read, so that the connection can be used again, if it
/// is no more than this.
const DRAINED_BYTES: u64 = 64 << 10;
/// And for so long at most.
const DRAINED_TIME: Duration = Duration::from_secs(1);

/// Of a body that is waited for as a whole so many bytes come a second at least, on average after the
/// time of a silence.
const LEAST_RATE: u64 = 1024;

impl Incoming {
    /// A body that may be silent for `idle`. Whoever reads it sets its limit.
    pub fn new(body: hyper::body::Incoming, idle: Duration) -> Self {
        Self::of(Source::Connection(body), idle)
    }

    /// The same, counted in `collecting` for as long as it is waited for as a whole.
    #[must_use]
    pub fn counted(self, collecting: Arc<AtomicUsize>) -> Self {
        Self { collecting, ..self }
    }

    /// A body that is there already.
    pub fn ready(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self::of(Source::Ready(bytes), Duration::MAX)
    }

    /// A body that comes from someone to whom it was [lent](Self::lend), of so many bytes if they are
    /// announced.
    pub fn passed(
        bytes: BoxStream<'static, Result<Bytes, Problem>>,
        announced: Option<u64>,
    ) -> Self {
        Self::of(Source::Passed(Mutex::new(bytes), announced), Duration::MAX)
    }

    fn of(source: Source, idle: Duration) -> Self {
        Self {
            source,
            idle,
            limit: Limit::NONE.with_room(0),
            left: u64::MAX,
            received: 0,
            ended: false,
            collecting: Arc::default(),
        }
    }

    /// Lowers the limit to this one.
    pub fn limit(&mut self, limit: impl Into<BodyLimit>) {
        let limit = limit.into();
        if limit.max_bytes < self.left {
            self.left = limit.max_bytes;
            self.limit = limit;
        }
    }

    /// Fails if more bytes are announced than the limit lets through.
    pub fn require_fit(&self) -> Result<(), Problem> {
        match self.announced() {
            Some(bytes) if bytes > self.left => Err(self.limit.exceeded(Some(bytes))),
            _ => Ok(()),
        }
    }

    /// Lends the body to something that must own what it reads, for as long as it runs. What is
    /// left of it comes back, unless a part of the answer keeps it.
    pub async fn lend<F: Future>(&mut self, with: impl FnOnce(LentBody) -> F) -> F::Output {
        let away = Self::of(Source::Lent, self.idle);
        let own = std::mem::replace(self, away);
        let returned = ReturnSlot::default();
        let output = with(LentBody::of(own, returned.clone())).await;
        if let Some(own) = returned.take() {
            *self = own;
        }
        output
    }

    /// Reads off what is left, if that is little. Whether the connection can be used again: else it is
    /// closed after the answer, and whoever still sends is heard out then.
    pub(crate) async fn drain(&mut self, asked_to_wait: bool) -> bool {
        if self.ended || self.is_end() {
            return true;
        }
        // Whoever waits for our leave to send shall not get it.
        let left = self.announced();
        if asked_to_wait || left.is_none_or(|left| left > DRAINED_BYTES) {
            return false;
        }
        self.left = DRAINED_BYTES;
        let read = async { while let Ok(Some(_)) = self.next().await {} };
        drop(tokio::time::timeout(DRAINED_TIME, read).await);
        self.ended
    }

    /// How many bytes have come so far.
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    fn is_end(&self) -> bool {
        match &self.source {
            Source::Connection(body) => body.is_end_stream(),
            Source::Ready(bytes) => bytes.is_none(),
            Source::Passed(..) | Source::Lent => false,
        }
    }

    /// How many bytes are announced; `None` if that is not said.
    pub fn announced(&self) -> Option<u64> {
        match &self.source {
            Source::Connection(body) => body.size_hint().exact(),
            Source::Ready(bytes) => Some(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Source::Passed(_, announced) => *announced,
            Source::Lent => None,
        }
    }

    /// The next part, however small; `None` at the end.
    async fn part(&mut self) -> Result<Option<Bytes>, Problem> {
        let body = match &mut self.source {
            Source::Connection(body) => body,
            Source::Ready(bytes) => return Ok(bytes.take()),
            Source::Passed(bytes, _) => {
                let bytes = bytes.get_mut().unwrap_or_else(PoisonError::into_inner);
                return bytes.next().await.transpose();
            }
            Source::Lent => return Err(Problem::internal("the body is lent")),
        };
        let silence = || {
            let detail = "no byte of the body came for too long";
            Problem::new(Kind::Timeout, "body", detail)
        };
        let broken =
            |error| Problem::invalid("body", "the body ended before its end").because(error);
        let frame = tokio::time::timeout(self.idle, body.frame())
            .await
            .map_err(|_| silence())?;
        let Some(frame) = frame else { return Ok(None) };
        // Trailers say nothing to us.
        Ok(Some(frame.map_err(broken)?.into_data().unwrap_or_default()))
    }

    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let Some(data) = self.part().await? else {
                self.ended = true;
                return Ok(None);
            };
            self.received += data.len() as u64;
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or_else(|| self.limit.exceeded(self.announced()))?;
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// All of it, if it is within the limit and does not come too slowly.
    pub async fn collect(&mut self, limit: impl Into<BodyLimit>) -> Result<Bytes, Problem> {
        self.limit(limit);
        self.require_fit()?;
        let _waits = Counted::one_more(&self.collecting);
        let mut deadline = Deadline::after(self.idle);
        let Some(first) = self.next_before(&mut deadline).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next_before(&mut deadline).await? else {
            return Ok(first);
        };
        let mut all = Vec::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(more) = self.next_before(&mut deadline).await? {
            all.extend_from_slice(&more);
        }
        Ok(all.into())
    }

    /// The next bytes, which put the deadline off.
    async fn next_before(&mut self, deadline: &mut Deadline) -> Result<Option<Bytes>, Problem> {
        let slow = |_| {
            let detail = format!("the body came too slowly: less than {LEAST_RATE} bytes a second");
            Problem::new(Kind::Timeout, "body", detail)
        };
        let next = match deadline.0 {
            Some(at) => timeout_at(at, self.next()).await.map_err(slow)?,
            None => self.next().await,
        }?;
        deadline.put_off(next.as_ref().map_or(0, Bytes::len));
        Ok(next)
    }
}

/// When a body must have come as far as it has not; `None`: it may take for ever.
struct Deadline(Option<Instant>);

impl Deadline {
    fn after(time: Duration) -> Self {
        Self(Instant::now().checked_add(time))
    }

    /// So many bytes came.
    fn put_off(&mut self, bytes: usize) {
        let earned = Duration::from_micros(bytes as u64 * 1_000_000 / LEAST_RATE);
        self.0 = self.0.and_then(|at| at.checked_add(earned));
    }
}

/// Counts one more while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a lent body comes back to.
#[derive(Clone, Default)]
struct ReturnSlot(Arc<Mutex<Option<Incoming>>>);

impl ReturnSlot {
    fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body with the duty to come back.
struct Loan {
    body: Option<Incoming>,
    to: ReturnSlot,
}

impl Loan {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        match &mut self.body {
            Some(body) => body.next().await,
            None => Ok(None),
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        *self.to.0.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

/// A body that is lent: [`http_body::Body`] with its limits, whose error is a [`Problem`].
pub struct LentBody {
    bytes: BoxStream<'static, Result<Bytes, Problem>>,
    announced: Option<u64>,
    /// How many bytes it may have.
    left: u64,
    limit: BodyLimit,
}

impl LentBody {
    fn of(body: Incoming, to: ReturnSlot) -> Self {
        let (announced, left, limit) = (body.announced(), body.left, body.limit);
        let loan = Loan {
            body: Some(body),
            to,
        };
        let bytes = stream::try_unfold(loan, async |mut loan: Loan| {
            let bytes = loan.next().await?;
            Ok(bytes.map(|bytes| (bytes, loan)))
        });
        Self {
            bytes: bytes.boxed(),
            announced,
            left,
            limit,
        }
    }
}

impl http_body::Body for LentBody {
    type Data = Bytes;
    type Error = Problem;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Problem>>> {
        // What is announced as too large is not waited for.
        if self.announced.is_some_and(|bytes| bytes > self.left) {
            return Poll::Ready(Some(Err(self.limit.exceeded(self.announced))));
        }
        let next = self.bytes.poll_next_unpin(cx);
        next.map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests;
