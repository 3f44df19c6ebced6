//! What an upstream answers, read as it comes.

use super::breaker::CircuitBreaker;
use super::request::FetchRequest;
use super::{Upstream, trouble};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, StatusCode};
use larder_model::{Kind, Problem};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Compressed bytes decoded in one step: at most about a thousand times as many come out.
const DECODED_AT_ONCE: usize = 4096;
/// An upstream may make us wait for no less and no longer.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// More bytes than that are no size: no database could tell of them.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// What the upstream answers.
pub(crate) enum FetchResponse {
    /// What we have is still right.
    Same,
    /// There is no such thing.
    Missing,
    /// It comes.
    Body(Box<UpstreamBody>),
}

/// A body on its way from an upstream.
pub(crate) struct UpstreamBody {
    response: reqwest::Response,
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// Compressed bytes that wait: a little of them may become very much.
    waiting: Bytes,
    /// Its size in bytes once decoded, if it is said.
    pub(crate) size: Option<u64>,
    pub(crate) etag: String,
    pub(crate) modified: String,
    pub(crate) content_type: String,
    breaker: Arc<CircuitBreaker>,
    _room: OwnedSemaphorePermit,
}

/// An answer that says nothing of what was asked for.
pub(super) fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// How long the upstream asks us to wait (RFC 9110 10.2.3, in seconds; a date is taken for a
/// minute), within our bounds.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = text
        .parse()
        .map_or(Duration::from_mins(1), Duration::from_secs);
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// The size that an upstream announces.
fn announced_size(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let text = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match text.and_then(|text| text.parse().ok()) {
        Some(size) if size > LARGEST => Err(trouble(
            Kind::Upstream,
            "the upstream announces more bytes than there can be",
        )),
        size => Ok(size),
    }
}

/// Reads the head of an answer to `request`, which holds its place until its body has come.
pub(super) fn read(
    response: reqwest::Response,
    request: &FetchRequest<'_>,
    upstream: &Upstream,
    room: OwnedSemaphorePermit,
) -> Result<FetchResponse, Problem> {
    let status = response.status();
    match status.as_u16() {
        200 if request.head => upstream.breaker.succeeded(),
        200 => {}
        304 if request.have.is_some() => return Ok(upstream.ended(FetchResponse::Same)),
        404 | 410 => return Ok(upstream.ended(FetchResponse::Missing)),
        405 | 501 if request.question.is_some() => return Ok(FetchResponse::Missing),
        // Registries say so of images that are not there, to whoever has no account.
        401 if !request.image.is_empty() && upstream.authorization.is_none() => {
            return Ok(FetchResponse::Missing);
        }
        401 | 407 => {
            return Err(trouble(
                Kind::Upstream,
                "the upstream wants other credentials than it was given (401)",
            ));
        }
        403 | 451 => {
            let detail = format!("the upstream forbids it ({})", status.as_u16());
            return Err(trouble(Kind::Policy, detail));
        }
        _ if is_failure(status) => {
            let detail = format!(
                "the upstream fails ({}), and this is not kept",
                status.as_u16()
            );
            let mut problem = trouble(Kind::Unreachable, detail);
            problem.retry_after =
                Some(retry_after(response.headers()).unwrap_or(Duration::from_secs(5)));
            return Err(problem);
        }
        other => {
            return Err(trouble(
                Kind::Upstream,
                format!("the upstream answers {other}, which makes no sense here"),
            ));
        }
    }
    let text = |name: HeaderName| {
        let value = response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value
            .filter(|value| value.len() <= 256)
            .unwrap_or_default()
            .to_owned()
    };
    let (etag, modified, content_type) = (text(ETAG), text(LAST_MODIFIED), text(CONTENT_TYPE));
    let encoding = text(CONTENT_ENCODING).to_ascii_lowercase();
    let announced = announced_size(response.headers())?;
    let (decoder, size) = match encoding.as_str() {
        "" | "identity" => (None, announced),
        // Some servers say so of files that are packed themselves, whoever asks for what.
        "gzip" | "x-gzip" if !request.takes_gzip() => (None, announced),
        "gzip" | "x-gzip" => (Some(MultiGzDecoder::new(Vec::new())), None),
        _ => {
            return Err(trouble(
                Kind::Upstream,
                "the upstream uses an encoding that was not asked for",
            ));
        }
    };
    Ok(FetchResponse::Body(Box::new(UpstreamBody {
        response,
        decoder,
        waiting: Bytes::new(),
        size,
        etag,
        modified,
        content_type,
        breaker: Arc::clone(&upstream.breaker),
        _room: room,
    })))
}

impl UpstreamBody {
    /// A header's value as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// The next bytes, decoded, and never none of them; `None` at the end. An end before the
    /// announced one is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let breaker = Arc::clone(&self.breaker);
        let broken = |error: reqwest::Error| {
            breaker.failed(None, "it broke off in the middle of an answer");
            let kind = if error.is_timeout() {
                Kind::Unreachable
            } else {
                Kind::Upstream
            };
            trouble(kind, "the upstream broke off in the middle").because(error.without_url())
        };
        loop {
            if self.waiting.is_empty() {
                match self.response.chunk().await.map_err(broken)? {
                    Some(bytes) if bytes.is_empty() => continue, // HTTP/2 may end with such a one
                    Some(bytes) if self.decoder.is_none() => return Ok(Some(bytes)),
                    Some(bytes) => self.waiting = bytes,
                    None => return self.end(),
                }
            }
            let piece = self
                .waiting
                .split_to(self.waiting.len().min(DECODED_AT_ONCE));
            let Some(decoder) = &mut self.decoder else {
                return Ok(Some(piece));
            };
            decoder
                .write_all(&piece)
                .map_err(|error| trouble(Kind::Upstream, "badly compressed").because(error))?;
            let plain = std::mem::take(decoder.get_mut());
            if !plain.is_empty() {
                return Ok(Some(plain.into()));
            }
        }
    }

    fn end(&mut self) -> Result<Option<Bytes>, Problem> {
        self.breaker.succeeded();
        let Some(decoder) = self.decoder.take() else {
            return Ok(None);
        };
        let rest = decoder
            .finish()
            .map_err(|error| trouble(Kind::Upstream, "badly compressed").because(error))?;
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    /// All of it, if it has at most `limit` bytes. `large` is called once before more than `small`
    /// bytes are taken in.
    pub(crate) async fn collect<F, P>(
        mut self,
        limit: usize,
        small: usize,
        large: impl FnOnce() -> F + Send,
    ) -> Result<(Vec<u8>, Option<P>), Problem>
    where
        F: Future<Output = P> + Send,
    {
        let too_large = || {
            trouble(
                Kind::Upstream,
                format!("the upstream's document is larger than {limit} bytes"),
            )
        };
        let announced = usize::try_from(self.size.unwrap_or_default()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(too_large());
        }
        let (mut body, mut permit, mut large) =
            (Vec::with_capacity(announced.min(small)), None, Some(large));
        while let Some(bytes) = self.next().await? {
            if body.len() + bytes.len() > limit {
                return Err(too_large());
            }
            if body.len() + bytes.len() > small
                && let Some(large) = large.take()
            {
                permit = Some(large().await);
                body.reserve(announced.saturating_sub(body.len()));
            }
            body.extend_from_slice(&bytes);
        }
        Ok((body, permit))
    }
}

#[cfg(test)]
mod tests;
