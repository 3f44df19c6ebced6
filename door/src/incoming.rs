//! A request's body on its way in, with a limit on its size and on every silence in it.

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use larder_model::{Kind, Problem};
use std::time::Duration;

/// The body of a request.
pub struct Incoming {
    body: hyper::body::Incoming,
    idle: Duration,
    left: u64,
    ended: bool,
}

/// What is left of a body that nobody wanted is read up to here, so that the connection can be used
/// again.
const DRAINED_BYTES: u64 = 8 << 20;
/// And for so long at most.
const DRAINED_TIME: Duration = Duration::from_secs(5);

impl Incoming {
    /// A body that may be silent for `idle` and have `limit` bytes in all.
    pub const fn new(body: hyper::body::Incoming, idle: Duration, limit: u64) -> Self {
        Self {
            body,
            idle,
            left: limit,
            ended: false,
        }
    }

    /// Lowers the limit to `bytes`.
    pub const fn limit(&mut self, bytes: u64) {
        if bytes < self.left {
            self.left = bytes;
        }
    }

    /// Reads off what is left, within bounds. Whether the connection can be used again: a server
    /// that closes it on a client that is still sending, or sends its next request, breaks both.
    pub(crate) async fn drain(&mut self, asked_to_wait: bool) -> bool {
        if self.ended || self.body.is_end_stream() {
            return true;
        }
        if asked_to_wait {
            return false; // the client waits for our leave to send, and shall not get it
        }
        self.left = DRAINED_BYTES;
        let read = async { while let Ok(Some(_)) = self.next().await {} };
        drop(tokio::time::timeout(DRAINED_TIME, read).await);
        self.ended
    }

    /// How many bytes are announced; `None` if that is not said.
    pub fn announced(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let silence = || {
                Problem::new(
                    Kind::Timeout,
                    "body",
                    "no byte of the body came for too long",
                )
            };
            let frame = tokio::time::timeout(self.idle, self.body.frame())
                .await
                .map_err(|_| silence())?;
            let Some(frame) = frame else {
                self.ended = true;
                return Ok(None);
            };
            let broken =
                |error| Problem::invalid("body", "the body ended before its end").because(error);
            let Ok(data) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            self.left = self
                .left
                .checked_sub(data.len() as u64)
                .ok_or_else(too_large)?;
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// All of it, if it has at most `limit` bytes.
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes, Problem> {
        self.limit(limit as u64);
        let body = self;
        if body.announced().is_some_and(|bytes| bytes > body.left) {
            return Err(too_large());
        }
        let Some(first) = body.next().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = body.next().await? else {
            return Ok(first);
        };
        let mut all = Vec::with_capacity(first.len() + second.len());
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(more) = body.next().await? {
            all.extend_from_slice(&more);
        }
        Ok(all.into())
    }
}

fn too_large() -> Problem {
    Problem::new(
        Kind::TooLarge,
        "body",
        "the body is larger than this server takes",
    )
}
