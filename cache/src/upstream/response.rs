//! What an upstream answers, read as it comes.

use super::failure::{Failure, Fault, Trouble};
use super::hops::Arrival;
use super::remote::Upstream;
use super::request::{FetchRequest, Want};
use crate::intake::{Intake, Received, Receiver};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, LINK};
use http::{HeaderMap, HeaderName};
use larder_mirrors::next_link;
use larder_model::{Kind, Limit, Problem};
use reqwest::Response;
use std::io::Write as _;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

/// Compressed bytes decoded in one step: at most about a thousand times as many come out. What comes out
/// as a rule is as much as its receiver takes at once.
const DECODED_AT_ONCE: usize = 4096;
/// Decoded bytes that any document may have; of more than that each compressed byte stands for at most
/// so many. Indexes are packed to a tenth as a rule (packuments to a tenth or a thirtieth, lists of
/// rpms to an eighth or a twelfth), and to a fiftieth at best.
const ANY_RATIO_BYTES: u64 = 1 << 20;
const MAX_RATIO: u64 = 200;
/// The longest header that is kept, in bytes.
const MAX_HEADER: usize = 256;
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

impl FetchResponse {
    /// The same as the answer of a mirror.
    pub(super) fn on(mut self, mirror: Option<Url>) -> Self {
        if let Self::Body(body) = &mut self {
            body.mirror = mirror;
        }
        self
    }
}

/// What the status of an answer says.
enum Meaning {
    Unchanged,
    Absent,
    Body,
}

/// A body on its way from an upstream.
pub(crate) struct UpstreamBody {
    response: Response,
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// Compressed bytes that wait: a little of them may become very much.
    waiting: Bytes,
    /// Compressed bytes that were decoded, and what came of them.
    packed: u64,
    unpacked: u64,
    /// Whether it comes as it is, though a label says that it is encoded with gzip.
    pub(crate) is_labelled: bool,
    /// Its size in bytes once decoded, if it is said.
    pub(crate) size: Option<u64>,
    pub(crate) etag: String,
    pub(crate) modified: String,
    pub(crate) content_type: String,
    upstream: Arc<Upstream>,
    /// Where it comes from.
    url: Url,
    /// The mirror that it comes from; `None`: the upstream itself.
    pub(crate) mirror: Option<Url>,
    /// What was asked for.
    file: String,
    _slot: Option<OwnedSemaphorePermit>,
}

/// A size that cannot be.
struct TooLarge;

/// The size that an upstream announces.
fn announced_size(headers: &HeaderMap) -> Result<Option<u64>, TooLarge> {
    let text = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match text.and_then(|text| text.parse().ok()) {
        Some(size) if size > LARGEST => Err(TooLarge),
        size => Ok(size),
    }
}

impl Upstream {
    /// Reads the head of an answer to `request`, which holds its slot until its body has come.
    pub(super) async fn read(
        self: &Arc<Self>,
        arrival: Arrival,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Trouble> {
        if let Some(fault) = self.fault_of(&arrival.response, request) {
            let said = self.sentence(arrival.response).await;
            return Err(Failure::answered(arrival.url, fault, said).into());
        }
        let meaning = self.meaning(&arrival, request);
        if request.want != Want::All || !matches!(meaning, Ok(Meaning::Body)) {
            self.origins.succeeded(&arrival.url);
        }
        match meaning? {
            Meaning::Unchanged => Ok(FetchResponse::Same),
            Meaning::Absent => Ok(FetchResponse::Missing),
            Meaning::Body => self.begin(arrival, request),
        }
    }

    /// What the status of an answer means.
    fn meaning(&self, arrival: &Arrival, request: &FetchRequest<'_>) -> Result<Meaning, Problem> {
        let status = arrival.response.status().as_u16();
        let useless = |kind, what: &str, why: &str| {
            let file = self.file_of(request.url);
            let mut problem = self.useless(kind, &arrival.url, &format!("{what} {file}{why}"));
            problem.upstream_status = Some(status);
            Err(problem)
        };
        match status {
            200 => Ok(Meaning::Body),
            401 if self.waits_for_challenge() => {
                self.judge_refusal(arrival, request)?;
                Ok(Meaning::Absent)
            }
            // Some refuse heads of what they give.
            _ if request.want == Want::ShortCut => Ok(Meaning::Absent),
            304 if request.have.is_some() => Ok(Meaning::Unchanged),
            405 | 501 if request.question.is_some() => Ok(Meaning::Absent),
            status if self.absent.contains(status) => Ok(Meaning::Absent),
            status @ (401 | 407) => {
                let why = format!(" ({status}): it wants other credentials than it was given");
                useless(Kind::Upstream, "refuses", &why)
            }
            status @ (403 | 451) => {
                useless(Kind::UpstreamPolicy, "forbids", &format!(" ({status})"))
            }
            other => {
                let what = format!("answered {other} for");
                useless(Kind::Upstream, &what, ", which makes no sense")
            }
        }
    }

    /// A body that begins.
    fn begin(
        self: &Arc<Self>,
        arrival: Arrival,
        request: &FetchRequest<'_>,
    ) -> Result<FetchResponse, Trouble> {
        let Arrival {
            response,
            url,
            slot,
            ..
        } = arrival;
        let file = self.file_of(request.url);
        let useless = |what: &str| self.useless(Kind::Upstream, &url, &format!("{what} {file}"));
        let announced = announced_size(response.headers())
            .map_err(|TooLarge| useless("announces more bytes than there can be of"))?;
        let encoding = text(&response, &CONTENT_ENCODING).to_ascii_lowercase();
        let is_gzip = matches!(encoding.as_str(), "gzip" | "x-gzip");
        let (decoder, size) = match encoding.as_str() {
            "" | "identity" => (None, announced),
            // Some servers label files that are packed themselves, whoever asks for what: what was
            // asked for as it is, is taken as it comes.
            _ if !request.takes_gzip() => (None, announced),
            _ if is_gzip => (Some(MultiGzDecoder::new(Vec::new())), None),
            _ => return Err(useless("uses an encoding that was not asked for, for").into()),
        };
        Ok(FetchResponse::Body(Box::new(UpstreamBody {
            is_labelled: is_gzip && decoder.is_none(),
            decoder,
            waiting: Bytes::new(),
            packed: 0,
            unpacked: 0,
            size,
            etag: text(&response, &ETAG),
            modified: text(&response, &LAST_MODIFIED),
            content_type: text(&response, &CONTENT_TYPE),
            upstream: Arc::clone(self),
            url,
            mirror: None,
            file,
            response,
            _slot: slot,
        })))
    }
}

/// A header that is short text; empty if it is not.
fn text(response: &Response, name: &HeaderName) -> String {
    let value = response.headers().get(name);
    value
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.len() <= MAX_HEADER)
        .unwrap_or_default()
        .to_owned()
}

impl UpstreamBody {
    /// A header's value as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// The query of the next page's address, as the `Link` header has it (RFC 8288). Where that is else
    /// is the list's own: upstreams behind proxies do not always know it.
    pub(crate) fn next_page(&self) -> Option<String> {
        let values = self.response.headers().get_all(LINK).iter();
        let mut values = values.filter_map(|value| value.to_str().ok());
        let link = values.find_map(next_link)?;
        let (_, query) = link.split_once('?').unwrap_or_default();
        Some(query.split('#').next().unwrap_or_default().to_owned())
    }

    /// The next bytes, decoded, and never none of them; `None` at the end. An end before the
    /// announced one is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            if self.waiting.is_empty() {
                match self.chunk().await? {
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
            if let Err(error) = decoder.write_all(&piece) {
                return Err(self
                    .useless("sends what is badly compressed for")
                    .because(error));
            }
            let plain = std::mem::take(decoder.get_mut());
            self.packed += piece.len() as u64;
            self.unpacked += plain.len() as u64;
            if self.unpacked > ANY_RATIO_BYTES.max(self.packed.saturating_mul(MAX_RATIO)) {
                return Err(self.useless("sends what unpacks to too much for"));
            }
            if !plain.is_empty() {
                return Ok(Some(plain.into()));
            }
        }
    }

    /// The next bytes as they come, if they come in time.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let idle_time = self.upstream.config.idle_time;
        let source = match tokio::time::timeout(idle_time, self.response.chunk()).await {
            Ok(Ok(bytes)) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                self.upstream.counters.received(length);
                return Ok(bytes);
            }
            Ok(Err(error)) => Some(error.without_url()),
            Err(_) => None,
        };
        let failure = Failure {
            url: self.url.clone(),
            fault: Fault::BrokeOff,
            said: None,
            source,
        };
        Err(self.upstream.count(failure, &self.file))
    }

    fn end(&mut self) -> Result<Option<Bytes>, Problem> {
        self.upstream.origins.succeeded(&self.url);
        let Some(decoder) = self.decoder.take() else {
            return Ok(None);
        };
        let rest = decoder.finish().map_err(|error| {
            self.useless("sends what is badly compressed for")
                .because(error)
        })?;
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    /// Where it comes from, after all redirects.
    pub(crate) fn address(&self) -> &str {
        self.url.as_str()
    }

    /// The problem of more bytes than there may be.
    pub(crate) fn too_large(&self, limit: impl Into<Limit>) -> Problem {
        let sentence = format!("sends too many bytes for {}", self.file);
        let what = limit.into().at_end_of(&sentence);
        self.upstream.useless(Kind::Upstream, &self.url, &what)
    }

    fn useless(&self, what: &str) -> Problem {
        let what = format!("{what} {}", self.file);
        self.upstream.useless(Kind::Upstream, &self.url, &what)
    }

    /// All of it, if it is within the limit: in memory if there is room, else on the disk.
    pub(crate) async fn collect(
        self,
        limit: impl Into<Limit>,
        intake: &Intake,
    ) -> Result<Received, Problem> {
        let upstream = Arc::clone(&self.upstream);
        let mut receiver = intake.receiver(&upstream.room, self.size);
        self.pass_to(&mut receiver, limit).await?;
        receiver.finish().await
    }

    /// Passes all of it on, if what has come before and it are within the limit together.
    pub(crate) async fn pass_to(
        mut self,
        receiver: &mut Receiver<'_>,
        limit: impl Into<Limit>,
    ) -> Result<(), Problem> {
        let limit = limit.into();
        let size = receiver
            .size()
            .saturating_add(self.size.unwrap_or_default());
        if size > limit.bytes {
            return Err(self.too_large(limit));
        }
        while let Some(bytes) = self.next().await? {
            if receiver.size() + bytes.len() as u64 > limit.bytes {
                return Err(self.too_large(limit));
            }
            receiver.push(bytes).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
